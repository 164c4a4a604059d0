"""Doing an operation: written down, seen by every operator, alone where it must be, and ended whatever happens."""

import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from releaseapp import clock
from releaseapp.db.api import Database, Reader, Transaction
from releaseapp.errors import AppError, Busy, Conflict
from releaseapp.events.models import EventType
from releaseapp.events.service import append
from releaseapp.operations import queries
from releaseapp.operations.models import ALONE, Kind, Operation, Status

log = logging.getLogger(__name__)

BEAT_SECONDS = 5.0
LAPSE_SECONDS = 60.0
"""A process that was not heard of for so long has died: what it did is interrupted."""
GONE_SECONDS = 12.0
"""As long when this very host knows no such process any more: two beats and a little."""


class Report:
    """What the work tells of itself while it is at it."""

    def __init__(self, db: Database, operation: Operation) -> None:
        self._db = db
        self.operation = operation

    def tell(self, sentence: str, progress: float | None = None) -> None:
        """Says what it is at; ``progress`` from 0 to 1. Lost, and no harm, while the database is busy."""
        now = clock.now_text()
        self.operation = msgspec.structs.replace(self.operation, sentence=sentence, progress=progress, beat_at=now)
        try:
            with self._db.transaction() as tx:
                if queries.update_operation(tx, self.operation):
                    _append(tx, EventType.OPERATION_PROGRESSED, self.operation)
        except Busy:
            log.info("the progress of %s is told another time", self.operation.id)


Work = Callable[[Report], tuple[str, dict[str, Any]]]
"""Does it; gives the sentence that says how it ended, and figures. What it raises makes the operation a failed one."""


def perform(db: Database, kind: Kind, actor: str | None, work: Work) -> Operation:
    """Does the work in this thread; returns the operation as it ended.

    Raises Conflict when another one is at work that it must not meet, and whatever ``work`` raises, after that is
    written down.
    """
    return carry_out(db, begin(db, kind, actor), work)


def begin(db: Database, kind: Kind, actor: str | None) -> Operation:
    """Writes down that an operation begins; raises Conflict when another one is at work that it must not meet."""
    now = clock.now_text()
    operation = Operation(
        id=clock.new_id("ope"),
        kind=kind,
        status=Status.RUNNING,
        actor=actor,
        process=this_process(),
        started_at=now,
        beat_at=now,
        finished_at=None,
        progress=None,
        sentence="Begins.",
        result={},
    )
    with db.transaction() as tx:
        _interrupt_the_dead(tx)
        if kind in ALONE:
            for other in queries.list_at_work(tx):
                if other.kind in ALONE:
                    raise Conflict(
                        f"At work since {other.started_at}: {other.kind}. {other.sentence} Wait for its end."
                    )
        queries.insert_operation(tx, operation)
        _append(tx, EventType.OPERATION_STARTED, operation)
    return operation


def carry_out(db: Database, operation: Operation, work: Work) -> Operation:
    """Does the work of an operation that :func:`begin` gave; see :func:`perform`."""
    report = Report(db, operation)
    try:
        with _beating(db, operation.id):
            sentence, result = work(report)
    except BaseException as error:
        said = str(error) if isinstance(error, AppError) else f"It broke: {type(error).__name__}. The log says more."
        _end(db, report.operation, Status.FAILED, said, {})
        raise
    return _end(db, report.operation, Status.DONE, sentence, result)


def start_in_thread(db: Database, kind: Kind, actor: str | None, work: Work) -> Operation:
    """Begins as :func:`begin` does, and goes on in a thread of its own: for requests, which must not wait."""
    return go_on_in_thread(db, begin(db, kind, actor), work)


def go_on_in_thread(db: Database, operation: Operation, work: Work) -> Operation:
    """Does the work of an operation that :func:`begin` gave, in a thread of its own; nothing is raised from there.

    In a transaction (that of a request that is not to be done twice, say) the thread begins after the commit: it
    sees nothing of the operation before.
    """

    def go() -> None:
        try:
            carry_out(db, operation, work)
        except AppError as error:
            log.warning("%s failed: %s", operation.kind, error)
        except Exception:
            log.exception("%s broke", operation.kind)
        finally:
            db.close_thread()

    with db.transaction() as tx:
        tx.after_commit(threading.Thread(target=go, name=operation.id, daemon=True).start)
    return operation


def list_operations(db: Reader, limit: int = 20) -> list[Operation]:
    """The newest, newest first; those whose process died are shown as interrupted."""
    return [_as_it_is(one) for one in queries.list_operations(db, limit)]


def newest_of(db: Reader, kind: Kind) -> Operation | None:
    """The newest of a kind."""
    return next((_as_it_is(one) for one in queries.list_operations_of_kind(db, kind, 1)), None)


def find_operation(db: Reader, operation_id: str) -> Operation | None:
    """One operation."""
    found = queries.find_operation(db, operation_id)
    return _as_it_is(found) if found else None


def this_process() -> str:
    """How this process is called in what is written down: host and number."""
    return f"{socket.gethostname()}:{os.getpid()}"


def list_at_work(db: Reader) -> list[Operation]:
    """Those at work now."""
    return [one for one in map(_as_it_is, queries.list_at_work(db)) if one.status is Status.RUNNING]


def _interrupt_the_dead(tx: Transaction) -> None:
    for one in queries.list_at_work(tx):
        shown = _as_it_is(one)
        if shown.status is Status.INTERRUPTED:
            ended = msgspec.structs.replace(shown, finished_at=clock.now_text())
            queries.update_operation(tx, ended)
            _append(tx, EventType.OPERATION_FINISHED, ended)


def _as_it_is(operation: Operation) -> Operation:
    if operation.status is Status.RUNNING and _has_died(operation):
        sentence = f"Its process died. It was at: {operation.sentence}"
        return msgspec.structs.replace(operation, status=Status.INTERRUPTED, sentence=sentence)
    return operation


def _has_died(operation: Operation) -> bool:
    if operation.beat_at < clock.later_text(-LAPSE_SECONDS):
        return True
    # Containers may share a name and not their processes, so that a beat still counts for more; not one that lies
    # ahead, for the clock went back.
    earliest, latest = clock.later_text(-GONE_SECONDS), clock.later_text(GONE_SECONDS)
    return not earliest <= operation.beat_at <= latest and _is_gone(operation.process)


def _is_gone(process: str) -> bool:
    """Whether a process of this host has ended; those of others cannot be looked at."""
    host, _, pid = process.rpartition(":")
    if host != socket.gethostname() or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


def _end(db: Database, operation: Operation, status: Status, sentence: str, result: dict[str, Any]) -> Operation:
    now = clock.now_text()
    ended = msgspec.structs.replace(
        operation,
        status=status,
        sentence=sentence,
        result=result,
        beat_at=now,
        finished_at=now,
        progress=1.0 if status is Status.DONE else operation.progress,
    )
    with db.transaction() as tx:
        if queries.update_operation(tx, ended):
            _append(tx, EventType.OPERATION_FINISHED, ended)
    return ended


@contextmanager
def _beating(db: Database, operation_id: str) -> Iterator[None]:
    over = threading.Event()

    def beat() -> None:
        while not over.wait(BEAT_SECONDS):
            try:
                with db.transaction() as tx:
                    queries.set_beat(tx, operation_id, clock.now_text())
            except Busy:
                continue
        db.close_thread()

    thread = threading.Thread(target=beat, name=f"beat of {operation_id}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _append(tx: Transaction, event: EventType, operation: Operation) -> None:
    data = {
        "kind": operation.kind,
        "status": operation.status,
        "sentence": operation.sentence,
        "progress": operation.progress,
    }
    append(tx, event, operation.id, actor=operation.actor, data=data)
