"""The statements on queues and their messages."""

import msgspec

from releaseapp.db.api import Reader, Row, Transaction
from releaseapp.runs.queues.models import MOST_COUNTED, Message, Queue

_LARGEST_IN_LISTS = 10_000
_MESSAGE = "id, queue, LENGTH(message) AS size, published_by, created_at"


def insert_message(tx: Transaction, workspace_id: str, message: Message, text: str) -> None:
    """Puts a message into a queue, behind all others."""
    tx.run(
        """
        INSERT INTO queue_messages (id, workspace_id, queue, message, published_by, created_at)
        VALUES (:id, :workspace_id, :queue, :text, :published_by, :created_at)
        """,
        id=message.id,
        workspace_id=workspace_id,
        queue=message.queue,
        text=text,
        published_by=message.published_by,
        created_at=message.created_at,
    )


def list_queues(db: Reader, workspace_id: str, after: str, limit: int) -> list[Queue]:
    """Queues with messages in them, by name, behind a name.

    The index is leapt through from name to name: what it costs depends on the queues, not on their messages.
    """
    rows = db.all(
        """
        WITH RECURSIVE names (name) AS (
            SELECT MIN(queue) FROM queue_messages WHERE workspace_id = :workspace_id AND queue > :after
            UNION ALL
            SELECT (SELECT MIN(queue) FROM queue_messages WHERE workspace_id = :workspace_id AND queue > names.name)
            FROM names WHERE names.name IS NOT NULL
        )
        SELECT name,
            (SELECT COUNT(*) FROM (
                SELECT 1 FROM queue_messages WHERE workspace_id = :workspace_id AND queue = names.name LIMIT :most
            ) AS counted) AS waiting,
            (SELECT created_at FROM queue_messages WHERE workspace_id = :workspace_id AND queue = names.name
             ORDER BY id LIMIT 1) AS oldest_at
        FROM names WHERE name IS NOT NULL LIMIT :limit
        """,
        workspace_id=workspace_id,
        after=after,
        most=MOST_COUNTED,
        limit=limit,
    )
    return [Queue(**row) for row in rows]


def list_messages(db: Reader, workspace_id: str, queue: str, before: str, limit: int) -> list[Message]:
    """Messages of a queue with an id below ``before``, newest first, without those that are large."""
    rows = db.all(
        f"""
        SELECT {_MESSAGE}, CASE WHEN LENGTH(message) <= :largest THEN message END AS message FROM queue_messages
        WHERE workspace_id = :workspace_id AND queue = :queue AND id < :before ORDER BY id DESC LIMIT :limit
        """,
        workspace_id=workspace_id,
        queue=queue,
        before=before,
        limit=limit,
        largest=_LARGEST_IN_LISTS,
    )
    return [_message(row) for row in rows]


def find_message(db: Reader, workspace_id: str, queue: str, message_id: str) -> Message | None:
    """One message of a queue, whole."""
    row = db.first(
        f"""
        SELECT {_MESSAGE}, message FROM queue_messages
        WHERE id = :id AND workspace_id = :workspace_id AND queue = :queue
        """,
        id=message_id,
        workspace_id=workspace_id,
        queue=queue,
    )
    return _message(row) if row else None


def delete_message(tx: Transaction, message_id: str) -> int:
    """Takes a message out; 0 when it is gone already."""
    return tx.run("DELETE FROM queue_messages WHERE id = :id", id=message_id)


def _message(row: Row) -> Message:
    text = row["message"]
    whole = text is not None
    return Message(**{**row, "message": msgspec.json.decode(text) if whole else None, "is_whole": whole})
