"""All live connections of a process: who is there, what each is told, and whether it still lives.

Everything here runs in the hub's thread.
"""

import logging
import random
from collections import deque
from collections.abc import Callable

import gevent
from gevent.hub import get_hub

from releaseapp import clock
from releaseapp.db.api import Database
from releaseapp.live import protocol
from releaseapp.live.audience import Audience, Told
from releaseapp.live.connection import Connection
from releaseapp.live.counters import Counters
from releaseapp.live.protocol import Close
from releaseapp.live.reader import Batch, Changed, Enrolled, Item, Reader, Ready, Restored
from releaseapp.live.replay import Replay
from releaseapp.live.threads import Threads
from releaseapp.settings import Settings
from releaseapp.workspaces.models import Identity

log = logging.getLogger(__name__)

_SWEEP_SECONDS = 0.5
_PATIENCE = 5.0
"""Seconds a client has to answer a goodbye."""

_RETURNS_A_SECOND = 500
"""How many clients come back in a second after a restart: each is told a moment of its own."""

_SOONEST_SPREAD = 1.0
_PINGS_AT_ONCE = 200
_SILENT_INTERVALS = 3

_REASONS = {
    Close.SIGNED_OUT: "Signed out.",
    Close.NO_MEMBERSHIP: "Not a member of any workspace.",
    Close.RESTART: "The server stops; come back in a moment.",
    Close.FAILED: "No answer to a ping.",
}


class Channel:
    """Keeps connections and tells them what happens."""

    def __init__(
        self,
        db: Database,
        settings: Settings,
        identify: Callable[[str], Identity],
        threads: Threads,
        changed: Callable[[Connection], None],
    ) -> None:
        """``changed`` is told of connections whose identity is another one now."""
        self.counters = Counters()
        self._identity_changed = changed
        self.newest = 0
        self._ping_seconds = settings.live_ping_seconds
        self._connections: dict[Enrolled, Connection] = {}
        self._audience: Audience[Connection] = Audience()
        self._batches: deque[Batch] = deque()
        self._signal = get_hub().loop.async_()
        self._reader = Reader(db, identify, self._hand_over)
        self._replay = Replay(db, threads, lambda: self.newest, self.counters, settings.live_buffer_frames)
        self._sweeper: gevent.Greenlet[..., None] | None = None

    def start(self) -> None:
        """Begins to read events."""
        self._signal.start(self._take)
        self.newest = self._reader.start()
        self._sweeper = gevent.spawn(self._sweep)

    def add(self, enrolled: Enrolled, connection: Connection) -> None:
        """Takes a connection in; it is greeted soon, once its identity is known to be right."""
        self.counters.count_open(connection.identity.session_id, returning=connection.since is not None)
        self._connections[enrolled] = connection
        self._reader.enroll(enrolled)

    def remove(self, enrolled: Enrolled) -> None:
        """Lets a connection go that has ended."""
        connection = self._connections.pop(enrolled)
        self._reader.forget(enrolled)
        self._audience.leave(connection)
        connection.finish()
        self.counters.count_closed(connection.code or Close.VANISHED, connection.identity.session_id)

    def end(self, connection: Connection, code: int) -> None:
        """Says goodbye for one of the reasons of the server."""
        self._audience.leave(connection)
        connection.end(code, _REASONS.get(Close(code), ""), patience=_PATIENCE)

    def stop(self, grace_seconds: float) -> None:
        """Tells everybody that the server stops and when to come back, waits a moment for the answers, and ends."""
        self.counters.left_at = clock.now_text()
        leaving = list(self._connections.values())
        spread = max(_SOONEST_SPREAD, len(leaving) / _RETURNS_A_SECOND)
        for connection in leaving:
            if connection.greeted:
                connection.write(protocol.goodbye_frame(random.uniform(0, spread)))  # noqa: S311 - no secret
            self.end(connection, Close.RESTART)
        end = clock.monotonic() + grace_seconds
        while self._connections and clock.monotonic() < end:
            gevent.sleep(0.01)
        for connection in list(self._connections.values()):
            connection.cut()
        if self._sweeper is not None:
            self._sweeper.kill()
        self._reader.stop()
        self._signal.stop()
        self._signal.close()

    def _hand_over(self, batch: Batch) -> None:
        """Called by the reader's thread."""
        self._batches.append(batch)
        self._signal.send()

    def _take(self) -> None:
        while self._batches:
            batch = self._batches.popleft()
            try:
                self._tell(batch)
            except Exception:
                log.exception("events up to %s could not be told", batch.newest)
            finally:
                self._reader.taken()

    def _tell(self, batch: Batch) -> None:
        """Works off a batch in one go: no greenlet runs in between, so nobody joins or leaves halfway."""
        run: list[Told] = []
        for item in batch.items:
            if isinstance(item, Told):
                run.append(item)
            else:
                self._deliver(run)
                run = []
                self._apply(item)
        self._deliver(run)
        self.newest = batch.newest
        self._replay.advance()

    def _deliver(self, run: list[Told]) -> None:
        if not run:
            return
        now = clock.monotonic()
        for data, frames, connections in self._audience.deliveries(run):
            for connection in connections:
                if connection.write(data, frames):
                    connection.told_at = now
                    self.counters.events_sent += frames

    def _apply(self, item: Item) -> None:
        if isinstance(item, Restored):
            self._reset(item.newest)
        elif isinstance(item, Ready | Changed):
            connection = self._connections.get(item.enrolled)
            if connection is None or connection.code is not None:
                return
            if isinstance(item, Ready):
                self._greet(connection, item)
            else:
                self._change(connection, item)

    def _greet(self, connection: Connection, ready: Ready) -> None:
        connection.greeted = True
        connection.write(protocol.hello_frame(ready.newest, connection.identity.session_id))
        if connection.since is None:
            connection.position = ready.newest
            self._audience.join(connection)
        elif connection.since < 0:
            connection.position = ready.newest
            connection.write(protocol.reset_frame(ready.newest))
            self._audience.join(connection)
        else:
            connection.position = connection.since
            gevent.spawn(self._catch_up, connection)

    def _catch_up(self, connection: Connection) -> None:
        if self._replay.run(connection):
            self._audience.join(connection)
        elif connection.code is None:
            self.end(connection, Close.TOO_SLOW)

    def _change(self, connection: Connection, change: Changed) -> None:
        if change.identity is None:
            self.end(connection, change.close)
            return
        before, connection.identity = connection.identity, change.identity
        self._identity_changed(connection)
        if connection in self._audience:
            self._audience.join(connection)
        if connection.greeted and before.memberships != change.identity.memberships:
            connection.write(protocol.memberships_frame(change.identity))

    def _reset(self, newest: int) -> None:
        for connection in self._connections.values():
            if connection.greeted:
                connection.position = newest
                connection.write(protocol.reset_frame(newest, restored=True))

    def _sweep(self) -> None:
        while True:
            gevent.sleep(_SWEEP_SECONDS)
            pinged = 0
            for connection in list(self._connections.values()):
                pinged += self._look_after(connection, clock.monotonic(), clock.now_text())
                if pinged >= _PINGS_AT_ONCE:
                    # Many that came at the same moment are due at the same moment; events go between.
                    gevent.sleep(0)
                    pinged = 0

    def _look_after(self, connection: Connection, now: float, now_text: str) -> int:
        """Ends what must end, and asks those who were silent; 1 when it asked."""
        if connection.code is not None:
            if now >= connection.deadline:
                connection.cut()
        elif connection.expires_at <= now_text:
            self.end(connection, Close.SIGNED_OUT)
        elif now - connection.heard_at >= _SILENT_INTERVALS * self._ping_seconds:
            self.end(connection, Close.FAILED)
        elif self._is_due(connection, now):
            connection.pinged_at = connection.told_at = now
            told = self.newest if connection in self._audience else connection.position
            connection.write(protocol.ping_frames(told), 2)
            return 1
        return 0

    def _is_due(self, connection: Connection, now: float) -> bool:
        quiet_since = min(connection.told_at, connection.heard_at)
        return connection.greeted and now - max(quiet_since, connection.pinged_at) >= self._ping_seconds
