"""Samples the live connections of this process into the database, in a thread of its own."""

import logging
import threading
from collections import Counter
from collections.abc import Mapping

import msgspec

from releaseapp import clock
from releaseapp.connections import queries
from releaseapp.connections.keeping import look_after
from releaseapp.connections.models import TOLD_TO_RETURN, Sample
from releaseapp.db.api import Database
from releaseapp.errors import AppError
from releaseapp.live.counters import BACK_SECONDS, Counters
from releaseapp.operations.service import this_process

log = logging.getLogger(__name__)

SAMPLE_SECONDS = 10.0
HEARTBEAT_SECONDS = 60.0
"""While nothing changes, a sample this often says that the process lives."""

_LOOK_AFTER_EVERY = 30
_LAST_SECONDS = 5.0


class _Counted(msgspec.Struct, frozen=True):
    """The counters at a moment, by a clock that never goes back."""

    at: float
    open: int
    opened: int
    closed: Counter[int]
    refused: Counter[int]
    reconnects: Counter[int]


class Sampler:
    """Writes what has changed; what the database could not take is told with the next sample."""

    def __init__(self, db: Database, counters: Counters, process: str | None = None) -> None:
        """``process`` names this one; left out: host and number."""
        self._db = db
        self._counters = counters
        self._process = process or this_process()
        self._started_at = clock.now_text()
        self._before = _Counted(clock.monotonic(), 0, 0, Counter(), Counter(), Counter())
        self._written_at: float | None = None
        self._met: Counter[tuple[str, str]] = Counter()
        self._left = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="samples of connections", daemon=True)

    def start(self) -> None:
        """Begins to sample."""
        self._thread.start()

    def finish(self) -> None:
        """Has the last sample taken, soon; returns at once."""
        self._stop.set()

    def join(self) -> None:
        """Waits a little for the last sample."""
        self.finish()
        if self._thread.is_alive():
            self._thread.join(timeout=_LAST_SECONDS)

    def sample(self) -> Sample | None:
        """Writes one sample, None when nothing changed and the process was heard of lately. Raises Busy."""
        self._meet_strangers()
        now = self._count()
        changes = self._changes(now)
        quiet = not (changes.opened or changes.closed or changes.refused or changes.reconnects or changes.left_at)
        lately = self._written_at is not None and now.at - self._written_at < HEARTBEAT_SECONDS
        if quiet and lately and now.open == self._before.open:
            self._before = now
            return None
        with self._db.transaction() as tx:
            queries.insert_sample(tx, changes)
        self._before, self._written_at = now, now.at
        self._left = changes.left_at is not None or self._left
        return changes

    def _changes(self, now: _Counted) -> Sample:
        before = self._before
        return Sample(
            process=self._process,
            process_started_at=self._started_at,
            at=clock.now_text(),
            seconds=round(max(0.0, now.at - before.at), 3),
            open=now.open,
            opened=now.opened - before.opened,
            closed=_told(now.closed - before.closed),
            refused=_told(now.refused - before.refused),
            reconnects=_told(now.reconnects - before.reconnects),
            left_at=None if self._left else self._counters.left_at,
        )

    def _count(self) -> _Counted:
        """The hub goes on counting meanwhile: each copy is whole in itself, and what comes now is told next time."""
        of = self._counters
        copies = [Counter(dict(one)) for one in (of.closed, of.refused, of.reconnects)]
        return _Counted(clock.monotonic(), of.open, of.opened, *copies)

    def _meet_strangers(self) -> None:
        """Finds out how long those were away whose connection another process had closed when it stopped."""
        waiting = [self._counters.strangers.popleft() for _ in range(len(self._counters.strangers))]
        if not waiting:
            return
        leavings = [
            one
            for one in queries.list_leavings(self._db, clock.later_text(-2 * BACK_SECONDS))
            if one.process_started_at != self._started_at or one.process != self._process
        ]
        for came_at in waiting:
            found = next((one for one in reversed(leavings) if self._may_come_from(one, came_at)), None)
            if found is not None and found.left_at is not None:
                self._met[found.source] += 1
                away = (clock.parse(came_at) - clock.parse(found.left_at)).total_seconds()
                self._counters.count_reconnect(away)
            elif clock.later_text(-BACK_SECONDS) < came_at:
                # The process that stopped writes its last sample when everybody has gone: perhaps it is still to come.
                self._counters.strangers.append(came_at)

    def _may_come_from(self, leaving: Sample, came_at: str) -> bool:
        left_at = leaving.left_at or leaving.at
        in_time = left_at <= came_at <= clock.after_text(left_at, BACK_SECONDS)
        return in_time and self._met[leaving.source] < leaving.closed.get(TOLD_TO_RETURN, 0)

    def _work(self) -> None:
        rounds = 0
        while True:
            ends = self._stop.is_set()
            self._try_once(looks_after=rounds % _LOOK_AFTER_EVERY == 0 and not ends)
            rounds += 1
            if ends:
                break
            self._stop.wait(SAMPLE_SECONDS)
        self._db.close_thread()

    def _try_once(self, *, looks_after: bool) -> None:
        try:
            self.sample()
            if looks_after:
                look_after(self._db)
        except AppError as error:
            log.info("connections are sampled another time: %s", error)
        except Exception:
            # Whatever it is: connections are served on, and samples are tried again.
            log.exception("connections could not be sampled")


def _told(counted: Mapping[int, int]) -> dict[str, int]:
    return {str(key): number for key, number in sorted(counted.items()) if number}
