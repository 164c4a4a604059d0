"""What an agent is."""

from enum import StrEnum
from typing import Annotated, Any

import msgspec


class AgentStatus(StrEnum):
    """Learning: does tasks and writes memory. Active: does tasks, reads memory. Inactive: takes no tasks."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    LEARNING = "learning"


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
