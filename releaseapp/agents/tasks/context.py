"""What a worker hands to a runtime: the task, its agent, and the only ways to touch the world."""

import threading
from typing import Any

from releaseapp import clock
from releaseapp.agents.memory import service as memory
from releaseapp.agents.memory.models import MemoryType
from releaseapp.agents.models import Agent, AgentStatus
from releaseapp.agents.runtimes.api import TaskFailed
from releaseapp.agents.tasks import service
from releaseapp.agents.tasks.models import Task
from releaseapp.agents.tasks.service import LeaseLost
from releaseapp.db.api import Database
from releaseapp.web.paging import FIRST

_LOOK_EVERY_SECONDS = 0.2
_MOST_MEMORY = 1000


class TaskContext:
    """One attempt at one task; see ``runtimes.api.Context``."""

    def __init__(self, db: Database, task: Task, agent: Agent, lease_seconds: int) -> None:
        self.task = task
        self.agent = agent
        self.abandoned = threading.Event()
        self._db = db
        self._lease_seconds = lease_seconds
        self._began = clock.monotonic()
        self._lines = 0
        self._memory: dict[str, Any] | None = None

    @property
    def seconds(self) -> float:
        """How long this attempt has taken so far."""
        return clock.monotonic() - self._began

    def usage(self) -> dict[str, Any]:
        """What the attempt used, for the task's record."""
        return {"seconds": round(self.seconds, 3), "log_lines": self._lines}

    def log(self, text: str) -> None:
        """See ``Context``."""
        self.check_alive()
        if self._lines >= self.agent.limits.log_lines:
            raise TaskFailed(f"The task logged more than {self.agent.limits.log_lines} lines, its agent's limit.")
        service.append_log(self._db, self.task, text, self._lease_seconds)
        self._lines += 1

    def memory(self) -> dict[str, Any]:
        """See ``Context``."""
        if self._memory is None:
            items = memory.list_memory(self._db, self.agent.id, FIRST, _MOST_MEMORY)
            self._memory = {item.key: item.value for item in items}
        return self._memory

    def remember(self, key: str, value: Any, item_type: str) -> None:
        """See ``Context``."""
        self._check_learning()
        # In one transaction with the claim, so that a task that was cancelled leaves nothing behind it.
        with self._db.transaction():
            service.extend_lease(self._db, self.task, self._lease_seconds)
            memory.remember(self._db, self.agent, key, value, MemoryType(item_type))
        self._memory = None

    def forget(self, key: str) -> None:
        """See ``Context``."""
        self._check_learning()
        with self._db.transaction():
            service.extend_lease(self._db, self.task, self._lease_seconds)
            item = memory.recall(self._db, self.agent.id, key)
            if item is not None:
                memory.delete_memory(self._db, self.agent, item.id, actor=None)
        self._memory = None

    def wait(self, seconds: float) -> None:
        """See ``Context``."""
        until = clock.monotonic() + seconds
        while (left := until - clock.monotonic()) > 0:
            self.abandoned.wait(min(left, _LOOK_EVERY_SECONDS))
            self.check_alive()

    def check_alive(self) -> None:
        """See ``Context``."""
        if self.abandoned.is_set() or not service.still_claimed(self._db, self.task):
            raise LeaseLost
        if self.seconds > self.agent.limits.seconds:
            raise TaskFailed(f"The task took longer than {self.agent.limits.seconds} seconds, its agent's limit.")

    def _check_learning(self) -> None:
        if self.agent.status is not AgentStatus.LEARNING:
            raise TaskFailed(
                f"{self.agent.name} is {self.agent.status}, so its memory is read-only to it; "
                "set its status to learning to let it remember."
            )
