"""What the server notes of itself under names, a row each: maintenance, a document that is owed, the last restore."""

from releaseapp import clock
from releaseapp.db.api import Reader, Transaction


def find_state(db: Reader, name: str) -> str | None:
    """What is noted under the name; None when nothing is."""
    row = db.first("SELECT value FROM server_state WHERE name = :name", name=name)
    return str(row["value"]) if row else None


def set_state(tx: Transaction, name: str, value: str) -> None:
    """Notes it, in the place of what was there."""
    tx.run(
        """
        INSERT INTO server_state (name, value, updated_at) VALUES (:name, :value, :now)
        ON CONFLICT (name) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at
        """,
        name=name,
        value=value,
        now=clock.now_text(),
    )


def delete_state(tx: Transaction, name: str) -> None:
    """Strikes it out."""
    tx.run("DELETE FROM server_state WHERE name = :name", name=name)
