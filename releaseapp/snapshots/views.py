"""Snapshots over HTTP: listed, made, verified, deleted, fetched. For operators."""

from collections.abc import Callable

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import FileResponse, Response

from releaseapp.errors import Conflict, NotFound
from releaseapp.operations import service as operations
from releaseapp.operations.models import Kind, Operation
from releaseapp.snapshots.archive import archive_path
from releaseapp.snapshots.resources import SnapshotNode, Snapshots, snapshots_of
from releaseapp.snapshots.service import delete_snapshot, find_snapshot, list_snapshots
from releaseapp.snapshots.work import making, verifying
from releaseapp.web.answers import json_answer
from releaseapp.web.messages import say
from releaseapp.web.request import Request
from releaseapp.web.shown import show
from releaseapp.web.views import OPERATOR, api, page

_ACCEPTED = 202
_HERE = "/release/snapshots"
_WATCH = "/release/operations"


@page(Snapshots, OPERATOR)
def snapshots_page(_context: Snapshots, request: Request) -> Response:
    """Every snapshot, and a button for a new one."""
    kept = list_snapshots(snapshots_of(request))
    return show(request, "snapshots/list", ("snapshots",), kept=kept, folder=str(request.settings.snapshots))


@api(Snapshots, OPERATOR)
def list_all(_context: Snapshots, request: Request) -> Response:
    """Every snapshot, newest first."""
    return json_answer({"items": list_snapshots(snapshots_of(request))})


@page(Snapshots, OPERATOR, "POST")
def make(_context: Snapshots, request: Request) -> Response:
    """Begins to make one; the page shows how far it is."""
    return _on_page(request, lambda: _begin_making(request))


@api(Snapshots, OPERATOR, "POST")
def begin_making(_context: Snapshots, request: Request) -> Response:
    """Begins to make one (202); the answer is the operation, as it is told on ``/ws``."""
    return json_answer(_begin_making(request), _ACCEPTED, location=_WATCH)


@api(SnapshotNode, OPERATOR)
def show_one(context: SnapshotNode, request: Request) -> Response:
    """One snapshot."""
    return json_answer(find_snapshot(snapshots_of(request), context.__name__))


@page(SnapshotNode, OPERATOR)
def snapshot_page(context: SnapshotNode, request: Request) -> Response:
    """What is in it, and what can be done with it."""
    return show(request, "snapshots/one", kept=find_snapshot(snapshots_of(request), context.__name__))


@page(SnapshotNode, OPERATOR, name="archive")
@api(SnapshotNode, OPERATOR, name="archive")
def fetch(context: SnapshotNode, request: Request) -> Response:
    """The archive itself, as it is kept."""
    s = snapshots_of(request)
    kept = find_snapshot(s, context.__name__)
    path = archive_path(s.settings, kept.manifest.name)
    if not path.is_file():
        raise NotFound("The archive of this snapshot is gone.")
    answer = FileResponse(str(path), content_type="application/octet-stream")
    answer.content_disposition = f'attachment; filename="{path.name}"'
    return answer


@page(SnapshotNode, OPERATOR, "POST", name="verify")
def verify(context: SnapshotNode, request: Request) -> Response:
    """Begins to look whether it is whole."""
    return _on_page(request, lambda: _begin_verifying(context, request))


@api(SnapshotNode, OPERATOR, "POST", name="verify")
def begin_verifying(context: SnapshotNode, request: Request) -> Response:
    """Begins to look whether it is whole (202)."""
    return json_answer(_begin_verifying(context, request), _ACCEPTED, location=_WATCH)


@page(SnapshotNode, OPERATOR, "POST", name="delete")
def delete_on_page(context: SnapshotNode, request: Request) -> Response:
    """Deletes it."""
    delete_snapshot(snapshots_of(request), context.__name__, request.identity.account.id)
    say(request, f"Deleted {context.__name__}.")
    return HTTPSeeOther(_HERE)


@api(SnapshotNode, OPERATOR, "DELETE")
def delete(context: SnapshotNode, request: Request) -> Response:
    """Deletes it."""
    delete_snapshot(snapshots_of(request), context.__name__, request.identity.account.id)
    return Response(status=204)


def _begin_making(request: Request) -> Operation:
    s = snapshots_of(request)
    return _begin(request, Kind.SNAPSHOT, lambda report: making(s, report))


def _begin_verifying(context: SnapshotNode, request: Request) -> Operation:
    s, name = snapshots_of(request), context.__name__
    find_snapshot(s, name)
    return _begin(request, Kind.VERIFY, lambda report: verifying(s, report, name))


def _begin(request: Request, kind: Kind, work: operations.Work) -> Operation:
    return operations.start_in_thread(request.db, kind, request.identity.account.id, work)


def _on_page(request: Request, begin: Callable[[], Operation]) -> Response:
    try:
        begin()
    except Conflict as error:
        say(request, str(error), "error")
    return HTTPSeeOther(_HERE)
