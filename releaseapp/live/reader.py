"""The one thread that reads events, and re-reads identities where events change them.

Everything that decides who hears what happens here in the order of events: a
batch for the hub is a list in which "this listener is now that identity"
stands before the first event that must obey it.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from releaseapp.db.api import Database
from releaseapp.errors import Busy, NotSignedIn
from releaseapp.events.models import Event, EventType
from releaseapp.events.queries import last_event_id, list_events_after
from releaseapp.live.audience import Told, tell
from releaseapp.live.protocol import Close, event_frame
from releaseapp.workspaces.models import Identity

log = logging.getLogger(__name__)

_PAGE = 500
_RETRY_SECONDS = 0.2
_SWEEP_SECONDS = 0.5
_OF_ACCOUNT = {
    EventType.ACCOUNT_DISABLED,
    EventType.ACCOUNT_UPDATED,
    EventType.MEMBER_ADDED,
    EventType.MEMBER_REMOVED,
    EventType.MEMBER_UPDATED,
    EventType.SESSION_ENDED,
    EventType.TOKEN_REVOKED,
}
_OF_WORKSPACE_PREFIX = "workspace."


@dataclass(slots=True, eq=False)
class Enrolled:
    """A connection as the reader knows it. ``identity`` was true when event ``checked`` was the newest."""

    token: str
    identity: Identity
    checked: int


@dataclass(frozen=True, slots=True)
class Ready:
    """The connection's identity is right as of event ``newest``; from the next one on it can be told."""

    enrolled: Enrolled
    newest: int


@dataclass(frozen=True, slots=True)
class Changed:
    """The connection is somebody else from here on; ``close`` is a close code when it is nobody."""

    enrolled: Enrolled
    identity: Identity | None
    close: int = 0


@dataclass(frozen=True, slots=True)
class Restored:
    """The log of events was replaced, by a snapshot; ``newest`` is its newest event."""

    newest: int


Item = Told | Ready | Changed | Restored


@dataclass(frozen=True, slots=True)
class Batch:
    """What happened, in order; afterwards everything up to event ``newest`` has been told."""

    items: list[Item]
    newest: int


class Reader:
    """Reads events from the database and hands them over in batches, one at a time."""

    def __init__(self, db: Database, identify: Callable[[str], Identity], hand_over: Callable[[Batch], None]) -> None:
        self._db = db
        self._identify = identify
        self._hand_over = hand_over
        self._enrolled: dict[Enrolled, None] = {}
        self._arrivals: deque[tuple[Enrolled, bool]] = deque()
        self._wake = threading.Event()
        self._taken = threading.Event()
        self._watching = threading.Event()
        self._stopping = threading.Event()
        self._items: list[Item] = []
        self._newest = 0
        self._last: Event | None = None
        self._changed_at = 0
        self._asleep = False
        self._missed = False
        self._thread = threading.Thread(target=self._run, name="live events", daemon=True)
        self._taken.set()

    def start(self) -> int:
        """Begins; returns the id of the newest event, after which everything will be told."""
        self._newest = last_event_id(self._db)
        self._last = self._event(self._newest)
        self._db.on_commit(self._committed)
        self._thread.start()
        self._watching.wait()
        return self._newest

    def stop(self) -> None:
        """Ends; no batch is handed over afterwards."""
        self._stopping.set()
        self._wake.set()
        self._taken.set()
        self._thread.join()

    def enroll(self, enrolled: Enrolled) -> None:
        """Watches over a connection; ``Ready`` (or ``Changed``, to nobody) will stand in a batch soon."""
        self._arrivals.append((enrolled, True))
        self._wake.set()

    def forget(self, enrolled: Enrolled) -> None:
        """Stops watching over it."""
        self._arrivals.append((enrolled, False))
        self._wake.set()

    def taken(self) -> None:
        """Says that the last batch was worked off. Until then events wait in the database, and so come in bulk."""
        self._taken.set()

    def _committed(self) -> None:
        """Called after commits, by whoever commits: where nobody listens, that costs nothing."""
        if not self._asleep:
            self._wake.set()

    def _run(self) -> None:
        with self._db.watch(self._committed):
            self._wake.set()
            self._watching.set()
            while not self._stopping.is_set():
                # Wake-up calls may be lost; looking now and then makes that good.
                self._wake.wait(_SWEEP_SECONDS)
                self._wake.clear()
                try:
                    self._read_all()
                except Exception as error:
                    # What was read so far stands in the list of items and is not read again.
                    log.log(*_gravity(error), exc_info=error)
                    self._stopping.wait(_RETRY_SECONDS)
                    self._wake.set()
        self._db.close_thread()

    def _read_all(self) -> None:
        self._asleep = not self._enrolled and not self._arrivals
        if self._asleep:
            self._missed = True
            return
        if self._missed:
            self._begin_at_the_newest()
        more = True
        while more:
            self._taken.wait()
            if self._stopping.is_set():
                return
            more = self._read_page()
            self._take_arrivals()
            if self._items:
                items, self._items = self._items, []
                self._taken.clear()
                self._hand_over(Batch(items, self._newest))

    def _read_page(self) -> bool:
        # The event read last is read again: when it is not there any more, another log is in its place.
        after = self._newest - 1 if self._last is not None else self._newest
        events = list_events_after(self._db, after, _PAGE)
        if self._last is not None:
            if not events or events[0] != self._last:
                self._start_over()
                return True
            events = events[1:]
        for event in events:
            if event.type == EventType.SNAPSHOT_RESTORED:
                # Its number is higher than any before, so that nothing else shows that the log is another one.
                self._start_over()
                return True
            self._read_event(event)
            self._newest = event.id
            self._last = event
        return len(events) >= _PAGE - 1

    def _start_over(self) -> None:
        newest = last_event_id(self._db)
        last = self._event(newest)
        for enrolled in list(self._enrolled):
            self._recheck(enrolled, Close.SIGNED_OUT, {})
        self._items.append(Restored(newest))
        self._newest = self._changed_at = newest
        self._last = last

    def _begin_at_the_newest(self) -> None:
        """After a time in which nobody listened. What was missed may have changed who those are that arrive now."""
        newest = last_event_id(self._db)
        self._last = self._event(newest)
        self._newest = self._changed_at = newest
        self._missed = False

    def _event(self, event_id: int) -> Event | None:
        events = list_events_after(self._db, event_id - 1, 1)
        return events[0] if events and event_id else None

    def _read_event(self, event: Event) -> None:
        if event.type in _OF_ACCOUNT or event.type.startswith(_OF_WORKSPACE_PREFIX):
            self._changed_at = event.id
            seen: dict[str, Identity | None] = {}
            for enrolled in [one for one in self._enrolled if _concerns(event, one.identity)]:
                lost = event.type == EventType.MEMBER_REMOVED and enrolled.identity.token_name is not None
                self._recheck(enrolled, Close.NO_MEMBERSHIP if lost else Close.SIGNED_OUT, seen)
        told = tell(event, event_frame(event))
        if told is not None:
            self._items.append(told)

    def _recheck(self, enrolled: Enrolled, close: int, seen: dict[str, Identity | None]) -> None:
        if enrolled.token not in seen:
            seen[enrolled.token] = self._look_up(enrolled.token)
        identity = seen[enrolled.token]
        if identity is None or not identity.memberships:
            self._enrolled.pop(enrolled, None)
            self._items.append(Changed(enrolled, None, close if identity is None else Close.NO_MEMBERSHIP))
        elif identity != enrolled.identity:
            enrolled.identity = identity
            self._items.append(Changed(enrolled, identity))

    def _look_up(self, token: str) -> Identity | None:
        try:
            return self._identify(token)
        except NotSignedIn:
            return None

    def _take_arrivals(self) -> None:
        while self._arrivals:
            enrolled, arrives = self._arrivals[0]
            if arrives:
                self._enrolled[enrolled] = None
                if self._changed_at > enrolled.checked:
                    self._recheck(enrolled, Close.SIGNED_OUT, {})
                if enrolled in self._enrolled:
                    self._items.append(Ready(enrolled, self._newest))
            else:
                self._enrolled.pop(enrolled, None)
            self._arrivals.popleft()


def _concerns(event: Event, identity: Identity) -> bool:
    """Whether the event may change what this identity is or may hear."""
    if event.type in _OF_ACCOUNT:
        return event.subject in {identity.account.id, identity.session_id}
    return event.workspace_id in identity.memberships


def _gravity(error: Exception) -> tuple[int, str]:
    if isinstance(error, Busy):
        return logging.WARNING, "the database was busy; events are read a moment later"
    return logging.ERROR, "events could not be read; trying again"
