"""One run, for browsers: how it stands, its steps over time, what went in and came out, its log."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import msgspec
from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import Response

from releaseapp import clock
from releaseapp.errors import NotFound
from releaseapp.permissions import Permission
from releaseapp.runs import service
from releaseapp.runs.models import RunStatus
from releaseapp.runs.pages import queries
from releaseapp.runs.pages.here import Here, here_of, read_key
from releaseapp.runs.pages.panel import find_open_step, log_of, value_to_show
from releaseapp.runs.pages.people import starters
from releaseapp.runs.pages.steps_part import STEPS_AT_ONCE, steps_values
from releaseapp.runs.pages.words import duration, seconds_between
from releaseapp.runs.resources import RunNode, StepNode, StepsNode
from releaseapp.web.paging import whole
from releaseapp.web.request import Request
from releaseapp.web.shown import show
from releaseapp.web.views import page
from releaseapp.workflows.resources import store_of
from releaseapp.workflows.service import find_workflow

_MOST_CHILDREN = 20
_OLDER_AT_ONCE = 500
_LAST_LINE = 10_000_000
_SIDES = ("input", "output")

Values = dict[str, Any]


@page(RunNode, Permission.RUNS_VIEW)
def run_page(context: RunNode, request: Request) -> Response:
    """One run; ``?step=``, ``?items=`` and so on open parts of it. Live parts: head, steps, panel, view, lines."""
    here, wanted = here_of(request), request.GET.get("fragment", "")
    if wanted == "lines":
        return _older_lines(context, request, here)
    makers: dict[str, tuple[Callable[[RunNode, Request, Here, Values], Values], ...]] = {
        "head": (_head,),
        "steps": (_steps,),
        "panel": (_panel,),
        "view": (_steps, _panel, _log),
    }
    now = clock.now_text()
    values: Values = {
        "run": context.run,
        "here": here,
        "now": now,
        "took": lambda run: duration(seconds_between(run.started_at, run.finished_at, now)),
        "starter": starters(request.db),
        "definition": service.definition_of(request.db, context.run.id) if wanted != "head" else {},
    }
    for make in makers.get(wanted, (_head, _steps, _panel, _log)):
        values |= make(context, request, here, values)
    return show(request, "runs/show", tuple(makers), **values)


@page(RunNode, Permission.RUNS_VIEW, name="value")
def value_page(context: RunNode, request: Request) -> Response:
    """All of a value, as a file: ``?of=inputs`` or ``output`` of the run; ``input`` or ``output`` of ``?step=``."""
    of, run = request.GET.get("of", ""), context.run
    step_id, item = read_key(request.GET.get("step", ""))
    text: str | None = None
    if step_id and of in _SIDES:
        attempt = whole(request, "attempt", default=1, low=0, high=_LAST_LINE)
        text = queries.find_values(request.db, run.id, step_id, item, attempt)[_SIDES.index(of)]
    elif not step_id and of in {"inputs", "output"}:
        text = msgspec.json.encode(run.inputs if of == "inputs" else run.output).decode()
    if text is None:
        raise NotFound("There is no such value.")
    answer = Response(text.encode(), content_type="application/json", charset="utf-8")
    answer.content_disposition = f'attachment; filename="{of}.json"'
    return answer


@page(StepsNode, Permission.RUNS_VIEW)
def steps_page(context: StepsNode, request: Request) -> Response:
    """The steps of a run are on its own page."""
    return HTTPSeeOther(request.resource_path(context.__parent__).rstrip("/"))


@page(StepNode, Permission.RUNS_VIEW)
def step_page(context: StepNode, request: Request) -> Response:
    """A step is open on the page of its run."""
    path = request.resource_path(context.above(RunNode)).rstrip("/")
    return HTTPSeeOther(f"{path}?{urlencode({'step': context.__name__})}")


@page(RunNode, Permission.RUNS_VIEW, name="log")
def log_page(context: RunNode, request: Request) -> Response:
    """The log is on the page of its run."""
    query = {name: value for name, value in request.GET.items() if name in {"step", "after"}}
    return HTTPSeeOther(f"{request.resource_path(context).rstrip('/')}?{urlencode(query)}#log")


def _head(context: RunNode, request: Request, _here: Here, _values: Values) -> Values:
    run = context.run
    workflow = find_workflow(store_of(request), run.workspace_id, run.workflow_id)
    published = workflow.published_version if workflow and workflow.deleted_at is None else None
    waited = seconds_between(run.created_at, run.started_at, clock.now_text())
    return {
        "workflow": workflow,
        "has_version": workflow is not None and workflow.version(run.version) is not None,
        "published": published,
        "waited": duration(waited) if waited and waited >= 1 else "",
        "attempts": service.list_attempts(request.db, run.first_run),
        "children": service.list_children(request.db, run.id, _MOST_CHILDREN + 1),
        "most_children": _MOST_CHILDREN,
        "can_continue": run.status in {RunStatus.FAILED, RunStatus.CANCELLED},
    }


def _steps(context: RunNode, request: Request, here: Here, values: Values) -> Values:
    found = steps_values(request.db, context.run, values["definition"], here, values["now"])
    return {**found, "steps_at_once": STEPS_AT_ONCE}


def _panel(context: RunNode, request: Request, here: Here, values: Values) -> Values:
    run = context.run
    step = find_open_step(request.db, run, values["definition"], here, values["now"])
    if step is not None:
        return {"step": step, "inputs": None, "output": None}
    shown = run.status is RunStatus.SUCCEEDED
    return {
        "step": None,
        "inputs": value_to_show(run.inputs, "value?of=inputs"),
        "output": value_to_show(run.output, "value?of=output") if shown else None,
    }


def _log(context: RunNode, request: Request, here: Here, values: Values) -> Values:
    return {"log": log_of(request.db, context.run, values["step"], here.after)}


def _older_lines(context: RunNode, request: Request, here: Here) -> Response:
    """Lines in front of ``?before=``, for the log of a page that one scrolls up in."""
    before = whole(request, "before", default=_LAST_LINE, low=0, high=_LAST_LINE)
    limit = whole(request, "limit", default=_OLDER_AT_ONCE, low=1, high=_OLDER_AT_ONCE)
    place = (here.step_id, here.item) if here.step_id else None
    lines = queries.list_log_before(request.db, context.run.id, place, before, limit)
    return show(request, "runs/show", ("lines",), lines=lines, with_steps=place is None)
