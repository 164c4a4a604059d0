"""What can be done with accounts: sign in and out, change a password, make and revoke tokens."""

import re
from datetime import timedelta

import msgspec

from releaseapp import clock
from releaseapp.auth import passwords, queries, throttle, tokens
from releaseapp.auth.models import Account, ApiToken, Claims, Secrets, Session, SignedIn
from releaseapp.db.api import Database, Reader, Transaction
from releaseapp.errors import Conflict, Fault, Invalid, NotFound, NotSignedIn
from releaseapp.events.models import EventType
from releaseapp.events.service import append
from releaseapp.settings import Settings

WRONG = "The e-mail or the password is wrong."
"""Said of an unknown e-mail, a wrong password and a disabled account alike."""

_EMAIL = re.compile(r"[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+")
_LONGEST_EMAIL = 254
_LONGEST_AGENT = 300
_SEEN_EVERY_SECONDS = 60


class Caller(msgspec.Struct, frozen=True):
    """From where somebody signs in."""

    address: str
    user_agent: str


def fold_email(email: str) -> str:
    """E-mail addresses are compared without regard to case."""
    return email.strip().lower()


def create_account(
    db: Database, settings: Settings, email: str, name: str, password: str, *, is_operator: bool = False
) -> Account:
    """Adds an account; raises Invalid for a bad e-mail, name or password, Conflict for a taken e-mail."""
    email = fold_email(email)
    faults = passwords.faults_of(password, email=email, pointer="/password")
    if not _EMAIL.fullmatch(email) or len(email) > _LONGEST_EMAIL:
        faults.append(Fault("/email", "email must be an e-mail address."))
    if not name.strip():
        faults.append(Fault("/name", "name must not be blank."))
    if faults:
        raise Invalid(faults)
    now = clock.now_text()
    account = Account(
        id=clock.new_id("acc"),
        email=email,
        name=name.strip(),
        is_operator=is_operator,
        is_disabled=False,
        must_change_password=False,
        last_workspace_id=None,
        created_at=now,
        updated_at=now,
    )
    password_hash = passwords.hash_password(password, settings.bcrypt_cost)
    try:
        with db.transaction() as tx:
            queries.insert_account(tx, account, password_hash)
            append(tx, EventType.ACCOUNT_CREATED, account.id, data={"email": email, "name": account.name})
    except Conflict as error:
        raise Conflict(f"There is an account with the e-mail {email} already.") from error
    return account


def get_account(db: Reader, account_id: str) -> Account:
    """An account; raises NotFound."""
    account = queries.find_account(db, account_id)
    if account is None:
        raise NotFound("There is no such account.")
    return account


def find_account_by_email(db: Reader, email: str) -> Account | None:
    """An account by e-mail, in any case."""
    return queries.find_account_by_email(db, fold_email(email))


def opens_with(db: Reader, settings: Settings, email: str, password: str) -> bool:
    """Whether somebody could sign in with this password, as far as the account goes; nothing is counted or begun."""
    found = queries.find_secrets(db, fold_email(email))
    if found is None or found.is_disabled:
        return False
    return passwords.matches(password, found.password_hash, settings.bcrypt_cost)


def sign_in(db: Database, settings: Settings, email: str, password: str, caller: Caller) -> SignedIn:
    """Checks the password and starts a session.

    Raises NotSignedIn, with the same words after the same work whatever is
    wrong, and TooManyRequests when there were too many attempts.
    """
    email = fold_email(email)[:_LONGEST_EMAIL]
    bucket = throttle.admit(db, settings, email, caller.address)
    found = queries.find_secrets(db, email)
    right = passwords.matches(password, found.password_hash if found else None, settings.bcrypt_cost)
    if not right or found is None or found.is_disabled:
        raise NotSignedIn(WRONG)
    with db.transaction() as tx:
        throttle.forgive(tx, bucket)
        if passwords.cost_of(found.password_hash) < settings.bcrypt_cost:
            raised = passwords.hash_password(password, settings.bcrypt_cost)
            queries.set_password_hash(tx, found.account_id, raised)
        return _start_session(tx, settings, found, caller)


def _start_session(tx: Transaction, settings: Settings, found: Secrets, caller: Caller) -> SignedIn:
    now = clock.now()
    ends = now + timedelta(minutes=settings.session_minutes)
    session = Session(
        id=clock.new_id("ses"),
        account_id=found.account_id,
        user_agent=caller.user_agent[:_LONGEST_AGENT],
        address=caller.address,
        created_at=clock.text(now),
        last_seen_at=clock.text(now),
        expires_at=clock.text(ends),
        ended_at=None,
    )
    queries.delete_sessions_before(tx, clock.later_text(-30 * 24 * 3600))
    queries.insert_session(tx, session)
    append(tx, EventType.SESSION_STARTED, session.id, actor=found.account_id, data={"address": caller.address})
    claims = Claims(sub=found.account_id, jti=session.id, ver=found.token_version, exp=int(ends.timestamp()))
    token = tokens.encode(claims, int(now.timestamp()), settings.jwt_secret)
    return SignedIn(token, session.expires_at, get_account(tx, found.account_id), session)


def read_token(settings: Settings, token: str) -> Claims:
    """The claims of a session token; raises NotSignedIn. Whether the session still lives, the database says."""
    accepted = tuple(secret for secret in (settings.jwt_secret, settings.jwt_secret_previous) if secret)
    return tokens.decode(token, accepted, int(clock.now().timestamp()))


def use_is_noted(last_use: str | None) -> bool:
    """Whether "last seen" is fresh enough: it is kept to the minute, so that reading does not become writing."""
    return last_use is not None and last_use >= clock.later_text(-_SEEN_EVERY_SECONDS)


def note_session_use(db: Database, session_id: str) -> None:
    """Keeps when a session was last in use."""
    with db.transaction() as tx:
        queries.set_session_seen(tx, session_id, clock.now_text())


def list_sessions(db: Reader, account_id: str) -> list[Session]:
    """Where the person is signed in, newest first."""
    return queries.list_sessions(db, account_id, clock.now_text())


def end_session(db: Database, account_id: str, session_id: str) -> None:
    """Signs out one session; raises NotFound when the account has no such living session."""
    with db.transaction() as tx:
        if not queries.end_session(tx, account_id, session_id, clock.now_text()):
            raise NotFound("There is no such session.")
        append(tx, EventType.SESSION_ENDED, session_id, actor=account_id)


def end_all_sessions(db: Database, account_id: str) -> int:
    """Signs out everywhere; returns how many sessions that ended."""
    with db.transaction() as tx:
        ended = queries.end_sessions(tx, account_id, clock.now_text())
        append(tx, EventType.SESSION_ENDED, account_id, actor=account_id, data={"sessions": ended})
    return ended


def rename_account(db: Database, account_id: str, name: str) -> Account:
    """Changes the name that others see; raises Invalid when it is blank."""
    if not name.strip():
        raise Invalid.at("/name", "name must not be blank.")
    with db.transaction() as tx:
        queries.set_account_name(tx, account_id, name.strip(), clock.now_text())
        append(tx, EventType.ACCOUNT_UPDATED, account_id, actor=account_id, data={"name": name.strip()})
        return get_account(tx, account_id)


def remember_workspace(db: Database, account_id: str, workspace_id: str) -> None:
    """Keeps where the person was, for the next sign-in."""
    with db.transaction() as tx:
        queries.set_last_workspace(tx, account_id, workspace_id)


def change_password(db: Database, settings: Settings, account: Account, current: str, new: str) -> None:
    """Replaces the password and ends every session of the account; tokens for programs go on.

    Raises Invalid when the current one is wrong or the new one will not do.
    """
    found = queries.find_secrets(db, account.email)
    faults = passwords.faults_of(new, email=account.email, pointer="/new_password")
    if not passwords.matches(current, found.password_hash if found else None, settings.bcrypt_cost):
        faults.append(Fault("/current_password", "current_password is not right."))
    elif current == new:
        faults.append(Fault("/new_password", "new_password is the one you have; take another."))
    if faults:
        raise Invalid(faults)
    password_hash = passwords.hash_password(new, settings.bcrypt_cost)
    with db.transaction() as tx:
        queries.set_password(tx, account.id, password_hash, clock.now_text())
        append(tx, EventType.ACCOUNT_UPDATED, account.id, actor=account.id, data={"password": "changed"})
        end_all_sessions(db, account.id)


def disable_account(db: Database, account_id: str, actor: str | None) -> None:
    """Closes an account: nothing that was given to it works any more; raises NotFound."""
    with db.transaction() as tx:
        if not queries.set_account_disabled(tx, account_id, clock.now_text(), disabled=True):
            raise NotFound("There is no such account.")
        append(tx, EventType.ACCOUNT_DISABLED, account_id, actor=actor)
        end_all_sessions(db, account_id)


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
