"""The rules of what operators do with accounts.

``actor`` is the id of the account that does it; None for the command line.
"""

from releaseapp import clock
from releaseapp.auth import passwords, service
from releaseapp.auth import queries as accounts
from releaseapp.auth.models import Account
from releaseapp.auth.newcomers import LONGEST_EMAIL
from releaseapp.auth.people import queries
from releaseapp.auth.people.models import Person
from releaseapp.db.api import Database, Reader, Transaction
from releaseapp.errors import Conflict, Invalid, NotFound
from releaseapp.events.models import EventType
from releaseapp.events.service import append
from releaseapp.settings import Settings


def new_password() -> str:
    """A password that nobody guesses, for somebody who shall change it."""
    return passwords.new_password()


def get_by_email(db: Reader, email: str) -> Account:
    """An account by e-mail, in any case; raises NotFound with the cure."""
    account = service.find_account_by_email(db, email)
    if account is None:
        raise NotFound(f"There is no account {email[:LONGEST_EMAIL]!r}; 'releaseapp user list' shows all.")
    return account


def list_people(db: Reader) -> list[Person]:
    """Every account, by e-mail."""
    roles: dict[str, dict[str, str]] = {}
    for row in queries.list_roles(db):
        roles.setdefault(row["account_id"], {})[row["slug"]] = row["role"]
    return [
        Person(
            id=row["id"],
            email=row["email"],
            name=row["name"],
            is_operator=bool(row["is_operator"]),
            is_disabled=bool(row["is_disabled"]),
            must_change_password=bool(row["must_change_password"]),
            created_at=row["created_at"],
            last_sign_in_at=row["password_used_at"] or row["newest_session_at"],
            password_changed_at=row["changed_at"],
            hash_cost=passwords.cost_of(row["password_hash"]),
            sessions=row["sessions"],
            api_tokens=row["api_tokens"],
            roles=roles.get(row["id"], {}),
        )
        for row in queries.list_accounts(db, clock.now_text())
    ]


def password_changed_at(db: Reader, account_id: str) -> str | None:
    """When the password of an account was changed, or the account made; None for no account."""
    return queries.find_password_change(db, account_id)


def set_password(
    db: Database, settings: Settings, account: Account, password: str, actor: str | None = None, *, must_change: bool
) -> None:
    """Gives an account another password and ends its sessions; tokens for programs go on.

    Raises Invalid when the password will not do.
    """
    faults = passwords.faults_of(password, email=account.email, name=account.name, pointer="/password")
    if faults:
        raise Invalid(faults)
    kept = service.keep_password(settings, account, password)
    with db.transaction() as tx:
        accounts.set_password(
            tx, account.id, kept.password_hash, clock.now_text(), kept.password_mark, must_change=must_change
        )
        data = {"password": "set", "must_change_password": must_change}
        append(tx, EventType.ACCOUNT_UPDATED, account.id, actor=actor, data=data)
        service.end_all_sessions(db, account.id)


def require_change(db: Database, account_id: str, actor: str | None = None) -> None:
    """The account keeps its password for one more sign-in, at which it has to be changed; its sessions end."""
    with db.transaction() as tx:
        queries.set_must_change(tx, account_id, clock.now_text(), must_change=True)
        append(tx, EventType.ACCOUNT_UPDATED, account_id, actor=actor, data={"must_change_password": True})
        service.end_all_sessions(db, account_id)


def revoke_tokens(db: Database, account_id: str, actor: str | None = None) -> int:
    """Ends every token that programs have of the account; returns how many that was."""
    with db.transaction() as tx:
        revoked = accounts.revoke_api_tokens(tx, account_id, clock.now_text())
        append(tx, EventType.TOKEN_REVOKED, account_id, actor=actor, data={"tokens_revoked": revoked})
    return revoked


def disable(db: Database, account_id: str, actor: str | None = None, *, force: bool = False) -> bool:
    """Closes an account at once, its sessions and tokens with it; False when it was closed already.

    Raises Conflict for the last operator who can sign in, unless forced.
    """
    with db.transaction() as tx:
        account = service.get_account(tx, account_id)
        if account.is_disabled:
            return False
        _keep_one_operator(tx, account, force=force)
        service.disable_account(db, account_id, actor)
    return True


def enable(db: Database, account_id: str, actor: str | None = None) -> bool:
    """Opens an account again, with the password it had; False when it was open already.

    What was revoked when it was closed stays so.
    """
    with db.transaction() as tx:
        if not service.get_account(tx, account_id).is_disabled:
            return False
        accounts.set_account_disabled(tx, account_id, clock.now_text(), disabled=False)
        append(tx, EventType.ACCOUNT_ENABLED, account_id, actor=actor)
    return True


def set_operator(
    db: Database, account_id: str, actor: str | None = None, *, operator: bool, force: bool = False
) -> bool:
    """Makes an account an operator's, or no longer; False when it was so already.

    Raises Conflict for the last operator who can sign in, unless forced.
    """
    with db.transaction() as tx:
        account = service.get_account(tx, account_id)
        if account.is_operator is operator:
            return False
        if not operator:
            _keep_one_operator(tx, account, force=force)
        queries.set_operator(tx, account_id, clock.now_text(), operator=operator)
        append(tx, EventType.ACCOUNT_UPDATED, account_id, actor=actor, data={"is_operator": operator})
    return True


def _keep_one_operator(tx: Transaction, account: Account, *, force: bool) -> None:
    if force or not account.is_operator or account.is_disabled or queries.count_other_operators(tx, account.id):
        return
    raise Conflict(
        f"{account.email} is the last operator who can sign in. Make somebody else one first"
        " ('releaseapp user operator INI EMAIL on'), or say --force."
    )
