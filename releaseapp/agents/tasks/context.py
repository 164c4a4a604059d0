"""What a worker hands to a runtime: the task, its agent, and the only ways to touch the world."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from releaseapp import clock
from releaseapp.agents import service as agents
from releaseapp.agents.memory import service as memory
from releaseapp.agents.memory.models import MemoryType
from releaseapp.agents.models import Agent, AgentStatus
from releaseapp.agents.runtimes.api import CeilingReached, TaskFailed
from releaseapp.agents.tasks import service
from releaseapp.agents.tasks.models import Task
from releaseapp.agents.tasks.service import LeaseLost
from releaseapp.db.api import Database
from releaseapp.web.paging import FIRST

_LOOK_EVERY_SECONDS = 0.2
_MOST_MEMORY = 1000
_LONGEST_KEY = 200


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
        most = self.agent.limits.log_lines
        if self._lines >= most:
            raise CeilingReached(
                f"The task logged more than {most:,} lines, the limit of its agent (limits.log_lines)."
            )
        service.append_log(self._db, self.task, text, self._lease_seconds)
        self._lines += 1

    def memory(self) -> dict[str, Any]:
        """See ``Context``."""
        if self._memory is None:
            items = memory.list_memory(self._db, self.agent.id, FIRST, _MOST_MEMORY)
            self._memory = {item.key: item.value for item in items}
        return self._memory

    def remember(self, key: str, value: Any, item_type: MemoryType) -> None:
        """See ``Context``."""
        key = key.strip()
        if not 0 < len(key) <= _LONGEST_KEY:
            raise TaskFailed(f"A key to remember something under has 1 to {_LONGEST_KEY} characters, not {len(key)}.")
        with self._learning() as agent:
            memory.remember(self._db, agent, key, value, item_type)

    def forget(self, key: str) -> None:
        """See ``Context``."""
        with self._learning() as agent:
            item = memory.recall(self._db, agent.id, key.strip())
            if item is not None:
                memory.delete_memory(self._db, agent, item.id, actor=None)

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
        most = self.agent.limits.seconds
        if self.seconds > most:
            raise CeilingReached(
                f"The task took longer than {most:,} seconds, the limit of its agent (limits.seconds)."
            )

    @contextmanager
    def _learning(self) -> Iterator[Agent]:
        """A transaction with the claim in it, so that a task that was cancelled leaves nothing behind it.

        The agent is read again: people may have changed its status since the task began.
        """
        self.check_alive()
        with self._db.transaction() as tx:
            service.extend_lease(self._db, self.task, self._lease_seconds)
            agent = agents.get_agent(tx, self.agent.workspace_id, self.agent.id).agent
            if agent.status is not AgentStatus.LEARNING:
                raise TaskFailed(
                    f"{agent.name} is {agent.status}, so its memory is read-only to it; "
                    "set its status to learning to let it remember."
                )
            yield agent
        self._memory = None
