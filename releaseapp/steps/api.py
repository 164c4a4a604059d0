"""What a type of step is, what it is given to work with, and what it may ask of the run it is part of.

A type is a module of this folder, or of a package that names it by the entry
point ``releaseapp.steps``: it holds a config schema with its help text, and a
function that does the step. The function does not wait, write to the database
or start anything by itself: it returns what is to be done, and the run does
that in the transaction that records the step. Only a type that works
``outside`` (over the network, say) may take its time.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import msgspec

from releaseapp.credentials.models import Secret
from releaseapp.errors import AppError
from releaseapp.outbound import Outbound


class StepFailed(AppError):
    """The step cannot be done; ``str(error)`` is a sentence for whoever looks at the run.

    ``retryable`` says whether another attempt may do better; a step's own rules of retrying hold only then, and no
    attempt is made before ``retry_after`` seconds.
    """

    def __init__(self, sentence: str, *, retryable: bool = True, retry_after: float = 0.0) -> None:
        super().__init__(sentence)
        self.retryable = retryable
        self.retry_after = retry_after


class Abandoned(Exception):
    """Nobody waits for the step any more: it was cancelled, took too long, or its worker stops."""


class Done(msgspec.Struct, frozen=True):
    """The step is done, and this is its output: JSON."""

    output: Any = None


class Sleep(msgspec.Struct, frozen=True):
    """Wait until a moment (as ``clock.text`` writes it); ``output`` is the step's output then."""

    until: str
    output: Any = None


class GiveTask(msgspec.Struct, frozen=True):
    """Give an agent (by name or id) a task, and wait for its output."""

    agent: str
    title: str
    input: Any = None


class Ask(msgspec.Struct, frozen=True):
    """Ask people, and wait for their decision. ``form`` is a JSON Schema; ``deciders`` are e-mails and roles."""

    title: str
    description: str = ""
    form: dict[str, Any] = {}
    deciders: list[str] = []
    not_the_requester: bool = False
    deadline_seconds: float | None = None


class StartRun(msgspec.Struct, frozen=True):
    """Run another workflow (by name or id), and wait for its output."""

    workflow: str
    inputs: dict[str, Any] = {}


class Publish(msgspec.Struct, frozen=True):
    """Put a message into a queue of the workspace, once."""

    queue: str
    message: Any = None


Result = Done | Sleep | GiveTask | Ask | StartRun | Publish


class Context(Protocol):
    """One attempt at one step, as its type sees it.

    ``key`` is the same for every attempt that may repeat the same effect (send
    it along as ``Idempotency-Key``); ``outbound`` is the guarded way to the
    network.
    """

    workspace_id: str
    run_id: str
    step_id: str
    key: str
    outbound: Outbound

    def log(self, text: str) -> None:
        """Adds to the step's log; lines are split, and secrets are masked."""
        ...

    def write(self, chunk: str) -> None:
        """Adds to the step's log a text that comes in chunks, cut anywhere: lines are kept as they are complete."""
        ...

    def credential(self, name: str) -> Secret:
        """A credential of the workspace by name or id; raises StepFailed. Its secrets are masked from now on."""
        ...

    def seconds_left(self, most: float) -> float:
        """How long the step may still take, at most ``most``; raises Abandoned when there is nothing left."""
        ...

    def check_alive(self) -> None:
        """Raises Abandoned when nobody waits for the step any more."""
        ...

    def when_abandoned(self, call: Callable[[], None]) -> None:
        """Has ``call`` run (in another thread) when the step is abandoned: to close what it waits on."""
        ...


class Preset(msgspec.Struct, frozen=True):
    """A config to begin with, and what it is good for."""

    title: str
    config: dict[str, Any]


class StepType(msgspec.Struct, frozen=True):
    """A type of step: how it is called, the schema of its config, how it is done.

    ``run`` gets the config with every expression evaluated, as an instance of
    ``config``, and raises StepFailed. ``outside`` is for what may take its time;
    ``has_effects`` for what changes something in the world, and is left out of
    test runs without effects. ``output`` is a sample, None where it cannot be
    known before it has run.
    """

    title: str
    icon: str
    config: type[msgspec.Struct]
    run: Callable[[Any, Context], Result]
    output: Any = None
    presets: tuple[Preset, ...] = ()
    outside: bool = False
    has_effects: bool = False

    @property
    def help(self) -> str:
        """What it is for, in a sentence."""
        return self.config.__doc__ or ""


StepTypes = Mapping[str, StepType]
