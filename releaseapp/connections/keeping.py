"""Keeps the samples few: after an hour one a minute and process, after a month none."""

from itertools import groupby

from releaseapp import clock
from releaseapp.connections import queries
from releaseapp.connections.figures import added
from releaseapp.connections.models import Sample
from releaseapp.db.api import Database

FINE_SECONDS = 3_600.0
KEPT_SECONDS = 30 * 86_400.0
_BATCH = 500
_MINUTE = 16
"""Of an RFC 3339 text: everything up to the minute."""


def look_after(db: Database) -> int:
    """Merges and deletes a few batches of old samples; how many rows went. Raises Busy."""
    gone = 0
    for _ in range(4):
        found = _merge(db) + _delete(db)
        gone += found
        if not found:
            break
    return gone


def merged(samples: list[Sample]) -> Sample:
    """One sample for several of one process, in their order: what was counted is added up, the last ``open`` stays."""
    last = samples[-1]
    return Sample(
        process=last.process,
        process_started_at=last.process_started_at,
        at=last.at,
        seconds=round(sum(one.seconds for one in samples), 3),
        open=last.open,
        opened=sum(one.opened for one in samples),
        closed=added(one.closed for one in samples),
        refused=added(one.refused for one in samples),
        reconnects=added(one.reconnects for one in samples),
        left_at=next((one.left_at for one in samples if one.left_at), None),
    )


def _merge(db: Database) -> int:
    with db.transaction() as tx:
        fine = queries.list_fine(tx, clock.later_text(-FINE_SECONDS), _BATCH)
        ordered = sorted(fine, key=lambda pair: (pair[1].source, pair[1].at, pair[0]))
        kept = 0
        for _, group in groupby(ordered, key=lambda pair: (pair[1].source, pair[1].at[:_MINUTE])):
            pairs = list(group)
            for sample_id, _one in pairs:
                queries.delete_sample(tx, sample_id)
            queries.insert_sample(tx, merged([one for _id, one in pairs]), merged=True)
            kept += 1
    return len(fine) - kept


def _delete(db: Database) -> int:
    with db.transaction() as tx:
        return queries.delete_old(tx, clock.later_text(-KEPT_SECONDS), _BATCH)
