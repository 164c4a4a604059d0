"""Forgets runs, in transactions so small that nobody who writes at the same time waits long.

Small runs go many at a time, each whole. A run with more rows than a
transaction may have is marked first, then goes slice by slice: its log, its
steps, itself. Whoever prunes next, after a kill at any moment, begins with
what is marked.
"""

import time
from collections.abc import Callable, Iterator, Sequence

from releaseapp import clock
from releaseapp.db.api import Database, Transaction
from releaseapp.runs.retention import queries
from releaseapp.runs.retention.models import Candidate

MOST_ROWS = 1000
MOST_BYTES = 2_000_000
"""Of one transaction; more only where a single row holds more."""
PAGES_AT_ONCE = 64
_SHORTEST_PAUSE_SECONDS = 0.002

Delete = Callable[[Transaction], int]


def forget(db: Database, candidates: Sequence[Candidate]) -> Iterator[list[Candidate]]:
    """Forgets runs one transaction after the other; gives after each those that are gone with it."""
    for batch in _batches(candidates):
        if len(batch) == 1 and _is_large(batch[0]):
            for delete in _slices(batch[0]):
                while _timed(db, delete):
                    yield []
        yield _forget_whole(db, batch)


def give_back_space(db: Database) -> Iterator[int]:
    """Gives free pages back to the disk, some at a time; the bytes of each time."""
    while True:
        began = clock.monotonic()
        given = db.give_back_space(PAGES_AT_ONCE)
        if not given:
            return
        _pause(began)
        yield given


def _batches(candidates: Sequence[Candidate]) -> Iterator[list[Candidate]]:
    batch: list[Candidate] = []
    rows = held = 0
    for one in candidates:
        if batch and (rows + one.rows > MOST_ROWS or held + one.bytes > MOST_BYTES):
            yield batch
            batch, rows, held = [], 0, 0
        batch.append(one)
        rows, held = rows + one.rows, held + one.bytes
    if batch:
        yield batch


def _is_large(run: Candidate) -> bool:
    return run.rows > MOST_ROWS or run.bytes > MOST_BYTES


def _slices(run: Candidate) -> tuple[Delete, Delete]:
    # What a row holds is taken from the average of the run's: to ask each would be to read it.
    most = max(1, min(MOST_ROWS, MOST_BYTES * run.rows // max(run.bytes, 1)))
    run_id = run.place.id

    def delete_lines(tx: Transaction) -> int:
        queries.mark_begun(tx, run_id)
        return queries.delete_lines(tx, run_id, most)

    def delete_steps(tx: Transaction) -> int:
        return queries.delete_steps(tx, run_id, most)

    return delete_lines, delete_steps


def _forget_whole(db: Database, batch: list[Candidate]) -> list[Candidate]:
    gone: list[Candidate] = []

    def delete(tx: Transaction) -> int:
        gone.extend(one for one in batch if queries.delete_run(tx, one.place.id))
        for digest in {one.definition for one in batch}:
            queries.delete_definition(tx, digest)
        return len(gone)

    _timed(db, delete)
    return gone


def _timed(db: Database, delete: Delete) -> int:
    began = clock.monotonic()
    with db.transaction() as tx:
        number = delete(tx)
    _pause(began)
    return number


def _pause(began: float) -> None:
    """Leaves to others as much time as was taken: processes that look for a gap between two writes find one."""
    time.sleep(max(clock.monotonic() - began, _SHORTEST_PAUSE_SECONDS))
