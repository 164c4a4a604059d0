"""The statements on what agents remember."""

from typing import Any

import msgspec

from releaseapp.agents.memory.models import MemoryItem, MemoryState, MemoryType
from releaseapp.db.api import Reader, Row, Transaction

_MEMORY = "id, agent_id, key, value, type, created_at, updated_at, revision"


def insert_memory_item(tx: Transaction, workspace_id: str, item: MemoryItem) -> None:
    """Adds a memory item; raises Conflict when the agent has the key."""
    tx.run(
        """
        INSERT INTO memory_items (id, agent_id, workspace_id, key, value, type, created_at, updated_at, revision)
        VALUES (:id, :agent_id, :workspace_id, :key, :value, :type, :created_at, :updated_at, 1)
        """,
        **_memory_values(item),
        workspace_id=workspace_id,
    )


def update_memory_item(tx: Transaction, item: MemoryItem) -> None:
    """Writes key, value and type; raises Conflict when another item of the agent has the key."""
    tx.run(
        """
        UPDATE memory_items SET key = :key, value = :value, type = :type, updated_at = :updated_at,
               revision = revision + 1
        WHERE id = :id
        """,
        **_memory_values(item),
    )


def delete_memory_item(tx: Transaction, item_id: str) -> None:
    """Forgets one item."""
    tx.run("DELETE FROM memory_items WHERE id = :id", id=item_id)


def find_memory_item(db: Reader, agent_id: str, item_id: str) -> MemoryState | None:
    """One memory item of an agent, by id."""
    return _memory_state(
        db.first(
            f"SELECT {_MEMORY} FROM memory_items WHERE id = :id AND agent_id = :agent_id", id=item_id, agent_id=agent_id
        )
    )


def find_memory_by_key(db: Reader, agent_id: str, key: str) -> MemoryState | None:
    """One memory item of an agent, by key."""
    return _memory_state(
        db.first(
            f"SELECT {_MEMORY} FROM memory_items WHERE agent_id = :agent_id AND key = :key", agent_id=agent_id, key=key
        )
    )


def list_memory_items(
    db: Reader, agent_id: str, before: str, limit: int, *, item_type: str | None = None, pattern: str | None = None
) -> list[MemoryItem]:
    """What an agent remembers, newest first, maybe of one type or matching a pattern."""
    rows = db.all(
        f"""
        SELECT {_MEMORY} FROM memory_items
        WHERE agent_id = :agent_id AND id < :before
          AND (CAST(:type AS TEXT) IS NULL OR type = :type)
          AND (CAST(:pattern AS TEXT) IS NULL OR lower(key) LIKE :pattern ESCAPE '!'
               OR lower(value) LIKE :pattern ESCAPE '!')
        ORDER BY id DESC LIMIT :limit
        """,
        agent_id=agent_id,
        before=before,
        limit=limit,
        type=item_type,
        pattern=pattern,
    )
    return [_memory(row) for row in rows]


def _memory_values(item: MemoryItem) -> dict[str, Any]:
    return {**msgspec.structs.asdict(item), "value": msgspec.json.encode(item.value).decode()}


def _memory_state(row: Row | None) -> MemoryState | None:
    return MemoryState(_memory(row), row["revision"]) if row else None


def _memory(row: Row) -> MemoryItem:
    return MemoryItem(
        id=row["id"],
        agent_id=row["agent_id"],
        key=row["key"],
        value=msgspec.json.decode(row["value"]),
        type=MemoryType(row["type"]),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )
