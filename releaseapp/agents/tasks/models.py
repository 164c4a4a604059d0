"""What a task is, and how it may move."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec


class TaskStatus(StrEnum):
    """Where a task stands."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


TASK_TRANSITIONS: Mapping[TaskStatus, frozenset[TaskStatus]] = {
    TaskStatus.PENDING: frozenset({TaskStatus.RUNNING, TaskStatus.CANCELLED}),
    # A running task waits again when its worker stops and hands it over, and is taken up again
    # (running to running) when its worker's lease lapsed.
    TaskStatus.RUNNING: frozenset(TaskStatus),
    TaskStatus.COMPLETED: frozenset(),
    TaskStatus.FAILED: frozenset(),
    TaskStatus.CANCELLED: frozenset(),
}


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


class ListedTask(msgspec.Struct, frozen=True):
    """A task in a list of several agents' tasks, with its agent's name."""

    task: Task
    agent: str
