"""Runs over JSON."""

from typing import Any

from pyramid.response import Response

from releaseapp import clock
from releaseapp.errors import Invalid
from releaseapp.permissions import Permission
from releaseapp.runs import service
from releaseapp.runs.models import WHOLE, Run, RunStatus, TriggerType
from releaseapp.runs.queries import LAST, Filter
from releaseapp.runs.resources import RunNode, RunsNode, StepNode, StepsNode, runs_of
from releaseapp.runs.schemas import RetryFailed, RunRetry, RunStart
from releaseapp.web.answers import created, json_answer
from releaseapp.web.bodies import read, read_optional
from releaseapp.web.paging import choice, cursor, whole
from releaseapp.web.request import Request
from releaseapp.web.views import api
from releaseapp.workflows.resources import WorkflowNode
from releaseapp.workspaces.resources import WorkspaceNode

_MOST_LINES = 1000
_LAST_LINE = 10_000_000
_SHORT_FIELDS = ("inputs", "output")


@api(RunsNode, Permission.RUNS_VIEW)
def list_runs(context: RunsNode, request: Request) -> Response:
    """Runs without inputs and outputs: ``?status=``, ``?workflow=``, ``?trigger=``, ``?since=``, ``?until=``."""
    page = cursor(request)
    workspace_id = context.above(WorkspaceNode).id
    found = service.list_runs(request.db, workspace_id, wanted(request), page.before, page.limit + 1)
    listed = page.page(found, lambda run: run.id)
    return json_answer({"items": [_short(run) for run in listed.items], "next": listed.next})


@api(RunsNode, Permission.RUNS_CONTROL, "POST", name="retry")
def retry_failed(context: RunsNode, request: Request) -> Response:
    """Retries what failed in a span of time, from where each failed; at most 500 runs at once."""
    given = read(request, RetryFailed)
    span = Filter(
        workflow_id=given.workflow_id,
        since=_id_at("since", given.since),
        until=_id_at("until", given.until) if given.until else LAST,
    )
    actor = request.identity.account
    again = service.retry_failed(runs_of(request), context.above(WorkspaceNode).id, span, actor.id, actor.email)
    return json_answer({"items": [_short(run) for run in again]})


@api(WorkflowNode, Permission.WORKFLOWS_RUN, "POST", name="run")
def start_run(context: WorkflowNode, request: Request) -> Response:
    """Starts a run of the published version; or, as a test, of any: 201 with its address."""
    given = read_optional(request, RunStart)
    account = request.identity.account
    start = service.Start(
        inputs=given.inputs,
        trigger_type=TriggerType.TEST if given.test else TriggerType.API,
        by=account.id,
        email=account.email,
        version=given.version,
        pins=given.pins,
        effects=given.effects,
        only_step=given.only_step,
    )
    workspace = context.above(WorkspaceNode)
    run = service.start_run(runs_of(request), workspace.id, context.workflow.id, start)
    return created(run, request.resource_url(workspace, "runs", run.id))


@api(RunNode, Permission.RUNS_VIEW)
def show_run(context: RunNode, request: Request) -> Response:
    """One run with the standing of its steps."""
    steps = service.list_steps(request.db, context.run.id)
    return json_answer({**_plain(context.run), "steps": [_outline(step) for step in steps]})


@api(RunNode, Permission.RUNS_VIEW, name="definition")
def show_definition(context: RunNode, request: Request) -> Response:
    """The definition that the run was started with."""
    return json_answer(service.definition_of(request.db, context.run.id))


@api(RunNode, Permission.RUNS_VIEW, name="log")
def show_log(context: RunNode, request: Request) -> Response:
    """The lines of the log behind ``?after=``, at most ``?limit=`` of them; those of one step with ``?step=``."""
    return json_answer({"items": log_of(context, request)})


@api(RunNode, Permission.RUNS_CONTROL, "POST", name="cancel")
def cancel_run(context: RunNode, request: Request) -> Response:
    """Ends a run that is not over."""
    run = service.cancel_run(runs_of(request), context.run, request.identity.account.id)
    return json_answer(run)


@api(RunNode, Permission.RUNS_CONTROL, "POST", name="retry")
def retry_run(context: RunNode, request: Request) -> Response:
    """Does again what failed, what comes after a step, or the whole: 201 with the address of the run that does."""
    given = read_optional(request, RunRetry)
    retry = service.Retry(given.from_step, given.whole, given.current)
    account = request.identity.account
    run = service.retry_run(runs_of(request), context.run, retry, account.id, account.email)
    return created(run, request.resource_url(context.__parent__, run.id))


@api(StepsNode, Permission.RUNS_VIEW)
def list_steps(context: StepsNode, request: Request) -> Response:
    """Every attempt at every step, without inputs and outputs."""
    steps = service.list_steps(request.db, context.above(RunNode).run.id)
    return json_answer({"items": [_outline(step) for step in steps], "next": None})


@api(StepNode, Permission.RUNS_VIEW)
def show_step(context: StepNode, request: Request) -> Response:
    """Every attempt at one step, or at one item of it, with what went in and what came out."""
    run = context.above(RunNode).run
    attempts = service.list_attempts_of_step(request.db, run.id, context.step_id, context.item)
    return json_answer({"step_id": context.step_id, "item": shown_item(context.item), "attempts": attempts})


def wanted(request: Request) -> Filter:
    """Which runs the query string asks for; raises Invalid for what makes no sense."""
    status = choice(request, "status", RunStatus)
    trigger = choice(request, "trigger", TriggerType)
    since, until = request.GET.get("since", ""), request.GET.get("until", "")
    return Filter(
        status=status.value if status else None,
        workflow_id=request.GET.get("workflow") or None,
        trigger_type=trigger.value if trigger else None,
        since=_id_at("since", since) if since else "",
        until=_id_at("until", until) if until else LAST,
    )


def log_of(context: RunNode, request: Request) -> list[Any]:
    """The lines of a run's log that the query string asks for."""
    after = whole(request, "after", default=0, low=0, high=_LAST_LINE)
    limit = whole(request, "limit", default=_MOST_LINES, low=1, high=_MOST_LINES)
    step = request.GET.get("step", "")
    if not step:
        return list(service.list_log(request.db, context.run.id, after, limit))
    step_id, _, number = step.partition(".")
    item = int(number) if number.isascii() and number.isdigit() and len(number) <= len(str(_LAST_LINE)) else WHOLE
    return list(service.list_log_of_step(request.db, context.run.id, step_id, item, after, limit))


def shown_item(item: int) -> int | None:
    """The number of an item as programs see it: none for a step that is done once."""
    return None if item == WHOLE else item


def _id_at(name: str, moment: str) -> str:
    try:
        return clock.first_id_at("run", clock.parse(moment))
    except (ValueError, OverflowError):
        raise Invalid.at(f"/{name}", f"{name} must be a time such as 2030-01-31T08:00:00Z.") from None


def _short(run: Run) -> dict[str, Any]:
    return {name: value for name, value in _plain(run).items() if name not in _SHORT_FIELDS}


def _plain(run: Run) -> dict[str, Any]:
    return {name: getattr(run, name) for name in run.__struct_fields__}


def _outline(step: Any) -> dict[str, Any]:
    kept = {name: getattr(step, name) for name in step.__struct_fields__ if name not in {"input", "output", "run_id"}}
    return {**kept, "item": shown_item(step.item)}
