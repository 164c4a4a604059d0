"""Telling a connection what it missed, until it has caught up with what happens now."""

from collections.abc import Callable
from dataclasses import dataclass

from gevent.event import Event as Signal

from releaseapp.db.api import Reader
from releaseapp.events.models import EventType
from releaseapp.events.queries import first_event_id, list_events_after
from releaseapp.live.audience import tell
from releaseapp.live.connection import Connection
from releaseapp.live.counters import Counters
from releaseapp.live.protocol import event_frame, reset_frame
from releaseapp.live.threads import Threads
from releaseapp.workspaces.models import Identity

_PAGE = 200
_LOOK_AGAIN_SECONDS = 1.0
_PATIENCE = 60.0
"""Seconds a client has to take a page."""


@dataclass(frozen=True, slots=True)
class _Page:
    """What somebody may hear of some events: its frames, and the last event that was looked at.

    ``gap``: the events that should come first are not kept any more. ``restored``: a snapshot was put back meanwhile.
    """

    frames: list[bytes]
    last: int
    gap: bool
    restored: bool


class Replay:
    """Replays for all connections of a gateway, page by page, with SQL in native threads.

    A page is read only when the client has taken the one before, so that a
    long absence fills no memory; other connections go on meanwhile.
    """

    def __init__(self, db: Reader, threads: Threads, newest: Callable[[], int], counters: Counters, limit: int) -> None:
        """``newest`` tells up to which event everybody is told already; ``limit`` how many frames may wait."""
        self._db = db
        self._threads = threads
        self._newest = newest
        self._size = max(1, min(_PAGE, limit // 2))
        self._counters = counters
        self._advanced = Signal()

    def advance(self) -> None:
        """Says that ``newest`` has grown."""
        self._advanced.set()
        self._advanced.clear()

    def run(self, connection: Connection) -> bool:
        """Tells everything after ``connection.position``; True once it can be told what happens now.

        False when the connection ended, or did not read for too long. On True no other greenlet has
        run since the last look at ``newest``: whoever joins the audience at once misses nothing.
        """
        drained = Signal()
        connection.drained = drained.set
        try:
            while connection.code is None:
                if connection.waiting:
                    drained.clear()
                    if not drained.wait(_PATIENCE):
                        return False
                elif connection.position < self._newest():
                    self._tell_page(connection)
                elif connection.position > self._newest():
                    # The client heard of it elsewhere, before this process did.
                    self._advanced.wait(_LOOK_AGAIN_SECONDS)
                else:
                    return True
            return False
        finally:
            connection.drained = None

    def _tell_page(self, connection: Connection) -> None:
        identity, after, upto = connection.identity, connection.position, self._newest()
        page = self._threads.run(lambda: self._read(identity, after, upto))
        # Somebody else by now, or somewhere else in another log: the page is not right any more, and is read again.
        if connection.identity is not identity or connection.position != after:
            return
        if page.gap or page.restored:
            connection.position = self._newest()
            connection.write(reset_frame(connection.position, restored=page.restored))
            return
        connection.position = page.last
        if page.frames and connection.write(b"".join(page.frames), len(page.frames)):
            self._counters.events_sent += len(page.frames)

    def _read(self, identity: Identity, after: int, upto: int) -> _Page:
        frames = []
        gap = first_event_id(self._db) > after + 1
        events = [event for event in list_events_after(self._db, after, self._size) if event.id <= upto]
        restored = any(event.type == EventType.SNAPSHOT_RESTORED for event in events)
        for event in events:
            told = tell(event, b"")
            if told is not None and told.may_hear(identity):
                frames.append(event_frame(event))
        return _Page(frames, events[-1].id if events else upto, gap, restored)
