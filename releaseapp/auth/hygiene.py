"""Which passwords are bad, and what helps: weak, shared, the demo's, old, cheaply hashed, due to be changed.

Nothing is found out by guessing at people's passwords, but for the one that everybody knows.
"""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from enum import StrEnum
from functools import lru_cache

import msgspec

from releaseapp import clock
from releaseapp.auth import passwords
from releaseapp.auth.marks import Mark, Marking, marking_of
from releaseapp.auth.models import DEMO_PASSWORD
from releaseapp.auth.people import queries
from releaseapp.auth.people.models import PasswordKept
from releaseapp.db.api import Reader
from releaseapp.settings import Settings

_SECONDS = 5.0
_NAMED = 5
_SET_ANOTHER = "Set another one: releaseapp user password INI {email} --generate"
_ASK_FOR_ANOTHER = "Have it changed at the next sign-in: releaseapp user password INI {email} --keep-until-sign-in"


class Kind(StrEnum):
    """What can be said against a password."""

    WEAK = "weak"
    SHARED = "shared"
    SEEDED = "seeded"
    STALE = "stale"
    LOW_COST = "low_cost"
    MUST_CHANGE = "must_change"


class Finding(msgspec.Struct, frozen=True):
    """Something to be said of the password of one account."""

    account_id: str
    email: str
    kind: Kind
    sentence: str
    cure: str


class Looked(msgspec.Struct, frozen=True):
    """What was found; ``unlooked`` accounts could not be asked in time whether the demo's password opens them.

    ``unmarked`` accounts have no mark yet, so that nothing is known of what their passwords are.
    """

    findings: list[Finding]
    unlooked: int
    unmarked: int


class _Account(msgspec.Struct, frozen=True):
    kept: PasswordKept
    mark: Mark | None

    def finding(self, kind: Kind, sentence: str, cure: str) -> Finding:
        email = self.kept.email
        return Finding(self.kept.account_id, email, kind, sentence, cure.format(email=email))


def look(db: Reader, settings: Settings, now: str, seconds: float = _SECONDS) -> Looked:
    """What is to be said of the passwords of all open accounts; ``now`` as ``clock.now_text`` gives it."""
    marking = marking_of(settings)
    everybody = _everybody(db, marking)
    seeded, unlooked = _seeded(everybody, marking, clock.monotonic() + seconds)
    found = [*_of_content(everybody, seeded), *_of_care(everybody, settings, now)]
    order = list(Kind)
    unmarked = sum(one.mark is None for one in everybody)
    return Looked(sorted(found, key=lambda one: (one.email, order.index(one.kind))), unlooked, unmarked)


def demo_opens(db: Reader, settings: Settings, seconds: float) -> bool:
    """Whether the demo's password is known to open an account, after a look of ``seconds`` at most.

    What a look found is remembered, so that of many accounts each call gets to know more.
    """
    marking = marking_of(settings)
    return bool(_seeded(_everybody(db, marking), marking, clock.monotonic() + seconds)[0])


def is_stale(settings: Settings, changed_at: str, now: str) -> bool:
    """Whether a password of that moment is older than ``password_max_days`` by now."""
    days = settings.password_max_days
    return bool(days) and changed_at < clock.text(clock.parse(now) - timedelta(days=days))


def _everybody(db: Reader, marking: Marking) -> list[_Account]:
    return [
        _Account(kept, marking.open(kept.password_mark, kept.account_id, kept.password_hash))
        for kept in queries.list_passwords(db)
    ]


def _seeded(everybody: Iterable[_Account], marking: Marking, deadline: float) -> tuple[set[str], int]:
    """Who has the demo's password, and of how many it is not known.

    A mark rules out nearly everybody at the price of one hash; whom it does not, bcrypt is asked.
    """
    found, unlooked, demo = set(), 0, _demo_number(marking)
    for one in everybody:
        if one.mark is not None and one.mark.number != demo:
            continue
        if clock.monotonic() >= deadline:
            unlooked += 1
        elif _is_the_demos(one.kept.password_hash):
            found.add(one.kept.account_id)
    return found, unlooked


@lru_cache(maxsize=4)
def _demo_number(marking: Marking) -> int:
    """Remembered, since it is slow on purpose, and asked for at each look at whether the server is ready."""
    return marking.number_of(DEMO_PASSWORD)


@lru_cache(maxsize=4096)
def _is_the_demos(password_hash: str) -> bool:
    """Remembered, since the answer never changes for a hash."""
    return passwords.matches(DEMO_PASSWORD, password_hash, passwords.cost_of(password_hash))


def _of_content(everybody: list[_Account], seeded: set[str]) -> Iterator[Finding]:
    alike: dict[int, list[_Account]] = {}
    for one in everybody:
        if one.mark is not None:
            alike.setdefault(one.mark.number, []).append(one)
    for one in everybody:
        if one.kept.account_id in seeded:
            yield one.finding(Kind.SEEDED, "It is the demo's password, which everybody knows.", _SET_ANOTHER)
        elif one.mark is not None:
            if one.mark.weak:
                yield one.finding(Kind.WEAK, "The password is easy to guess.", _ASK_FOR_ANOTHER)
            others = [other.kept.email for other in alike[one.mark.number] if other is not one]
            if others:
                yield one.finding(Kind.SHARED, f"It seems to be the password of {named(others)} too.", _SET_ANOTHER)


def _of_care(everybody: list[_Account], settings: Settings, now: str) -> Iterator[Finding]:
    for one in everybody:
        if is_stale(settings, one.kept.password_changed_at, now):
            days = (clock.parse(now) - clock.parse(one.kept.password_changed_at)).days
            sentence = f"The password is {days:,} days old; password_max_days is {settings.password_max_days:,}."
            yield one.finding(Kind.STALE, sentence, _ASK_FOR_ANOTHER)
        cost = passwords.cost_of(one.kept.password_hash)
        if cost < settings.bcrypt_cost:
            sentence = f"The hash has the cost {cost}; bcrypt_cost is {settings.bcrypt_cost}."
            yield one.finding(Kind.LOW_COST, sentence, "The next sign-in raises it by itself.")
        if one.kept.must_change_password:
            sentence = "The password has to be changed at the next sign-in."
            yield one.finding(Kind.MUST_CHANGE, sentence, "Ask the person to sign in, or disable the account.")


def named(emails: list[str]) -> str:
    """The first few of them, and how many more there are."""
    more = f" and {len(emails) - _NAMED:,} more" if len(emails) > _NAMED else ""
    return ", ".join(emails[:_NAMED]) + more
