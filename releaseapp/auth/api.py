"""Signing in and out, sessions and the own account over JSON."""

import msgspec
from pyramid.response import Response

from releaseapp.auth import service
from releaseapp.auth.models import Account
from releaseapp.auth.resources import AccountNode, Auth, SessionNode, Sessions, TokenNode, Tokens
from releaseapp.auth.schemas import AccountChange, PasswordChange
from releaseapp.web.answers import json_answer, no_content
from releaseapp.web.bodies import read
from releaseapp.web.request import Request
from releaseapp.web.views import PERSON, SIGNED_IN, api


class AccountShown(msgspec.Struct, frozen=True):
    """An account as its person sees it."""

    id: str
    email: str
    name: str
    is_operator: bool
    must_change_password: bool
    created_at: str


class SessionShown(msgspec.Struct, frozen=True):
    """A session as its person sees it; ``current`` marks the one that asks."""

    id: str
    user_agent: str
    address: str
    created_at: str
    last_seen_at: str
    expires_at: str
    current: bool


class RenewedShown(msgspec.Struct, frozen=True):
    """The session of somebody who had to change the password, and did."""

    token: str
    expires_at: str
    user: AccountShown


def shown(account: Account) -> AccountShown:
    """What a person is told of the own account."""
    return msgspec.convert(account, AccountShown, from_attributes=True)


def caller_of(request: Request) -> service.Caller:
    """From where this request came."""
    return service.Caller(request.remote_addr or "", request.user_agent or "")


@api(Sessions, PERSON)
def list_sessions(_context: Sessions, request: Request) -> Response:
    """Where the person is signed in, newest first."""
    identity = request.identity
    items = [
        SessionShown(
            id=session.id,
            user_agent=session.user_agent,
            address=session.address,
            created_at=session.created_at,
            last_seen_at=session.last_seen_at,
            expires_at=session.expires_at,
            current=session.id == identity.session_id,
        )
        for session in service.list_sessions(request.db, identity.account.id)
    ]
    return json_answer({"items": items, "next": None})


@api(Sessions, PERSON, "DELETE", during_maintenance=True)
def end_all_sessions(_context: Sessions, request: Request) -> Response:
    """Signs out everywhere, here too."""
    service.end_all_sessions(request.db, request.identity.account.id)
    return no_content()


@api(SessionNode, PERSON, "DELETE", during_maintenance=True)
def end_session(context: SessionNode, request: Request) -> Response:
    """Signs out one session."""
    service.end_session(request.db, request.identity.account.id, context.__name__)
    return no_content()


@api(Auth, PERSON, "POST", name="logout", idempotent=False, during_maintenance=True, while_password_is_due=True)
def sign_out(_context: Auth, request: Request) -> Response:
    """Ends the session of the token that asks."""
    service.end_session(request.db, request.identity.account.id, request.identity.session_id)
    return no_content()


@api(Auth, PERSON, "POST", name="password", idempotent=False, during_maintenance=True, while_password_is_due=True)
def change_password(_context: Auth, request: Request) -> Response:
    """Replaces the password; every session ends, this one too. Whoever had to change it is given a new one (200)."""
    change = read(request, PasswordChange)
    renewed = service.change_password(
        request.db,
        request.settings,
        request.identity.account,
        change.current_password,
        change.new_password,
        caller_of(request),
    )
    if renewed is None:
        return no_content()
    return json_answer(RenewedShown(renewed.token, renewed.expires_at, shown(renewed.account)))


@api(AccountNode, SIGNED_IN)
def show_account(_context: AccountNode, request: Request) -> Response:
    """The own account."""
    return json_answer(shown(request.identity.account))


@api(AccountNode, PERSON, "PATCH")
def change_account(_context: AccountNode, request: Request) -> Response:
    """Changes the own name."""
    account = service.rename_account(request.db, request.identity.account.id, read(request, AccountChange).name)
    return json_answer(shown(account))


@api(Tokens, PERSON)
def list_tokens(_context: Tokens, request: Request) -> Response:
    """The person's tokens for programs, newest first; never the tokens themselves."""
    return json_answer({"items": service.list_api_tokens(request.db, request.identity.account.id), "next": None})


@api(TokenNode, PERSON, "DELETE", during_maintenance=True)
def revoke_token(context: TokenNode, request: Request) -> Response:
    """Ends a token."""
    service.revoke_api_token(request.db, request.identity.account.id, context.__name__)
    return no_content()
