"""The rules of maintenance: it begins, it ends or lapses, and while it lasts nothing is written."""

import re
from datetime import datetime, timedelta

import msgspec

from releaseapp import clock
from releaseapp.db.api import Database, Reader, Transaction
from releaseapp.db.state import delete_state, find_state, set_state
from releaseapp.errors import Conflict, Fault, Invalid, UnderMaintenance
from releaseapp.events.models import EventType
from releaseapp.events.service import append
from releaseapp.maintenance.models import LONGEST_DAYS, LONGEST_WHY, Maintenance

_STATE = "maintenance"
_SUBJECT = "server"
_SPAN = re.compile(r"([0-9]{1,4}) ?(m|min|minutes?|h|hours?)")
_RETRY_SECONDS = 60
_LONGEST_RETRY_SECONDS = 3600


def begin_maintenance(db: Database, actor: str | None, why: str, until: str | None = None) -> Maintenance:
    """From here on nothing is written, until it is ended or ``until`` has come.

    ``until``: RFC 3339, or a span from now as ``30m`` or ``2h``. When it lasts already, why and until when are changed.
    Raises Invalid.
    """
    now = clock.now_text()
    why, ends_at = _checked(why, until)
    with db.transaction() as tx:
        before = find_maintenance(tx)
        begun = Maintenance(why=why, until=ends_at, by=actor, at=before.at if before else now)
        set_state(tx, _STATE, msgspec.json.encode(begun).decode())
        data = {"why": why, "until": ends_at}
        append(tx, EventType.MAINTENANCE_BEGAN, _SUBJECT, actor=actor, data=data)
    return begun


def end_maintenance(db: Database, actor: str | None) -> None:
    """Everything can be changed again; raises Conflict when there is none."""
    with db.transaction() as tx:
        if find_maintenance(tx) is None:
            raise Conflict("There is no maintenance.")
        _end(tx, actor, "ended")


def find_maintenance(db: Reader) -> Maintenance | None:
    """The maintenance that lasts now; None when there is none, or it has lapsed."""
    value = find_state(db, _STATE)
    if value is None:
        return None
    kept = msgspec.json.decode(value, type=Maintenance)
    return None if kept.until is not None and kept.until <= clock.now_text() else kept


def lapse(db: Database) -> bool:
    """Strikes out maintenance whose time is over, and tells everybody; whether there was such. For whoever sweeps."""
    if find_state(db, _STATE) is None or find_maintenance(db) is not None:
        return False
    with db.transaction() as tx:
        lapsed = find_state(tx, _STATE) is not None and find_maintenance(tx) is None
        if lapsed:
            _end(tx, None, "lapsed")
    return lapsed


def check_writable(db: Reader) -> None:
    """Raises UnderMaintenance, with why, until when, and when to try again."""
    lasting = find_maintenance(db)
    if lasting is not None:
        raise UnderMaintenance(sentence_of(lasting), retry_after(lasting))


def sentence_of(lasting: Maintenance) -> str:
    """What people are told: why, and until when."""
    why = lasting.why if lasting.why[-1] in ".!?" else f"{lasting.why}."
    until = f" It ends by {clock.to_the_minute(lasting.until)}." if lasting.until else ""
    return f"{why}{until} Everything can be read; nothing can be changed just now."


def retry_after(lasting: Maintenance) -> int:
    """After how many seconds to try again."""
    if lasting.until is None:
        return _RETRY_SECONDS
    left = (clock.parse(lasting.until) - clock.now()).total_seconds()
    return min(max(int(left) + 1, 1), _LONGEST_RETRY_SECONDS)


def _end(tx: Transaction, actor: str | None, how: str) -> None:
    delete_state(tx, _STATE)
    append(tx, EventType.MAINTENANCE_ENDED, _SUBJECT, actor=actor, data={"how": how})


def _checked(why: str, until: str | None) -> tuple[str, str | None]:
    faults = []
    why = " ".join(why.split())
    if not why:
        faults.append(Fault("/why", "Say why, in a sentence that everybody will read."))
    elif len(why) > LONGEST_WHY or not why.isprintable():
        faults.append(Fault("/why", f"Why must be readable text of up to {LONGEST_WHY} characters."))
    ends_at = None
    try:
        ends_at = _moment(until.strip()) if until and until.strip() else None
    except ValueError as error:
        faults.append(Fault("/until", str(error)))
    if faults:
        raise Invalid(faults)
    return why, ends_at


def _moment(until: str) -> str:
    """When it ends; raises ValueError with a sentence."""
    now = clock.now()
    moment = _read_moment(until, now)
    if moment is None:
        raise ValueError("Until must be a time such as 2026-11-24T18:00:00Z, or a span such as 30m or 2h.")
    if moment <= now:
        raise ValueError("Until must lie ahead; it is over already.")
    if moment > now + timedelta(days=LONGEST_DAYS):
        raise ValueError(f"Until may lie {LONGEST_DAYS} days ahead at most.")
    return clock.text(moment)


def _read_moment(until: str, now: datetime) -> datetime | None:
    span = _SPAN.fullmatch(until)
    if span is not None:
        return now + timedelta(minutes=int(span[1]) * (60 if span[2].startswith("h") else 1))
    try:
        return clock.parse(until)
    except (ValueError, OverflowError):
        return None
