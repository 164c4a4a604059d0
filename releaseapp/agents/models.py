"""What an agent, a task and a memory item are, and how a task may move."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

import msgspec


class AgentStatus(StrEnum):
    """Learning: does tasks and writes memory. Active: does tasks, reads memory. Inactive: takes no tasks."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    LEARNING = "learning"


class TaskStatus(StrEnum):
    """Where a task stands."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


TASK_TRANSITIONS: Mapping[TaskStatus, frozenset[TaskStatus]] = {
    TaskStatus.PENDING: frozenset({TaskStatus.RUNNING, TaskStatus.CANCELLED}),
    # A running task is taken up again (running to running) when its worker's lease lapsed.
    TaskStatus.RUNNING: frozenset(
        {TaskStatus.RUNNING, TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.CANCELLED}
    ),
    TaskStatus.COMPLETED: frozenset(),
    TaskStatus.FAILED: frozenset(),
    TaskStatus.CANCELLED: frozenset(),
}


class MemoryType(StrEnum):
    """What kind of thing is remembered."""

    FACT = "fact"
    PREFERENCE = "preference"
    SKILL = "skill"
    CONTEXT = "context"


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Ceilings of one task; the task fails with the ceiling named."""

    seconds: Annotated[int, msgspec.Meta(ge=1, le=3600)] = 300
    log_lines: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 1000


class Agent(msgspec.Struct, frozen=True):
    """Somebody who does tasks. ``runtime`` is ``{"type": …}`` with what that runtime needs."""

    id: str
    workspace_id: str
    name: str
    description: str
    status: AgentStatus
    runtime: dict[str, Any]
    instructions: str
    tags: list[str]
    limits: Limits
    tasks_completed: int
    memory_items: int
    last_active: str | None
    created_at: str
    updated_at: str


class AgentState(msgspec.Struct, frozen=True):
    """An agent with the number of times that people changed it."""

    agent: Agent
    revision: int

    @property
    def etag(self) -> str:
        """Changes with everything that the agent's JSON shows; begins with the revision."""
        agent = self.agent
        seen = "".join(character for character in agent.last_active or "" if character.isdigit())
        return f"{self.revision}.{agent.tasks_completed}-{agent.memory_items}-{seen}"


class LogLine(msgspec.Struct, frozen=True):
    """One line that a task wrote; ``seq`` counts from 1 without a gap."""

    seq: int
    at: str
    text: str


class Task(msgspec.Struct, frozen=True):
    """One piece of work for one agent. ``log`` is filled where a single task is read, None in lists."""

    id: str
    agent_id: str
    workspace_id: str
    title: str
    input: Any
    status: TaskStatus
    output: Any
    error: str | None
    attempts: int
    usage: dict[str, Any]
    log_lines: int
    requested_by: str | None
    created_at: str
    started_at: str | None
    finished_at: str | None
    log: list[LogLine] | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing can happen to it any more."""
        return not TASK_TRANSITIONS[self.status]


class MemoryItem(msgspec.Struct, frozen=True):
    """One thing that an agent remembers, under a key of its own."""

    id: str
    agent_id: str
    key: str
    value: Any
    type: MemoryType
    created_at: str
    updated_at: str


class MemoryState(msgspec.Struct, frozen=True):
    """A memory item with the number of times that it was changed."""

    item: MemoryItem
    revision: int
