"""The statements on operations."""

import msgspec

from releaseapp.db.api import Reader, Row, Transaction
from releaseapp.operations.models import Operation


def insert_operation(tx: Transaction, operation: Operation) -> None:
    """Adds an operation."""
    tx.run(
        """
        INSERT INTO operations (id, kind, status, actor, process, started_at, beat_at, finished_at, progress, sentence,
                                result)
        VALUES (:id, :kind, :status, :actor, :process, :started_at, :beat_at, :finished_at, :progress, :sentence,
                :result)
        """,
        **_values(operation),
    )


def update_operation(tx: Transaction, operation: Operation) -> int:
    """Writes how far it is; 0 when it is over already, or gone."""
    values = _values(operation)
    return tx.run(
        """
        UPDATE operations SET status = :status, beat_at = :beat_at, finished_at = :finished_at, progress = :progress,
                              sentence = :sentence, result = :result
        WHERE id = :id AND finished_at IS NULL
        """,
        **{name: values[name] for name in ("id", "status", "beat_at", "finished_at", "progress", "sentence", "result")},
    )


def set_beat(tx: Transaction, operation_id: str, now: str) -> int:
    """Says that whoever does it lives; 0 when it is over."""
    return tx.run(
        "UPDATE operations SET beat_at = :now WHERE id = :id AND finished_at IS NULL", id=operation_id, now=now
    )


def find_operation(db: Reader, operation_id: str) -> Operation | None:
    """One operation."""
    row = db.first("SELECT * FROM operations WHERE id = :id", id=operation_id)
    return _operation(row) if row else None


def list_at_work(db: Reader) -> list[Operation]:
    """Those that have not ended, oldest first."""
    return [_operation(row) for row in db.all("SELECT * FROM operations WHERE finished_at IS NULL ORDER BY id")]


def list_operations(db: Reader, limit: int) -> list[Operation]:
    """The newest, newest first."""
    return [_operation(row) for row in db.all("SELECT * FROM operations ORDER BY id DESC LIMIT :limit", limit=limit)]


def list_operations_of_kind(db: Reader, kind: str, limit: int) -> list[Operation]:
    """The newest of a kind, newest first."""
    rows = db.all("SELECT * FROM operations WHERE kind = :kind ORDER BY id DESC LIMIT :limit", kind=kind, limit=limit)
    return [_operation(row) for row in rows]


def _operation(row: Row) -> Operation:
    return msgspec.convert({**row, "result": msgspec.json.decode(row["result"])}, Operation)


def _values(operation: Operation) -> dict[str, object]:
    values = msgspec.to_builtins(operation)
    return {**values, "result": msgspec.json.encode(operation.result).decode()}
