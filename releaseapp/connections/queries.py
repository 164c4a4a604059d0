"""The statements on samples of connections."""

import msgspec

from releaseapp.connections.models import Sample
from releaseapp.db.api import Reader, Row, Transaction

_SAMPLE = "process, process_started_at, at, seconds, open, opened, closed, refused, reconnects, left_at"
_COUNTS = ("closed", "refused", "reconnects")


def insert_sample(tx: Transaction, sample: Sample, *, merged: bool = False) -> None:
    """Adds a sample."""
    values = msgspec.to_builtins(sample)
    tx.run(
        f"""
        INSERT INTO connection_samples ({_SAMPLE}, merged)
        VALUES (:process, :process_started_at, :at, :seconds, :open, :opened, :closed, :refused, :reconnects,
                :left_at, :merged)
        """,
        **{**values, **{name: msgspec.json.encode(values[name], order="sorted").decode() for name in _COUNTS}},
        merged=int(merged),
    )


def list_samples(db: Reader, since: str, until: str) -> list[Sample]:
    """Those after one moment and up to another, oldest first."""
    rows = db.all(
        f"SELECT {_SAMPLE} FROM connection_samples WHERE at > :since AND at <= :until ORDER BY at, id",
        since=since,
        until=until,
    )
    return [_sample(row) for row in rows]


def list_leavings(db: Reader, since: str) -> list[Sample]:
    """The last samples of processes that stopped since a moment, oldest first."""
    rows = db.all(
        f"""
        SELECT {_SAMPLE} FROM connection_samples
        WHERE at >= :since AND left_at IS NOT NULL ORDER BY at, id
        """,
        since=since,
    )
    return [_sample(row) for row in rows]


def list_fine(db: Reader, before: str, limit: int) -> list[tuple[int, Sample]]:
    """The oldest that are not merged, up to a moment, each with its id."""
    rows = db.all(
        f"""
        SELECT id, {_SAMPLE} FROM connection_samples
        WHERE merged = 0 AND at < :before ORDER BY at, id LIMIT :limit
        """,
        before=before,
        limit=limit,
    )
    return [(int(row["id"]), _sample(row)) for row in rows]


def delete_sample(tx: Transaction, sample_id: int) -> None:
    """Takes one away."""
    tx.run("DELETE FROM connection_samples WHERE id = :id", id=sample_id)


def delete_old(tx: Transaction, before: str, limit: int) -> int:
    """Takes away the oldest from before a moment, so many at most; how many that were."""
    return tx.run(
        """
        DELETE FROM connection_samples WHERE id IN (
            SELECT id FROM connection_samples WHERE at < :before ORDER BY at, id LIMIT :limit
        )
        """,
        before=before,
        limit=limit,
    )


def list_release_marks(db: Reader, since: str, limit: int) -> list[Row]:
    """What happened to releases since a moment: when, and the type of the event; the newest, oldest first."""
    rows = db.all(
        """
        SELECT at, type FROM events
        WHERE workspace_id IS NULL AND at >= :since
          AND type IN (
              'release.started', 'release.promoted', 'release.finished', 'release.rolled_back', 'release.abandoned'
          )
        ORDER BY id DESC LIMIT :limit
        """,
        since=since,
        limit=limit,
    )
    return rows[::-1]


def _sample(row: Row) -> Sample:
    values = {name: row[name] for name in row if name != "id"}
    return msgspec.convert({**values, **{name: msgspec.json.decode(row[name]) for name in _COUNTS}}, Sample)
