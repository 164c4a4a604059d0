"""The statements on the table of events."""

from collections.abc import Iterable
from typing import Any

import msgspec

from releaseapp.db.api import Reader, Row, Transaction
from releaseapp.events.models import Event


def insert_event(tx: Transaction, event: Event, data: str) -> None:
    """Adds ``event`` (whose ``id`` the database chooses) with its data as JSON text."""
    tx.run(
        """
        INSERT INTO events (workspace_id, type, subject, actor, at, data)
        VALUES (:workspace_id, :type, :subject, :actor, :at, :data)
        """,
        workspace_id=event.workspace_id,
        type=event.type,
        subject=event.subject,
        actor=event.actor,
        at=event.at,
        data=data,
    )


def list_events_after(db: Reader, after: int, limit: int) -> list[Event]:
    """The next events of all workspaces, oldest first."""
    return _events(db.all("SELECT * FROM events WHERE id > :after ORDER BY id LIMIT :limit", after=after, limit=limit))


def last_event_id(db: Reader) -> int:
    """The id of the newest event, 0 when nothing has happened yet."""
    row = db.first("SELECT COALESCE(MAX(id), 0) AS id FROM events")
    return int(row["id"]) if row else 0


def first_event_id(db: Reader) -> int:
    """The id of the oldest event still kept, 0 when there is none."""
    row = db.first("SELECT COALESCE(MIN(id), 0) AS id FROM events")
    return int(row["id"]) if row else 0


def delete_events_before(tx: Transaction, at: str, limit: int) -> int:
    """Forgets up to ``limit`` of the oldest events made before ``at``; the newest event always stays."""
    return tx.run(
        """
        DELETE FROM events WHERE id IN (
            SELECT id FROM events WHERE at < :at AND id < (SELECT MAX(id) FROM events) ORDER BY id LIMIT :limit
        )
        """,
        at=at,
        limit=limit,
    )


def _events(rows: Iterable[Row]) -> list[Event]:
    return [Event(**{**row, "data": _decode(row["data"])}) for row in rows]


def _decode(text: str) -> dict[str, Any]:
    return msgspec.json.decode(text, type=dict[str, Any])
