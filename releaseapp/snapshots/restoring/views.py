"""Putting a snapshot back from its page, and trying it aside: shown first, then asked, then done in the background."""

from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import Response

from releaseapp.errors import AppError, Conflict, NotFound
from releaseapp.operations import service as operations
from releaseapp.operations.models import Kind, Operation
from releaseapp.operations.service import Report
from releaseapp.snapshots.models import Damaged
from releaseapp.snapshots.resources import SnapshotNode, snapshots_of
from releaseapp.snapshots.restoring import service
from releaseapp.snapshots.restoring.work import drilling, restoring
from releaseapp.snapshots.service import find_snapshot
from releaseapp.web.answers import json_answer
from releaseapp.web.messages import say
from releaseapp.web.request import Request
from releaseapp.web.shown import show
from releaseapp.web.views import OPERATOR, api, page

_ACCEPTED = 202
_WATCH = "/release/operations"


@page(SnapshotNode, OPERATOR, name="restore")
def restore_page(context: SnapshotNode, request: Request) -> Response:
    """What would be lost, and the button for it."""
    kept = find_snapshot(snapshots_of(request), context.__name__)
    try:
        loss, refusal = service.preview(snapshots_of(request), context.__name__), ""
    except NotFound:
        raise
    except AppError as error:
        loss, refusal = None, str(error)
    return show(request, "snapshots/restore", manifest=kept.manifest, loss=loss, refusal=refusal)


@page(SnapshotNode, OPERATOR, "POST", name="restore")
def restore(context: SnapshotNode, request: Request) -> Response:
    """Begins to put it back; the page of operations shows how far it is."""
    return _begin_on_page(context, request, Kind.RESTORE)


@page(SnapshotNode, OPERATOR, "POST", name="drill")
def drill(context: SnapshotNode, request: Request) -> Response:
    """Begins to put it back aside, where nobody works."""
    return _begin_on_page(context, request, Kind.DRILL)


@api(SnapshotNode, OPERATOR, name="restore")
def show_loss(context: SnapshotNode, request: Request) -> Response:
    """What putting it back would lose."""
    return json_answer(service.preview(snapshots_of(request), context.__name__))


@api(SnapshotNode, OPERATOR, "POST", name="restore")
def begin_restore(context: SnapshotNode, request: Request) -> Response:
    """Begins to put it back (202); the answer is the operation, as it is told on ``/ws``."""
    return json_answer(_begin(context, request, Kind.RESTORE), _ACCEPTED, location=_WATCH)


@api(SnapshotNode, OPERATOR, "POST", name="drill")
def begin_drill(context: SnapshotNode, request: Request) -> Response:
    """Begins to put it back aside (202)."""
    return json_answer(_begin(context, request, Kind.DRILL), _ACCEPTED, location=_WATCH)


def _begin_on_page(context: SnapshotNode, request: Request, kind: Kind) -> Response:
    try:
        _begin(context, request, kind)
    except (Conflict, Damaged) as error:
        say(request, str(error), "error")
        return HTTPSeeOther(f"/release/snapshots/{context.__name__}")
    return HTTPSeeOther(_WATCH)


def _begin(context: SnapshotNode, request: Request, kind: Kind) -> Operation:
    s, name, actor = snapshots_of(request), context.__name__, request.identity.account.id
    find_snapshot(s, name)

    def work(report: Report) -> tuple[str, dict[str, Any]]:
        return restoring(s, name, report) if kind is Kind.RESTORE else drilling(s, report, name)

    return operations.start_in_thread(request.db, kind, actor, work)
