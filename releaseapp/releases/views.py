"""The Release page and what hangs below it, for browsers."""

from collections.abc import Callable
from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import Response

from releaseapp.auth.service import names_of
from releaseapp.connections.shown import HOURS, hours_since, look
from releaseapp.errors import Conflict, Invalid, NotFound, PreconditionFailed
from releaseapp.operations import service as operations
from releaseapp.operations.models import Kind, Operation
from releaseapp.releases import service
from releaseapp.releases.machine import Verb, verbs_at
from releaseapp.releases.resources import OperationsNode, ReleaseNode, ReleasePage, Releases, ground_of, who_asks
from releaseapp.releases.schemas import ConfirmForm, GoOnForm, NoteForm, StartForm, WhyForm
from releaseapp.releases.state import state_of
from releaseapp.releases.working import Begun
from releaseapp.web.bodies import read_form
from releaseapp.web.forms import FormState, refused
from releaseapp.web.messages import say
from releaseapp.web.paging import choice, cursor
from releaseapp.web.request import Request
from releaseapp.web.shown import show
from releaseapp.web.views import OPERATOR, page

_HERE = "/release"
_EMPTY = FormState({})
_MOST_OPERATIONS = 100


@page(ReleasePage, OPERATOR)
def release_page(_context: ReleasePage, request: Request) -> Response:
    """What is the state, what comes next, what happened before."""
    return _show(request, _EMPTY)


@page(ReleasePage, OPERATOR, "POST", name="start")
def start(_context: ReleasePage, request: Request) -> Response:
    """Begins a release, or goes on with one whose start stopped."""
    return _begin(request, lambda: service.start(ground_of(request), who_asks(request), _plan(request)))


@page(ReleasePage, OPERATOR, "POST", name="promote")
def promote(_context: ReleasePage, request: Request) -> Response:
    """Promotes the release: this very process must be the new one."""
    return _begin(
        request,
        lambda: service.promote(ground_of(request), who_asks(request), read_form(request, GoOnForm).wish()),
    )


@page(ReleasePage, OPERATOR, "POST", name="finish")
def finish(_context: ReleasePage, request: Request) -> Response:
    """Finishes the release."""
    return _begin(
        request,
        lambda: service.finish(ground_of(request), who_asks(request), read_form(request, GoOnForm).wish()),
    )


@page(ReleasePage, OPERATOR, "POST", name="hook")
def call_hook(_context: ReleasePage, request: Request) -> Response:
    """Calls the hook once more."""
    return _begin(request, lambda: service.call_hook_again(ground_of(request), who_asks(request)))


@page(ReleasePage, OPERATOR, name="rollback")
def rollback_page(_context: ReleasePage, request: Request) -> Response:
    """What a rollback would lose, and the button for it."""
    ground = ground_of(request)
    try:
        loss = service.what_is_lost(ground)
    except (Conflict, NotFound) as error:
        return _back(request, str(error), "error")
    return show(request, "releases/rollback", loss=loss, release=service.find_open(request.db), form=_EMPTY)


@page(ReleasePage, OPERATOR, "POST", name="rollback")
def roll_back(_context: ReleasePage, request: Request) -> Response:
    """Puts the release's snapshot back."""
    return _begin(
        request,
        lambda: service.roll_back(ground_of(request), who_asks(request), read_form(request, WhyForm).why),
    )


@page(ReleasePage, OPERATOR, "POST", name="abandon")
def abandon(_context: ReleasePage, request: Request) -> Response:
    """Ends the release where it is."""
    return _do(
        request,
        lambda: service.abandon(request.db, who_asks(request), read_form(request, WhyForm).why),
        "The release is abandoned.",
    )


@page(ReleasePage, OPERATOR, "POST", name="confirm")
def confirm_roles(_context: ReleasePage, request: Request) -> Response:
    """Writes down that the person has looked at the role matrix as it was shown."""
    seen = read_form(request, ConfirmForm).seen
    return _do(
        request,
        lambda: service.confirm_roles(ground_of(request), who_asks(request), seen),
        "The role matrix is confirmed, with your name and the time.",
    )


@page(ReleasePage, OPERATOR, "POST", name="note")
def note(_context: ReleasePage, request: Request) -> Response:
    """Writes a note into the log of the newest release."""
    text = read_form(request, NoteForm).text
    return _do(request, lambda: service.note(request.db, who_asks(request), text), "The note is in the log.")


@page(Releases, OPERATOR)
def releases_page(_context: Releases, request: Request) -> Response:
    """Every release, newest first."""
    current = cursor(request)
    found = service.list_releases(request.db, current.before, current.limit + 1)
    listed = current.page(found, lambda release: release.id)
    return show(request, "releases/list", ("rows",), releases=listed.items, next_cursor=listed.next)


@page(ReleaseNode, OPERATOR)
def release_log_page(context: ReleaseNode, request: Request) -> Response:
    """The log of a release; ``?format=md`` gives it as a file of Markdown."""
    release = context.release
    if request.GET.get("format") == "md":
        response = Response(service.log_as_markdown(request.db, release.id).encode())
        response.content_type, response.charset = "text/markdown", "utf-8"
        name = f"{release.started_at[:10]}-{release.to_version}.md"
        response.content_disposition = f'attachment; filename="{name}"'
        return response
    return show(request, "releases/show", ("log",), release=release, log=service.log_of(request.db, release.id))


@page(OperationsNode, OPERATOR)
def operations_page(_context: OperationsNode, request: Request) -> Response:
    """What is and was done to the server; ``?kind=`` narrows it."""
    kind = choice(request, "kind", Kind)
    found = operations.list_operations(request.db, _MOST_OPERATIONS)
    shown = [one for one in found if kind is None or one.kind is kind]
    return show(
        request, "releases/operations", ("operations",), operations=shown, kind=kind, names=_names_of(request, shown)
    )


def _names_of(request: Request, shown: list[Operation]) -> dict[str, str]:
    return names_of(request.db, (one.actor for one in shown))


def _plan(request: Request) -> Any:
    return read_form(request, StartForm).plan()


def _show(request: Request, form: FormState) -> Response:
    state = state_of(ground_of(request))
    status = state.release.status if state.release else None
    open_release = state.release if state.release and not state.release.is_over else None
    return show(
        request,
        "releases/page",
        ("next", "story", "roles", "looks", "churn", "operations"),
        state=state,
        release=state.release,
        open_release=open_release,
        possible=set(verbs_at(status)) if status else set(),
        verbs=Verb,
        hook_url_set=bool(request.settings.release_hook_url),
        hook_answered=state.release is None or service.hook_is_answered(ground_of(request), state.release),
        operations=state.operations,
        names=_names_of(request, state.operations),
        connections=look(request.db, hours_since(open_release.started_at) if open_release else HOURS[0]),
        form=form,
    )


def _begin(request: Request, begin: Callable[[], Begun]) -> Response:
    """Begins what takes long and comes back at once: the page tells how it goes on."""
    return _do(request, lambda: service.perform_in_thread(ground_of(request), begin()), None)


def _do(request: Request, work: Callable[[], object], done: str | None) -> Response:
    try:
        work()
    except Invalid as error:
        return _show(request, refused(request, error))
    except (Conflict, NotFound, PreconditionFailed) as error:
        return _back(request, str(error), "error")
    return _back(request, done, "success")


def _back(request: Request, text: str | None, kind: Any) -> Response:
    if text:
        say(request, text, kind)
    return HTTPSeeOther(_HERE)
