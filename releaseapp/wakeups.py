"""Queues of wake-up calls: "task X may be taken up", "run Y can go on". Huey keeps them and hands them to threads.

A call may be lost or come twice without harm, for the database alone says what
is to be done: a sweep repeats lost calls, and of two claims one finds nothing.
So the file need not survive a power cut, and results are not kept.
"""

import logging
import threading
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec
from huey import Huey, PostgresHuey, SqliteHuey
from huey.consumer import Consumer, Scheduler, Worker
from huey.registry import Message
from huey.serializer import Serializer

from releaseapp import clock
from releaseapp.settings import Settings

log = logging.getLogger(__name__)

# How often an idle process looks for calls of other processes; its own calls ring the bell at once.
_LOOK_SECONDS = 0.02
_SLUMBER_SECONDS = 1.0
_BUSY_SECONDS = 2.0

Handle = Callable[[str], None]
Leave = Callable[[], None]


class Work(StrEnum):
    """What there is to be woken for; each has a queue of its own, so that neither waits behind the other."""

    TASKS = "tasks"
    RUNS = "runs"


def open_wakeups(settings: Settings, work: Work) -> "Wakeups":
    """The queue of these settings: beside a SQLite database, or inside a PostgreSQL one."""
    return Wakeups(settings.agent_db_path if settings.on_postgres else settings.queue_path, work)


class Wakeups:
    """Wake-up calls for workers, shared by every process that opens the same place.

    ``where`` is a path for SQLite, made when there is none, or a ``postgresql://`` address.
    """

    def __init__(self, where: str | Path, work: Work) -> None:
        self._huey = _open(where, f"releaseapp-{work}")
        self._bell = threading.Condition()
        self._handle: Handle = self.wake
        # Named, so that messages outlive a move of this module.
        self._advance = self._huey.task(name="advance")(self._receive)

    def wake(self, subject: str) -> None:
        """Tells the workers that there is something to do; never raises, for a sweep makes a lost call good.

        An empty ``subject`` is for whoever looks next: one such call that waits is as good as many.
        """
        try:
            if subject or not self.depth():
                self._advance(subject)
        except Exception:
            log.exception("no worker could be woken for %s; a sweep will find it", subject)
            return
        self._ring()

    def depth(self) -> int:
        """How many calls wait."""
        return int(self._huey.pending_count())

    def waiting(self) -> set[str]:
        """The ids of what calls wait for."""
        return {message.args[0] for message in self._huey.pending()}

    def hands(self, threads: int, handle: Handle, leave: Leave) -> "Hands":
        """Threads that call ``handle`` with the id of each thing to take up, and ``leave`` when they end."""
        self._handle = handle
        return Hands(self._huey, threads, self._bell, leave)

    def close(self) -> None:
        """Closes the file or connection."""
        self._huey.storage.close()

    def _receive(self, subject: str) -> None:
        # This thread is busy from now on: another must look into the queue.
        self._ring()
        self._handle(subject)

    def _ring(self) -> None:
        with self._bell:
            self._bell.notify()


class Hands(Consumer):
    """Huey's consumer as a guest in a process whose main thread belongs to somebody else.

    It installs no signal handlers, has nothing scheduled, and stops when it is told.
    """

    def __init__(self, huey: Huey, threads: int, bell: threading.Condition, leave: Leave) -> None:
        # Huey's constructor already makes the threads, by _create_worker.
        self._bell = bell
        self._poll = threading.Lock()
        self._leave = leave
        super().__init__(huey, workers=threads, periodic=False, initial_delay=_LOOK_SECONDS)

    def stop_taking(self) -> None:
        """Has no further call taken from the queue; what is being done goes on."""
        self.stop_flag.set()
        with self._bell:
            self._bell.notify_all()

    def join(self, seconds: float) -> bool:
        """Waits for every thread to end, at most so long; whether they all have."""
        until = clock.monotonic() + seconds
        threads = [thread for _, thread in self.worker_threads] + [self.scheduler]
        for thread in threads:
            thread.join(max(until - clock.monotonic(), 0))
        return not any(thread.is_alive() for thread in threads)

    def _create_worker(self) -> "_Hand":
        return _Hand(self)

    def _create_scheduler(self) -> "_NoSchedule":
        return _NoSchedule(self.huey, self.stop_flag, self.scheduler_interval, periodic=False)

    def _set_signal_handlers(self) -> None:
        """Signals belong to the process, not to a guest."""


class _Hand(Worker):
    """One thread. Of those that are idle, one looks into the queue often; the others wait for the bell."""

    def __init__(self, hands: Hands) -> None:
        super().__init__(hands.huey, hands.stop_flag, _LOOK_SECONDS, _LOOK_SECONDS, 1)
        self._hands = hands

    def sleep(self) -> None:
        """Until the bell rings, or until it is time to look."""
        hands = self._hands
        if hands._poll.acquire(blocking=False):  # noqa: SLF001 - a hand is a part of Hands
            try:
                self._listen(_LOOK_SECONDS)
            finally:
                hands._poll.release()  # noqa: SLF001
        else:
            self._listen(_SLUMBER_SECONDS)

    def shutdown(self) -> None:
        """Lets the thread clean up after itself."""
        if self.huey.storage.blocking:
            # On PostgreSQL each thread listens on a connection of its own.
            self.huey.storage.close()
        self._hands._leave()  # noqa: SLF001

    def _listen(self, seconds: float) -> None:
        with self._hands._bell:  # noqa: SLF001
            if not self.stop_flag.is_set():
                self._hands._bell.wait(seconds)  # noqa: SLF001


class _NoSchedule(Scheduler):
    """Nothing is ever scheduled, so nothing need be looked for: as shipped it takes the write lock every second."""

    def loop(self, now: Any = None) -> None:  # noqa: ARG002 - Huey's signature
        """Sleeps."""
        self.stop_flag.wait(_SLUMBER_SECONDS * 60)


class _PlainText(Serializer):
    """Messages as JSON. Huey's own are pickles, which run as code in whoever reads them."""

    def _serialize(self, data: Message) -> bytes:
        return msgspec.json.encode([data.name, data.args])

    def _deserialize(self, data: bytes) -> Message:
        name, args = msgspec.json.decode(bytes(data), type=tuple[str, tuple[str]])
        return Message(None, name, args=args)


def _open(where: str | Path, name: str) -> Huey:
    options: dict[str, Any] = {"results": False, "store_none": False, "utc": True, "serializer": _PlainText()}
    if isinstance(where, str) and where.startswith(("postgresql://", "postgres://")):
        return PostgresHuey(name, dsn=where, read_timeout=_SLUMBER_SECONDS, **options)
    path = Path(where)
    path.absolute().parent.mkdir(parents=True, exist_ok=True)
    return SqliteHuey(name, filename=str(path), fsync=False, cache_mb=1, timeout=_BUSY_SECONDS, **options)
