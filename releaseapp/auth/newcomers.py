"""New accounts: what they must be, and what is kept of their passwords."""

import re

from releaseapp import clock
from releaseapp.auth import passwords, queries
from releaseapp.auth.marks import Mark, marking_of
from releaseapp.auth.models import DEMO_PASSWORD, Account, KeptPassword, Newcomer
from releaseapp.db.api import Database
from releaseapp.errors import Conflict, Fault, Invalid
from releaseapp.events.models import EventType
from releaseapp.events.service import append
from releaseapp.settings import Settings

_EMAIL = re.compile(r"[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+")
LONGEST_EMAIL = 254
_LONGEST_NAME = 120


def fold_email(email: str) -> str:
    """E-mail addresses are compared without regard to case."""
    return email.strip().lower()


def create_account(
    db: Database, settings: Settings, email: str, name: str, password: str, *, is_operator: bool = False
) -> Account:
    """:func:`add_account` for somebody who keeps the password."""
    return add_account(db, settings, Newcomer(email, name, is_operator=is_operator), password)


def add_account(db: Database, settings: Settings, newcomer: Newcomer, password: str) -> Account:
    """Adds an account; raises Invalid for a bad e-mail, name or password, Conflict for a taken e-mail."""
    account = _account_of(newcomer)
    faults = passwords.faults_of(password, email=account.email, name=account.name, pointer="/password")
    readable = account.email.isprintable() and len(account.email) <= LONGEST_EMAIL
    if not readable or not _EMAIL.fullmatch(account.email):
        faults.append(Fault("/email", "email must be an e-mail address."))
    faults += faults_of_name(account.name)
    if faults:
        raise Invalid(faults)
    return _add(db, settings, account, password)


def faults_of_name(name: str) -> list[Fault]:
    """What is wrong with the name of a person, which others see on pages and terminals."""
    if not name:
        return [Fault("/name", "name must not be blank.")]
    if len(name) > _LONGEST_NAME or not name.isprintable():
        return [Fault("/name", f"name must be readable text of up to {_LONGEST_NAME} characters.")]
    return []


def create_demo_account(db: Database, settings: Settings, email: str, name: str, *, is_operator: bool) -> Account:
    """Adds an account with the demo's password, which nobody could choose; raises Conflict for a taken e-mail."""
    return _add(db, settings, _account_of(Newcomer(email, name, is_operator=is_operator)), DEMO_PASSWORD)


def keep_password(settings: Settings, account: Account, password: str) -> KeptPassword:
    """What is kept of a password that was found good; slow, so do it outside of any transaction."""
    password_hash = passwords.hash_password(password, settings.bcrypt_cost)
    return keep_with_mark(
        settings, account.id, password_hash, Mark(marking_of(settings).number_of(password), weak=False)
    )


def keep_with_mark(settings: Settings, account_id: str, password_hash: str, mark: Mark) -> KeptPassword:
    """The hash of a password with its mark."""
    return KeptPassword(password_hash, marking_of(settings).seal(mark, account_id, password_hash))


def _account_of(newcomer: Newcomer) -> Account:
    now = clock.now_text()
    return Account(
        id=clock.new_id("acc"),
        email=fold_email(newcomer.email),
        name=newcomer.name.strip(),
        is_operator=newcomer.is_operator,
        is_disabled=False,
        must_change_password=newcomer.must_change_password,
        last_workspace_id=None,
        created_at=now,
        updated_at=now,
    )


def _add(db: Database, settings: Settings, account: Account, password: str) -> Account:
    kept = keep_password(settings, account, password)
    try:
        with db.transaction() as tx:
            queries.insert_account(tx, account, kept)
            append(tx, EventType.ACCOUNT_CREATED, account.id, data={"email": account.email, "name": account.name})
    except Conflict as error:
        raise Conflict(f"There is an account with the e-mail {account.email} already.") from error
    return account
