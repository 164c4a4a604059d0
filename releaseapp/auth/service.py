"""What can be done with accounts: sign in and out, change a password, make and revoke tokens."""

from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta

import msgspec

from releaseapp import clock
from releaseapp.auth import passwords, queries, throttle, tokens
from releaseapp.auth.api_tokens import (
    api_token_digest,
    create_api_token,
    list_api_tokens,
    note_token_use,
    revoke_api_token,
)
from releaseapp.auth.marks import Mark, marking_of
from releaseapp.auth.models import Account, Claims, KeptPassword, Secrets, Session, SignedIn
from releaseapp.auth.newcomers import (
    LONGEST_EMAIL,
    add_account,
    create_account,
    create_demo_account,
    faults_of_name,
    fold_email,
    keep_password,
    keep_with_mark,
)
from releaseapp.auth.weakness import weaknesses
from releaseapp.db.api import Database, Reader, Transaction
from releaseapp.errors import Fault, Invalid, NotFound, NotSignedIn
from releaseapp.events.models import EventType
from releaseapp.events.service import append
from releaseapp.settings import Settings

__all__ = [
    "add_account",
    "api_token_digest",
    "create_account",
    "create_api_token",
    "create_demo_account",
    "fold_email",
    "keep_password",
    "list_api_tokens",
    "note_token_use",
    "revoke_api_token",
]

WRONG = "The e-mail or the password is wrong."
"""Said of an unknown e-mail, a wrong password and a disabled account alike."""

_LONGEST_AGENT = 300
_SEEN_EVERY_SECONDS = 60


class Caller(msgspec.Struct, frozen=True):
    """From where somebody signs in."""

    address: str
    user_agent: str


def get_account(db: Reader, account_id: str) -> Account:
    """An account; raises NotFound."""
    account = queries.find_account(db, account_id)
    if account is None:
        raise NotFound("There is no such account.")
    return account


def names_of(db: Reader, account_ids: Iterable[str | None]) -> dict[str, str]:
    """The names of accounts by their ids; who is gone has none."""
    names = {}
    for account_id in {one for one in account_ids if one}:
        with suppress(NotFound):
            names[account_id] = get_account(db, account_id).name
    return names


def find_account_by_email(db: Reader, email: str) -> Account | None:
    """An account by e-mail, in any case."""
    return queries.find_account_by_email(db, fold_email(email))


def sign_in(db: Database, settings: Settings, email: str, password: str, caller: Caller) -> SignedIn:
    """Checks the password and starts a session.

    Raises NotSignedIn, with the same words after the same work whatever is
    wrong, and TooManyRequests when there were too many attempts.
    """
    email = fold_email(email)[:LONGEST_EMAIL]
    admitted = throttle.admit(db, settings, email, caller.address)
    found = queries.find_secrets(db, email)
    right = passwords.matches(password, found.password_hash if found else None, settings.bcrypt_cost)
    if not right or found is None or found.is_disabled:
        raise NotSignedIn(WRONG)
    renewed = _renewed(settings, found, password)
    with db.transaction() as tx:
        now = queries.find_secrets(tx, email)
        if now is None or now.is_disabled or now.token_version != found.token_version:
            raise NotSignedIn(WRONG)  # changed while the password was looked at
        throttle.forgive(tx, admitted)
        if renewed is not None:
            queries.set_kept_password(tx, found.account_id, found.password_hash, renewed)
        queries.set_password_used(tx, found.account_id, clock.now_text())
        return _start_session(tx, settings, found, caller)


def _renewed(settings: Settings, found: Secrets, password: str) -> KeptPassword | None:
    """The password, just found right, as it is to be kept from now on; None when it is kept well.

    Only the right password leads here, so that the time this takes tells strangers nothing.
    """
    marking = marking_of(settings)
    mark = marking.open(found.password_mark, found.account_id, found.password_hash)
    outdated = passwords.is_outdated(password, found.password_hash, settings.bcrypt_cost)
    if mark is not None and not outdated:
        return None
    password_hash = passwords.hash_password(password, settings.bcrypt_cost) if outdated else found.password_hash
    if mark is None:
        weak = bool(weaknesses(passwords.spelled(password), found.email, found.name))
        mark = Mark(marking.number_of(password), weak)
    return keep_with_mark(settings, found.account_id, password_hash, mark)


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
    """Changes the name that others see; raises Invalid when it is blank, or could not be shown."""
    name = name.strip()
    faults = faults_of_name(name)
    if faults:
        raise Invalid(faults)
    with db.transaction() as tx:
        queries.set_account_name(tx, account_id, name, clock.now_text())
        append(tx, EventType.ACCOUNT_UPDATED, account_id, actor=account_id, data={"name": name})
        return get_account(tx, account_id)


def remember_workspace(db: Database, account_id: str, workspace_id: str) -> None:
    """Keeps where the person was, for the next sign-in."""
    with db.transaction() as tx:
        queries.set_last_workspace(tx, account_id, workspace_id)


def change_password(
    db: Database, settings: Settings, account: Account, current: str, new: str, caller: Caller | None = None
) -> SignedIn | None:
    """Replaces the password and ends every session of the account; tokens for programs go on.

    Whoever had to change it gets a new session of ``caller``; everybody else signs in anew. Raises Invalid when the
    current one is wrong or the new one will not do, TooManyRequests for too many guesses at the current one.
    """
    admitted = throttle.admit(db, settings, account.email, caller.address) if caller else None
    found = queries.find_secrets(db, account.email)
    _check_change(settings, account, found, current, new)
    kept = keep_password(settings, account, new)
    with db.transaction() as tx:
        now = queries.find_secrets(tx, account.email)
        if now is None or found is None or now.is_disabled or now.token_version != found.token_version:
            raise Invalid.at("/current_password", "The password was changed elsewhere meanwhile; sign in anew.")
        due = get_account(tx, account.id).must_change_password
        queries.set_password(tx, account.id, kept.password_hash, clock.now_text(), kept.password_mark)
        append(tx, EventType.ACCOUNT_UPDATED, account.id, actor=account.id, data={"password": "changed"})
        end_all_sessions(db, account.id)
        if admitted is not None:
            throttle.forgive(tx, admitted)
        if not due or caller is None:
            return None
        queries.set_password_used(tx, account.id, clock.now_text())
        signed_in = msgspec.structs.replace(found, token_version=found.token_version + 1)
        return _start_session(tx, settings, signed_in, caller)


def _check_change(settings: Settings, account: Account, found: Secrets | None, current: str, new: str) -> None:
    faults = passwords.faults_of(new, email=account.email, name=account.name, pointer="/new_password")
    if not passwords.matches(current, found.password_hash if found else None, settings.bcrypt_cost):
        faults.append(Fault("/current_password", "current_password is not right."))
    elif passwords.spelled(current) == passwords.spelled(new):
        faults.append(Fault("/new_password", "new_password is the one you have; take another."))
    if faults:
        raise Invalid(faults)


def disable_account(db: Database, account_id: str, actor: str | None) -> None:
    """Closes an account: nothing that was given to it works any more, now or after it is opened again.

    Raises NotFound.
    """
    with db.transaction() as tx:
        now = clock.now_text()
        if not queries.set_account_disabled(tx, account_id, now, disabled=True):
            raise NotFound("There is no such account.")
        revoked = queries.revoke_api_tokens(tx, account_id, now)
        append(tx, EventType.ACCOUNT_DISABLED, account_id, actor=actor, data={"tokens_revoked": revoked})
        end_all_sessions(db, account_id)
