"""What checks ask the engine itself."""

from releaseapp.db.api import Reader, Transaction


def journal_mode(db: Reader) -> str:
    """How SQLite keeps what is not in the file yet: ``wal``, unless the volume does not allow of that."""
    row = db.first("PRAGMA journal_mode")
    return str(row["journal_mode"]) if row else ""


def write_nothing(tx: Transaction) -> None:
    """A write that changes no row; an engine that may only read refuses it all the same."""
    tx.run("UPDATE accounts SET name = name WHERE id IS NULL")
