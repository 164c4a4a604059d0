"""Snapshots over HTTP: listed, made, verified, deleted, fetched. For operators."""

from collections.abc import Callable
from functools import cache

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import Response

from releaseapp.auth.service import names_of
from releaseapp.errors import Conflict
from releaseapp.operations import service as operations
from releaseapp.operations.models import Kind, Operation
from releaseapp.snapshots.importing import carried
from releaseapp.snapshots.resources import SnapshotNode, Snapshots, snapshots_of
from releaseapp.snapshots.service import delete_snapshot, find_snapshot, look_at_shelf
from releaseapp.snapshots.uploads import list_uploads
from releaseapp.snapshots.work import making, verifying
from releaseapp.web.answers import json_answer
from releaseapp.web.messages import say
from releaseapp.web.request import Request
from releaseapp.web.shown import show
from releaseapp.web.views import OPERATOR, api, page

_ACCEPTED = 202
_HERE = "/release/snapshots"
_WATCH = "/release/operations"
_OF_SNAPSHOTS = frozenset({Kind.DRILL, Kind.IMPORT, Kind.PRUNE, Kind.RESTORE, Kind.SNAPSHOT, Kind.VERIFY})
_MOST_SHOWN = 3


@page(Snapshots, OPERATOR)
def snapshots_page(_context: Snapshots, request: Request) -> Response:
    """Every snapshot, what is being done with them, and a button for a new one."""
    s = snapshots_of(request)
    at_work = [one for one in operations.list_operations(request.db) if one.kind in _OF_SNAPSHOTS][:_MOST_SHOWN]
    return show(
        request,
        "snapshots/list",
        ("snapshots", "work"),
        # Asked for by what shows it: what is being done is told often, and need not ask the bucket each time.
        shelf=cache(lambda: look_at_shelf(s)),
        uploads=list_uploads(s.settings),
        operations=at_work,
        names=names_of(request.db, (one.actor for one in at_work)),
        folder=str(s.settings.snapshots),
    )


@api(Snapshots, OPERATOR)
def list_all(_context: Snapshots, request: Request) -> Response:
    """Every snapshot, newest first; ``silence`` says why those of the bucket are not among them."""
    return json_answer(look_at_shelf(snapshots_of(request)))


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
    """The snapshot as one file, which another server can take in."""
    parcel = carried(snapshots_of(request), context.__name__)
    answer = Response(content_type="application/octet-stream", app_iter=parcel)
    answer.content_length = parcel.length
    answer.content_disposition = f'attachment; filename="{parcel.filename}"'
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
