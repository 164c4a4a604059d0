"""Signing in and out, and the person's own page, for browsers."""

from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import Response

from releaseapp import clock
from releaseapp.auth import service
from releaseapp.auth.api import caller_of
from releaseapp.auth.hygiene import is_stale
from releaseapp.auth.models import TOKEN_COOKIE, SignedIn
from releaseapp.auth.people.service import password_changed_at
from releaseapp.auth.resources import AccountNode, Auth, SessionNode, Sessions, TokenNode
from releaseapp.auth.schemas import AccountChange, PasswordChange, SignIn
from releaseapp.errors import Invalid, NotSignedIn, TooManyRequests
from releaseapp.web.bodies import read_form
from releaseapp.web.forms import FormState, local_path, refused
from releaseapp.web.messages import say
from releaseapp.web.request import Request
from releaseapp.web.shown import show
from releaseapp.web.views import OPEN, PERSON, page


@page(Auth, OPEN, name="login", while_password_is_due=True)
def sign_in_page(_context: Auth, request: Request) -> Response:
    """The form; whoever is signed in already is sent on."""
    if request.identity is not None:
        return HTTPSeeOther(local_path(request.GET.get("next")) or "/")
    return _sign_in_form(request, FormState({"next": request.GET.get("next", "")}))


@page(Auth, OPEN, "POST", name="login", during_maintenance=True, while_password_is_due=True)
def sign_in(_context: Auth, request: Request) -> Response:
    """Starts a session and keeps its token in a cookie that no script can read."""
    try:
        given = read_form(request, SignIn)
        signed_in = service.sign_in(request.db, request.settings, given.email, given.password, caller_of(request))
    except Invalid as error:
        return _sign_in_form(request, refused(request, error))
    except (NotSignedIn, TooManyRequests) as error:
        form = refused(request, Invalid.at("", str(error)))
        request.response.status_int = 401
        if isinstance(error, TooManyRequests):
            request.response.status_int = 429
            request.response.headers["Retry-After"] = str(error.retry_after)
        return _sign_in_form(request, form)
    return _signed_in(request, signed_in)


def _signed_in(request: Request, signed_in: SignedIn) -> Response:
    """On to where one wanted to go, with the token in the cookie."""
    response = HTTPSeeOther(local_path(request.POST.get("next")) or "/")
    response.set_cookie(
        TOKEN_COOKIE,
        signed_in.token,
        max_age=request.settings.session_minutes * 60,
        httponly=True,
        samesite="Lax",
        secure=not request.settings.development,
    )
    return response


def _sign_in_form(request: Request, form: FormState) -> Response:
    accounts = getattr(request.registry, "demo_accounts", []) if request.settings.development else []
    return show(request, "auth/login", form=form, demo_accounts=accounts)


@page(Auth, PERSON, "POST", name="logout", during_maintenance=True, while_password_is_due=True)
def sign_out(_context: Auth, request: Request) -> Response:
    """Ends the session and forgets the cookie."""
    service.end_session(request.db, request.identity.account.id, request.identity.session_id)
    return signed_out("/auth/login")


def signed_out(address: str) -> Response:
    """Sends a browser on without its cookie."""
    response = HTTPSeeOther(address)
    response.delete_cookie(TOKEN_COOKIE)
    return response


@page(AccountNode, PERSON)
def account_page(_context: AccountNode, request: Request) -> Response:
    """The own page: name, password, sessions, tokens for programs."""
    return show_account(request)


def show_account(request: Request, **more: Any) -> Response:
    """The own page with the forms as they stand, and maybe a new token, shown this once."""
    account = request.identity.account
    changed_at = password_changed_at(request.db, account.id) or account.created_at
    empty = FormState({})
    values = {
        "name_form": FormState({"name": account.name}),
        "password_form": empty,
        "token_form": FormState({"role": "viewer", "expires_in_days": "90"}),
        "new_token": None,
        "sessions": service.list_sessions(request.db, account.id),
        "current_session": request.identity.session_id,
        "tokens": service.list_api_tokens(request.db, account.id),
        "password_changed_at": changed_at,
        "password_is_old": is_stale(request.settings, changed_at, clock.now_text()),
    }
    return show(request, "account/show", **{**values, **more})


@page(AccountNode, PERSON, "POST")
def rename(_context: AccountNode, request: Request) -> Response:
    """Changes the own name."""
    try:
        given = read_form(request, AccountChange)
        service.rename_account(request.db, request.identity.account.id, given.name)
    except Invalid as error:
        return show_account(request, name_form=refused(request, error))
    say(request, "Your name is changed.")
    return HTTPSeeOther("/account")


@page(Auth, PERSON, name="password", while_password_is_due=True)
def new_password_page(_context: Auth, request: Request) -> Response:
    """The form for those who have to change the password; everybody else finds it on the own page."""
    if not request.identity.account.must_change_password:
        return HTTPSeeOther("/account")
    return _new_password_form(request, FormState({"next": request.GET.get("next", "")}))


@page(Auth, PERSON, "POST", name="password", during_maintenance=True, while_password_is_due=True)
def change_password(_context: Auth, request: Request) -> Response:
    """Replaces the password. One signs in again with the new one; who had to change it goes straight on."""
    account = request.identity.account
    try:
        given = read_form(request, PasswordChange)
        renewed = service.change_password(
            request.db, request.settings, account, given.current_password, given.new_password, caller_of(request)
        )
    except Invalid as error:
        form = refused(request, error)
        if account.must_change_password:
            return _new_password_form(request, form)
        return show_account(request, password_form=form)
    if renewed is not None:
        return _signed_in(request, renewed)
    say(request, "Your password is changed. Sign in with the new one.")
    return signed_out("/auth/login")


def _new_password_form(request: Request, form: FormState) -> Response:
    # Without ``me`` the frame shows nothing of the places that are shut.
    return show(request, "auth/password", form=form, email=request.identity.account.email, me=None)


@page(Sessions, PERSON, "POST", name="end-all", during_maintenance=True)
def end_all_sessions(_context: Sessions, request: Request) -> Response:
    """Signs out everywhere, here too."""
    service.end_all_sessions(request.db, request.identity.account.id)
    return signed_out("/auth/login")


@page(SessionNode, PERSON, "POST", name="end", during_maintenance=True)
def end_session(context: SessionNode, request: Request) -> Response:
    """Signs out one session."""
    service.end_session(request.db, request.identity.account.id, context.__name__)
    say(request, "That session is signed out.")
    return HTTPSeeOther("/account")


@page(TokenNode, PERSON, "POST", name="revoke", during_maintenance=True)
def revoke_token(context: TokenNode, request: Request) -> Response:
    """Ends a token for a program."""
    service.revoke_api_token(request.db, request.identity.account.id, context.__name__)
    say(request, "The token is revoked.")
    return HTTPSeeOther("/account")
