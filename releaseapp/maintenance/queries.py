"""The statements on maintenance, which is one row of the server's state."""

from releaseapp.db.api import Reader, Transaction

_NAME = "maintenance"


def find_maintenance(db: Reader) -> str | None:
    """What is written down of it, as JSON."""
    row = db.first("SELECT value FROM server_state WHERE name = :name", name=_NAME)
    return str(row["value"]) if row else None


def set_maintenance(tx: Transaction, value: str, now: str) -> None:
    """Writes down that it lasts."""
    tx.run(
        """
        INSERT INTO server_state (name, value, updated_at) VALUES (:name, :value, :now)
        ON CONFLICT (name) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at
        """,
        name=_NAME,
        value=value,
        now=now,
    )


def delete_maintenance(tx: Transaction) -> int:
    """Strikes it out; 0 when there was none."""
    return tx.run("DELETE FROM server_state WHERE name = :name", name=_NAME)
