"""The statements that workflows need: how far the events have followed the file, and what the file still lacks."""

import msgspec

from releaseapp.db.api import Reader, Transaction

_OWED = "workflows.owed"


def last_file_revision(db: Reader) -> int:
    """The revision of the workflow file that the newest event about workflows tells of; 0 without one."""
    row = db.first(
        """
        SELECT data FROM events
        WHERE type LIKE 'workflow.%' OR type LIKE 'version.%' OR type = 'snapshot.restored'
        ORDER BY id DESC LIMIT 1
        """
    )
    return int(msgspec.json.decode(row["data"]).get("revision", 0)) if row else 0


def find_owed_document(db: Reader) -> str | None:
    """The document, as JSON, that is to be the workflow file; None when the file lacks nothing."""
    row = db.first("SELECT value FROM server_state WHERE name = :name", name=_OWED)
    return row["value"] if row else None


def set_owed_document(tx: Transaction, document: str, now: str) -> None:
    """Keeps the document until it is in the file."""
    tx.run(
        """
        INSERT INTO server_state (name, value, updated_at) VALUES (:name, :value, :now)
        ON CONFLICT (name) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at
        """,
        name=_OWED,
        value=document,
        now=now,
    )


def delete_owed_document(tx: Transaction) -> None:
    """The file has it."""
    tx.run("DELETE FROM server_state WHERE name = :name", name=_OWED)
