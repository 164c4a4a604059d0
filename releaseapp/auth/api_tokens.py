"""Tokens for programs: made, listed, noted to be in use, revoked."""

from releaseapp import clock
from releaseapp.auth import queries, tokens
from releaseapp.auth.models import ApiToken
from releaseapp.db.api import Database, Reader
from releaseapp.errors import NotFound
from releaseapp.events.models import EventType
from releaseapp.events.service import append


def list_api_tokens(db: Reader, account_id: str) -> list[ApiToken]:
    """The person's tokens for programs, newest first; never the tokens themselves."""
    return queries.list_api_tokens(db, account_id)


def create_api_token(
    db: Database, account_id: str, workspace_id: str, name: str, role: str, days: int
) -> tuple[ApiToken, str]:
    """Makes a token for a program; gives what is kept of it and, this once, the token itself.

    The caller has checked that the account is a member with at least ``role``.
    """
    token = tokens.new_api_token()
    kept = ApiToken(
        id=clock.new_id("tok"),
        account_id=account_id,
        workspace_id=workspace_id,
        name=name.strip(),
        role=role,
        created_at=clock.now_text(),
        expires_at=clock.later_text(days * 24 * 3600),
        last_used_at=None,
        revoked_at=None,
    )
    with db.transaction() as tx:
        queries.insert_api_token(tx, kept, tokens.digest(token))
        append(tx, EventType.TOKEN_CREATED, kept.id, actor=account_id, data={"name": kept.name, "role": role})
    return kept, token


def api_token_digest(token: str) -> str | None:
    """Under what a program's token is kept; None for a token that is none of a program."""
    return tokens.digest(token) if token.startswith(tokens.API_TOKEN_PREFIX) else None


def note_token_use(db: Database, token_id: str) -> None:
    """Keeps when an API token was last in use."""
    with db.transaction() as tx:
        queries.set_api_token_used(tx, token_id, clock.now_text())


def revoke_api_token(db: Database, account_id: str, token_id: str) -> None:
    """Ends a token of the account; raises NotFound."""
    with db.transaction() as tx:
        if not queries.revoke_api_token(tx, account_id, token_id, clock.now_text()):
            raise NotFound("There is no such token.")
        append(tx, EventType.TOKEN_REVOKED, token_id, actor=account_id)
