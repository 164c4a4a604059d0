"""The statements on agents."""

from functools import lru_cache
from typing import Any

import msgspec

from releaseapp.agents.models import Agent, AgentState, AgentStatus, Limits
from releaseapp.db.api import Reader, Row, Transaction

_AGENT = """
    id, workspace_id, name, description, status, runtime, instructions, tags, limits, tasks_completed,
    memory_items, last_active, created_at, updated_at, revision
"""
_DECODE_TEXTS = msgspec.json.Decoder(list[str]).decode
_DECODE_OBJECT = msgspec.json.Decoder(dict[str, Any]).decode
# Found by their text instead of made anew for each row: a twelfth of a list's time. Both are immutable.
_DECODE_LIMITS = lru_cache(maxsize=1024)(msgspec.json.Decoder(Limits).decode)
_STATUS = {status.value: status for status in AgentStatus}


def insert_agent(tx: Transaction, agent: Agent) -> None:
    """Adds an agent at revision 1."""
    tx.run(
        """
        INSERT INTO agents (id, workspace_id, name, description, status, runtime, instructions, tags, limits,
                            tasks_completed, memory_items, last_active, revision, created_at, updated_at)
        VALUES (:id, :workspace_id, :name, :description, :status, :runtime, :instructions, :tags, :limits,
                :tasks_completed, :memory_items, :last_active, 1, :created_at, :updated_at)
        """,
        **_agent_values(agent),
    )


def update_agent(tx: Transaction, agent: Agent) -> None:
    """Writes what people may change, as a new revision."""
    tx.run(
        """
        UPDATE agents SET name = :name, description = :description, status = :status, runtime = :runtime,
               instructions = :instructions, tags = :tags, limits = :limits, revision = revision + 1,
               updated_at = :updated_at
        WHERE id = :id
        """,
        **_agent_values(agent),
    )


def count_task_done(tx: Transaction, agent_id: str, at: str, *, completed: bool) -> None:
    """Counts a finished task, and notes when the agent was last active."""
    tx.run(
        "UPDATE agents SET tasks_completed = tasks_completed + :one, last_active = :at WHERE id = :id",
        id=agent_id,
        one=int(completed),
        at=at,
    )


def count_memory(tx: Transaction, agent_id: str, change: int) -> None:
    """Keeps the number of memory items."""
    tx.run("UPDATE agents SET memory_items = memory_items + :change WHERE id = :id", id=agent_id, change=change)


def delete_agent(tx: Transaction, agent_id: str) -> None:
    """Removes an agent with its tasks, their logs, and its memory."""
    tx.run("DELETE FROM agents WHERE id = :id", id=agent_id)


def find_agent(db: Reader, workspace_id: str, agent_id: str) -> AgentState | None:
    """One agent of a workspace."""
    row = db.first(
        f"SELECT {_AGENT} FROM agents WHERE id = :id AND workspace_id = :workspace_id",
        id=agent_id,
        workspace_id=workspace_id,
    )
    return AgentState(_agent(row), row["revision"]) if row else None


def find_agent_named(db: Reader, workspace_id: str, name: str) -> AgentState | None:
    """The newest agent of a workspace with that name, in whatever case."""
    row = db.first(
        f"""
        SELECT {_AGENT} FROM agents WHERE workspace_id = :workspace_id AND lower(name) = lower(:name)
        ORDER BY id DESC LIMIT 1
        """,
        workspace_id=workspace_id,
        name=name,
    )
    return AgentState(_agent(row), row["revision"]) if row else None


def list_agents(
    db: Reader, workspace_id: str, before: str, limit: int, *, status: str | None, pattern: str | None
) -> list[Agent]:
    """Agents of a workspace with an id below ``before``, newest first, maybe of one status or matching a pattern."""
    rows = db.all(
        f"""
        SELECT {_AGENT} FROM agents
        WHERE workspace_id = :workspace_id AND id < :before
          AND (CAST(:status AS TEXT) IS NULL OR status = :status)
          AND (CAST(:pattern AS TEXT) IS NULL OR lower(name) LIKE :pattern ESCAPE '!'
               OR lower(description) LIKE :pattern ESCAPE '!' OR lower(tags) LIKE :pattern ESCAPE '!')
        ORDER BY id DESC LIMIT :limit
        """,
        workspace_id=workspace_id,
        before=before,
        limit=limit,
        status=status,
        pattern=pattern,
    )
    return [_agent(row) for row in rows]


def count_agents(db: Reader, workspace_id: str) -> dict[AgentStatus, int]:
    """How many agents of each status a workspace has."""
    rows = db.all(
        "SELECT status, COUNT(*) AS number FROM agents WHERE workspace_id = :workspace_id GROUP BY status",
        workspace_id=workspace_id,
    )
    found = {AgentStatus(row["status"]): int(row["number"]) for row in rows}
    return {status: found.get(status, 0) for status in AgentStatus}


def search_pattern(text: str | None) -> str | None:
    """A LIKE pattern that finds ``text`` anywhere, in any case; None for no search. Its escape is ``!``."""
    if text is None or not text.strip():
        return None
    escaped = text.strip().lower().replace("!", "!!").replace("%", "!%").replace("_", "!_")
    return f"%{escaped}%"


def _agent(row: Row) -> Agent:
    return Agent(
        row["id"],
        row["workspace_id"],
        row["name"],
        row["description"],
        _STATUS[row["status"]],
        _DECODE_OBJECT(row["runtime"]),
        row["instructions"],
        _DECODE_TEXTS(row["tags"]),
        _DECODE_LIMITS(row["limits"]),
        row["tasks_completed"],
        row["memory_items"],
        row["last_active"],
        row["created_at"],
        row["updated_at"],
    )


def _agent_values(agent: Agent) -> dict[str, Any]:
    return {**msgspec.structs.asdict(agent), **_texts(runtime=agent.runtime, tags=agent.tags, limits=agent.limits)}


def _texts(**values: object) -> dict[str, str]:
    return {name: msgspec.json.encode(value).decode() for name, value in values.items()}
