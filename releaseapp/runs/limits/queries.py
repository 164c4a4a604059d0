"""The statements on limits: scope is the id of a workspace or of a workflow."""

from releaseapp.db.api import Reader, Transaction


def find_limit(db: Reader, scope: str) -> int | None:
    """How many runs of a workspace or a workflow may be at work at once, where people have said so; 0 is no limit."""
    row = db.first("SELECT at_once FROM run_limits WHERE scope = :scope", scope=scope)
    return int(row["at_once"]) if row else None


def set_limit(tx: Transaction, scope: str, at_once: int, now: str) -> None:
    """Notes a limit."""
    tx.run(
        """
        INSERT INTO run_limits (scope, at_once, updated_at) VALUES (:scope, :at_once, :now)
        ON CONFLICT (scope) DO UPDATE SET at_once = excluded.at_once, updated_at = excluded.updated_at
        """,
        scope=scope,
        at_once=at_once,
        now=now,
    )


def delete_limit(tx: Transaction, scope: str) -> None:
    """From now on the server's default holds."""
    tx.run("DELETE FROM run_limits WHERE scope = :scope", scope=scope)
