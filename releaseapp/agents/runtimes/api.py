"""What a runtime is given to work with, and how it says that it could not do the work."""

from collections.abc import Mapping
from typing import Any, Protocol

from releaseapp.agents.memory.models import MemoryType
from releaseapp.agents.models import Agent
from releaseapp.agents.tasks.models import Task
from releaseapp.errors import AppError, Fault

LARGEST_OUTPUT_BYTES = 262_144


class TaskFailed(AppError):
    """The task cannot be done; ``str(error)`` is a sentence for the person who gave it."""


class CeilingReached(TaskFailed):
    """One of the agent's limits was passed; the sentence names it."""


class Context(Protocol):
    """One attempt at one task, as its runtime sees it.

    Every method raises ``tasks.service.LeaseLost`` when the task was cancelled or
    deleted, or another worker took it over: a runtime lets it pass. What was
    written up to then stays; nothing can be written after.
    """

    task: Task
    agent: Agent

    def log(self, text: str) -> None:
        """Adds a line to the task's log; raises CeilingReached when the agent's ``log_lines`` are used up."""
        ...

    def memory(self) -> Mapping[str, Any]:
        """What the agent remembers, key to value; each look reads the newest state."""
        ...

    def remember(self, key: str, value: Any, item_type: MemoryType) -> None:
        """Keeps a value under a key; raises TaskFailed when the agent is not learning or the item is too large."""
        ...

    def forget(self, key: str) -> None:
        """Drops what is kept under a key, if anything; raises TaskFailed when the agent is not learning."""
        ...

    def wait(self, seconds: float) -> None:
        """Lets time pass; ends early, by an error of :meth:`check_alive`, when there is nothing left to wait for."""
        ...

    def check_alive(self) -> None:
        """Asks whether to go on; raises LeaseLost, or CeilingReached when the agent's ``seconds`` have passed."""
        ...


class Runtime(Protocol):
    """One way of working: a module of this folder."""

    def check(self, runtime: dict[str, Any]) -> list[Fault]:
        """Everything wrong with an agent's ``runtime``, with pointers relative to it."""
        ...

    def run(self, runtime: dict[str, Any], context: Context) -> Any:
        """Does the task and gives its output, which is JSON; raises TaskFailed."""
        ...
