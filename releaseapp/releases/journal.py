"""Writing down what happens in a release: its state, a line of its log, and an event, in one transaction."""

from collections.abc import Mapping
from typing import Any

import msgspec

from releaseapp import clock
from releaseapp.db.api import Database, Transaction
from releaseapp.errors import Conflict
from releaseapp.events.models import EventType
from releaseapp.events.service import append
from releaseapp.releases import queries
from releaseapp.releases.models import Entry, EntryKind, Release, Who
from releaseapp.releases.texts import readable

_EVENTS = {
    EntryKind.BEGUN: EventType.RELEASE_STARTED,
    EntryKind.PROMOTED: EventType.RELEASE_PROMOTED,
    EntryKind.FINISHED: EventType.RELEASE_FINISHED,
    EntryKind.ABANDONED: EventType.RELEASE_ABANDONED,
    EntryKind.ROLLED_BACK: EventType.RELEASE_ROLLED_BACK,
}


class Line(msgspec.Struct, frozen=True):
    """What is to be written: a kind, a sentence, and the figures behind it."""

    kind: EntryKind
    sentence: str
    data: Mapping[str, Any] = {}


def write(tx: Transaction, release: Release, who: Who, line: Line) -> None:
    """Adds a line to the log of a release, and tells every operator."""
    entry = Entry(
        id=0,
        release_id=release.id,
        at=clock.now_text(),
        actor=who.actor,
        who=who.name,
        kind=line.kind,
        sentence=readable(line.sentence),
        data=msgspec.to_builtins(dict(line.data)),
    )
    queries.insert_entry(tx, entry)
    data = {"kind": line.kind, "sentence": entry.sentence, "status": release.status}
    append(tx, _EVENTS.get(line.kind, EventType.RELEASE_NOTED), release.id, actor=who.actor, data=data)


def note_down(db: Database, release: Release, who: Who, line: Line) -> None:
    """As :func:`write`, in a transaction of its own."""
    with db.transaction() as tx:
        write(tx, release, who, line)


def move(db: Database, release: Release, who: Who, line: Line, **changes: Any) -> Release:
    """Changes a release and writes the line that says so, in one transaction; returns it as it is now.

    Raises Conflict when it does not stand any more where it stood: a process that slept too long must not go on.
    """
    with db.transaction() as tx:
        present = queries.find_release(tx, release.id)
        if present is None or present.status is not release.status:
            state = present.status.words if present else "gone"
            raise Conflict(f"Meanwhile somebody else went on with this release, and it is {state}.")
        changed = msgspec.structs.replace(release, **changes)
        queries.update_release(tx, changed)
        write(tx, changed, who, line)
    return changed
