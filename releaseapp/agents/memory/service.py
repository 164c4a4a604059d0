"""What can be done with an agent's memory, by people and by the agent itself."""

from collections.abc import Callable
from typing import Any

import msgspec

from releaseapp import clock
from releaseapp.agents import queries as agent_queries
from releaseapp.agents.memory import queries
from releaseapp.agents.memory.models import MemoryItem, MemoryState, MemoryType
from releaseapp.agents.models import Agent
from releaseapp.db.api import Database, Reader, Transaction
from releaseapp.errors import Conflict, Invalid, NotFound
from releaseapp.events.models import EventType
from releaseapp.events.service import append

LARGEST_VALUE_BYTES = 65_536

Guard = Callable[[int], None] | None
"""Called with the present revision inside the transaction; refuses by raising."""


def list_memory(
    db: Reader, agent_id: str, before: str, limit: int, *, item_type: str | None = None, search: str | None = None
) -> list[MemoryItem]:
    """What an agent remembers, newest first, maybe of one type or containing a text."""
    pattern = agent_queries.search_pattern(search)
    return queries.list_memory_items(db, agent_id, before, limit, item_type=item_type, pattern=pattern)


def find_memory(db: Reader, agent_id: str, item_id: str) -> MemoryState | None:
    """One memory item, or None."""
    return queries.find_memory_item(db, agent_id, item_id)


def recall(db: Reader, agent_id: str, key: str) -> MemoryItem | None:
    """What the agent remembers under a key, or None."""
    state = queries.find_memory_by_key(db, agent_id, key)
    return state.item if state else None


def create_memory(
    db: Database, agent: Agent, key: str, value: Any, item_type: MemoryType, *, actor: str | None
) -> MemoryItem:
    """Adds an item; raises Invalid when the value is too large, Conflict when the agent has the key."""
    _check_size(value)
    now = clock.now_text()
    item = MemoryItem(clock.new_id("mem"), agent.id, key.strip(), value, item_type, now, now)
    try:
        with db.transaction() as tx:
            queries.insert_memory_item(tx, agent.workspace_id, item)
            agent_queries.count_memory(tx, agent.id, 1)
            _record(tx, EventType.MEMORY_CREATED, agent, item, actor)
    except Conflict as error:
        raise Conflict(f"{agent.name} remembers something under the key {item.key!r} already.") from error
    return item


def change_memory(
    db: Database, agent: Agent, item_id: str, changes: dict[str, Any], *, actor: str | None, guard: Guard = None
) -> MemoryState:
    """Changes key, value or type; errors as :func:`create_memory`, and NotFound when the item is gone.

    ``guard`` is called with the present revision inside the transaction and may refuse.
    """
    changes = {**changes, **({"key": changes["key"].strip()} if "key" in changes else {})}
    _check_size(changes.get("value"))
    try:
        with db.transaction() as tx:
            state = _get_memory(tx, agent.id, item_id, guard)
            changed = msgspec.structs.replace(state.item, **changes, updated_at=clock.now_text())
            queries.update_memory_item(tx, changed)
            _record(tx, EventType.MEMORY_UPDATED, agent, changed, actor)
    except Conflict as error:
        raise Conflict(f"{agent.name} remembers something under the key {changes['key']!r} already.") from error
    return MemoryState(changed, state.revision + 1)


def remember(db: Database, agent: Agent, key: str, value: Any, item_type: MemoryType) -> MemoryItem:
    """What an agent does: adds the item, or replaces what it remembered under the key."""
    with db.transaction() as tx:
        known = queries.find_memory_by_key(tx, agent.id, key.strip())
        if known is None:
            return create_memory(db, agent, key, value, item_type, actor=None)
        return change_memory(db, agent, known.item.id, {"value": value, "type": item_type}, actor=None).item


def delete_memory(db: Database, agent: Agent, item_id: str, *, actor: str | None, guard: Guard = None) -> None:
    """Forgets an item; raises NotFound when there is none."""
    with db.transaction() as tx:
        state = _get_memory(tx, agent.id, item_id, guard)
        queries.delete_memory_item(tx, item_id)
        agent_queries.count_memory(tx, agent.id, -1)
        _record(tx, EventType.MEMORY_DELETED, agent, state.item, actor)


def _get_memory(tx: Transaction, agent_id: str, item_id: str, guard: Guard) -> MemoryState:
    state = queries.find_memory_item(tx, agent_id, item_id)
    if state is None:
        raise NotFound("There is no such memory item.")
    if guard is not None:
        guard(state.revision)
    return state


def _record(tx: Transaction, event_type: EventType, agent: Agent, item: MemoryItem, actor: str | None) -> None:
    append(
        tx,
        event_type,
        item.id,
        workspace_id=agent.workspace_id,
        actor=actor,
        data={"agent_id": agent.id, "agent": agent.name, "key": item.key, "type": item.type},
    )


def _check_size(value: Any) -> None:
    if len(msgspec.json.encode(value)) > LARGEST_VALUE_BYTES:
        raise Invalid.at("/value", f"value must be at most {LARGEST_VALUE_BYTES:,} bytes of JSON.")
