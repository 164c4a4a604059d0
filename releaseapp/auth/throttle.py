"""The limit on sign-in attempts, per account and per address, over a sliding quarter of an hour.

An address from which the account was signed in before has a count of its own:
strangers who guess at an account can make strangers wait, never its owner.
"""

import msgspec

from releaseapp import clock
from releaseapp.auth import queries
from releaseapp.db.api import Database, Reader, Transaction
from releaseapp.errors import TooManyRequests
from releaseapp.settings import Settings

WINDOW_SECONDS = 900


class Admitted(msgspec.Struct, frozen=True):
    """An attempt that was let in: where it counts, and its id at the address."""

    account_bucket: str
    address_bucket: str
    attempt_id: str


def admit(db: Database, settings: Settings, email: str, address: str) -> Admitted:
    """Counts an attempt before the password is looked at.

    Counting first means that guesses made side by side count too. Raises
    TooManyRequests, with the seconds to wait, when either count is full.
    """
    with db.transaction() as tx:
        account_bucket = _account_bucket(tx, email, address)
        address_bucket = f"address:{address}"
        limits = {
            account_bucket: settings.sign_in_attempts_per_account,
            address_bucket: settings.sign_in_attempts_per_address,
        }
        since = clock.later_text(-WINDOW_SECONDS)
        queries.delete_attempts_before(tx, since)
        for bucket, limit in limits.items():
            if queries.count_attempts(tx, bucket, since) >= limit:
                raise TooManyRequests("Too many attempts to sign in; wait a little.", _wait(tx, bucket, since))
        admitted = Admitted(account_bucket, address_bucket, clock.new_id("att"))
        queries.insert_attempt(tx, clock.new_id("att"), account_bucket, clock.now_text())
        queries.insert_attempt(tx, admitted.attempt_id, address_bucket, clock.now_text())
    return admitted


def forgive(tx: Transaction, admitted: Admitted) -> None:
    """Forgets the failed attempts on an account, and at the address this one alone: it has just shown the password."""
    queries.delete_attempts(tx, admitted.account_bucket)
    queries.delete_attempt(tx, admitted.attempt_id, admitted.address_bucket)


def _account_bucket(db: Reader, email: str, address: str) -> str:
    account = queries.find_account_by_email(db, email)
    if account is not None and queries.knows_address(db, account.id, address):
        return f"account:{email}@{address}"
    return f"account:{email}"


def _wait(db: Reader, bucket: str, since: str) -> int:
    oldest = queries.oldest_attempt(db, bucket, since)
    if oldest is None:
        return 1
    age = clock.now() - clock.parse(oldest)
    return max(1, WINDOW_SECONDS - int(age.total_seconds()))
