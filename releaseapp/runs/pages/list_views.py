"""The list of runs, for browsers, and the button that retries what failed."""

from urllib.parse import urlencode

import msgspec
from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import Response

from releaseapp import clock
from releaseapp.db.api import Reader
from releaseapp.errors import AppError
from releaseapp.permissions import Permission
from releaseapp.runs import service
from releaseapp.runs.models import RUN_OVER, Run, RunStatus, TriggerType
from releaseapp.runs.pages import queries
from releaseapp.runs.pages.asked import Asked, Span, asked_of, span_filter
from releaseapp.runs.pages.people import starters
from releaseapp.runs.pages.words import counted, duration, seconds_between
from releaseapp.runs.resources import RunsNode, runs_of
from releaseapp.web.messages import say
from releaseapp.web.paging import Cursor, Page, cursor
from releaseapp.web.request import Request
from releaseapp.web.shown import show
from releaseapp.web.views import page
from releaseapp.workflows.models import Workflow
from releaseapp.workflows.resources import store_of
from releaseapp.workflows.service import list_workflows
from releaseapp.workspaces.resources import WorkspaceNode

MOST_LOOKED_AT = 20_000
_MOST_COUNTED = {True: 1_000, False: 10_000}
"""Of runs that are over (there may be millions of them) fewer are counted."""
_MOST_WORKFLOWS = 200


class Found(msgspec.Struct, frozen=True):
    """One page of runs; ``further`` is the cursor behind all that were looked at for a text, where there are more."""

    page: Page[Run]
    further: str | None = None


@page(RunsNode, Permission.RUNS_VIEW)
def runs_page(context: RunsNode, request: Request) -> Response:
    """The runs of a workspace that ``?status=``, ``?workflow=``, ``?trigger=``, ``?span=`` and so on ask for."""
    asked, current = asked_of(request), cursor(request)
    workspace_id = context.above(WorkspaceNode).id
    found = _find(request.db, workspace_id, asked, current)
    now = clock.now_text()
    workflows = list_workflows(store_of(request), workspace_id)
    return show(
        request,
        "runs/list",
        ("rows",),
        asked=asked,
        runs=found.page.items,
        next_cursor=found.page.next,
        further=found.further,
        looked_at=MOST_LOOKED_AT,
        counts=_counts(request.db, workspace_id, asked),
        can_retry=_retriable(request.db, workspace_id, asked),
        most_retried=service.MOST_RETRIED,
        until_now=asked.until_at or now,
        statuses=list(RunStatus),
        triggers=list(TriggerType),
        spans=list(Span),
        workflows=_choices(workflows, asked.filter.workflow_id),
        startable=any(workflow.published_version is not None for workflow in workflows),
        first_page=asked.link() if "cursor" in request.GET else None,
        starter=starters(request.db),
        took=lambda run: duration(seconds_between(run.started_at, run.finished_at, now)),
    )


@page(RunsNode, Permission.RUNS_CONTROL, "POST", name="retry")
def retry_failed(context: RunsNode, request: Request) -> Response:
    """Retries what failed among the runs that the form names, and shows those that do it."""
    workspace_id, account = context.above(WorkspaceNode).id, request.identity.account
    begin = clock.now_text()
    try:
        wanted = span_filter(request)
        again = service.retry_failed(runs_of(request), workspace_id, wanted, account.id, account.email)
    except AppError as error:
        say(request, str(error), "error")
        return HTTPSeeOther(request.resource_path(context).rstrip("/"))
    if not again:
        say(request, "There was nothing to retry.", "info")
        return HTTPSeeOther(request.resource_path(context).rstrip("/"))
    say(request, f"{len(again):,} {'run is' if len(again) == 1 else 'runs are'} retried.")
    query = urlencode({"trigger": TriggerType.RETRY.value, "since": begin})
    return HTTPSeeOther(f"{request.resource_path(context).rstrip('/')}?{query}")


def _find(db: Reader, workspace_id: str, asked: Asked, current: Cursor) -> Found:
    wanted, limit = queries.below(asked.filter, current.before), current.limit + 1
    if not asked.text:
        return Found(current.page(queries.list_runs(db, workspace_id, wanted, limit), _id_of))
    runs = queries.list_runs_with_text(db, workspace_id, wanted, asked.text, (MOST_LOOKED_AT, limit))
    edge = queries.find_edge(db, workspace_id, wanted, MOST_LOOKED_AT) if len(runs) < limit else None
    return Found(current.page(runs, _id_of), Cursor(current.before, 1).page([edge, edge], str).next if edge else None)


def _counts(db: Reader, workspace_id: str, asked: Asked) -> dict[str, str]:
    """How many runs there are of each status; nothing where counting would have to look at each."""
    if asked.text or asked.filter.trigger_type:
        return {}
    counts = {}
    for status in RunStatus:
        wanted = msgspec.structs.replace(asked.filter, status=status.value)
        most = _MOST_COUNTED[status in RUN_OVER]
        counts[status.value] = counted(queries.count_runs(db, workspace_id, wanted, most + 1), most)
    return counts


def _retriable(db: Reader, workspace_id: str, asked: Asked) -> int:
    if asked.text or asked.filter.status not in {None, RunStatus.FAILED}:
        return 0
    failed = msgspec.structs.replace(asked.filter, status=RunStatus.FAILED.value)
    return queries.count_not_retried(db, workspace_id, failed, service.MOST_RETRIED)


def _choices(workflows: list[Workflow], chosen: str | None) -> dict[str, str]:
    """The workflows that can be chosen, by the order of their names; the chosen one also when it is gone."""
    named = sorted((workflow.shown.name, workflow.id) for workflow in workflows)
    choices = {workflow_id: name for name, workflow_id in named[:_MOST_WORKFLOWS]}
    if chosen and chosen not in choices:
        choices[chosen] = next((name for name, workflow_id in named if workflow_id == chosen), "Another workflow")
    return choices


def _id_of(run: Run) -> str:
    return run.id
