"""Releases over JSON, for operators. What takes long is begun (202) and goes on; the state tells how."""

from pyramid.response import Response

from releaseapp.operations import service as operations
from releaseapp.releases import service
from releaseapp.releases.models import Release, without_roles
from releaseapp.releases.resources import OperationsNode, ReleaseNode, ReleasePage, Releases, ground_of, who_asks
from releaseapp.releases.schemas import ConfirmForm, GoOnForm, NoteForm, StartForm, WhyForm
from releaseapp.releases.state import state_of
from releaseapp.releases.working import Begun
from releaseapp.web.answers import json_answer
from releaseapp.web.bodies import plain, read, read_optional
from releaseapp.web.paging import cursor, whole
from releaseapp.web.request import Request
from releaseapp.web.views import OPERATOR, api

_ACCEPTED = 202


@api(ReleasePage, OPERATOR)
def show_state(_context: ReleasePage, request: Request) -> Response:
    """The open release or the newest, its log, what comes next, and what is at work."""
    return json_answer(state_of(ground_of(request)).plain())


@api(ReleasePage, OPERATOR, "POST", name="start")
def start(_context: ReleasePage, request: Request) -> Response:
    """Begins a release, or goes on with one whose start stopped."""
    return _begun(request, service.start(ground_of(request), who_asks(request), read(request, StartForm).plan()))


@api(ReleasePage, OPERATOR, "POST", name="promote")
def promote(_context: ReleasePage, request: Request) -> Response:
    """Promotes the release: this very process must be the new one."""
    wish = read_optional(request, GoOnForm).wish()
    return _begun(request, service.promote(ground_of(request), who_asks(request), wish))


@api(ReleasePage, OPERATOR, "POST", name="finish")
def finish(_context: ReleasePage, request: Request) -> Response:
    """Finishes the release."""
    wish = read_optional(request, GoOnForm).wish()
    return _begun(request, service.finish(ground_of(request), who_asks(request), wish))


@api(ReleasePage, OPERATOR, "POST", name="hook")
def call_hook(_context: ReleasePage, request: Request) -> Response:
    """Calls the hook once more."""
    return _begun(request, service.call_hook_again(ground_of(request), who_asks(request)))


@api(ReleasePage, OPERATOR, name="rollback")
def show_loss(_context: ReleasePage, request: Request) -> Response:
    """What a rollback would lose."""
    return json_answer(service.what_is_lost(ground_of(request)))


@api(ReleasePage, OPERATOR, "POST", name="rollback")
def roll_back(_context: ReleasePage, request: Request) -> Response:
    """Puts the release's snapshot back."""
    why = read_optional(request, WhyForm).why
    return _begun(request, service.roll_back(ground_of(request), who_asks(request), why))


@api(ReleasePage, OPERATOR, "POST", name="abandon")
def abandon(_context: ReleasePage, request: Request) -> Response:
    """Ends the release where it is."""
    why = read(request, WhyForm).why
    return json_answer(without_roles(service.abandon(request.db, who_asks(request), why)))


@api(ReleasePage, OPERATOR, "POST", name="confirm")
def confirm_roles(_context: ReleasePage, request: Request) -> Response:
    """Writes down that the caller has looked at the role matrix as it is."""
    seen = read_optional(request, ConfirmForm).seen
    return json_answer(without_roles(service.confirm_roles(ground_of(request), who_asks(request), seen)))


@api(ReleasePage, OPERATOR, "POST", name="note")
def note(_context: ReleasePage, request: Request) -> Response:
    """Writes a note into the log of the newest release."""
    text = read(request, NoteForm).text
    return json_answer(without_roles(service.note(request.db, who_asks(request), text)))


@api(Releases, OPERATOR)
def list_releases(_context: Releases, request: Request) -> Response:
    """Every release, newest first."""
    current = cursor(request)
    found = service.list_releases(request.db, current.before, current.limit + 1)
    listed = current.page(found, lambda release: release.id)
    return json_answer({"items": [without_roles(one) for one in listed.items], "next": listed.next})


@api(ReleaseNode, OPERATOR)
def show_release(context: ReleaseNode, request: Request) -> Response:
    """A release with the role matrix of its start, and everything written of it."""
    release = context.release
    return json_answer({**plain(release), "entries": plain(service.list_entries(request.db, release.id))})


@api(OperationsNode, OPERATOR)
def list_operations(_context: OperationsNode, request: Request) -> Response:
    """What is and was done to the server, newest first."""
    limit = whole(request, "limit", default=20, low=1, high=200)
    return json_answer({"items": operations.list_operations(request.db, limit)})


def _begun(request: Request, begun: Begun) -> Response:
    release: Release = service.perform_in_thread(ground_of(request), begun)
    return json_answer({"release": without_roles(release), "operation": begun.operation}, _ACCEPTED)
