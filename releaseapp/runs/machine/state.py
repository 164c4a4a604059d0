"""A run in the hands of the worker that drives it: what it knows of every step, in memory."""

from collections import deque
from typing import Any

import msgspec

from releaseapp.runs.machine.blueprint import Blueprint, PlannedStep, Source
from releaseapp.runs.models import STEP_OVER, WHOLE, RunStatus, StepStatus
from releaseapp.steps.api import Ask, GiveTask, Publish, StartRun


class ChildRun(msgspec.Struct, frozen=True):
    """A run that a step starts: of which version, with inputs that were checked."""

    source: Source
    inputs: dict[str, Any]


Request = GiveTask | Ask | StartRun | ChildRun | Publish
Place = tuple[str, int]


class Pins(msgspec.Struct, frozen=True):
    """What a test run does otherwise: outputs that stand for steps, no effects, or one single step."""

    outputs: dict[str, Any] = {}
    effects: bool = True
    only: str | None = None


NO_PINS = Pins()


class Claimed(msgspec.Struct, frozen=True):
    """A run as a worker took it, in one ``epoch`` of its lease. ``taken_over``: from a worker that died."""

    id: str
    workspace_id: str
    workflow_id: str
    workflow_name: str
    version: int
    trigger: dict[str, Any]
    inputs: Any
    first_run: str
    attempt: int
    parent: str | None
    depth: int
    is_test: bool
    pins: Pins
    started_at: str
    epoch: int
    takeovers: int
    log_lines: int
    taken_over: bool
    blueprint: Blueprint


class Attempt(msgspec.Struct, eq=False):
    """One attempt at one step, at one item of it; a row of the table.

    ``request`` is to be performed with it. ``told`` are the events that go along with the next writing.
    ``input`` and ``output`` are JSON text.
    """

    step_id: str
    item: int
    number: int
    type: str
    status: StepStatus
    started_at: str
    input: str | None = None
    output: str | None = None
    error: str | None = None
    waits_for: str | None = None
    wake_at: str | None = None
    takeovers: int = 0
    log_lines: int = 0
    reused: bool = False
    finished_at: str | None = None
    request: Request | None = None
    told: list[str] = msgspec.field(default_factory=list)
    dirty: bool = False

    @property
    def place(self) -> Place:
        """The step and the item."""
        return self.step_id, self.item

    @property
    def is_over(self) -> bool:
        """Whether it has come to its end."""
        return self.status in STEP_OVER

    @property
    def key(self) -> str:
        """``<step>``, or ``<step>.<item>``: its name within the run."""
        return self.step_id if self.item == WHOLE else f"{self.step_id}.{self.item}"


class StepState:
    """What is known of one step: what it still waits for, how it stands as a whole, and its items when it is repeated.

    ``whole`` is the row that stands for all items, ``values`` are the items, ``todo`` those that have not begun.
    """

    def __init__(self, planned: PlannedStep) -> None:
        self.planned = planned
        self.missing = set(planned.needs)
        self.begun = False
        self.status: StepStatus | None = None
        self.whole: Attempt | None = None
        self.values: list[Any] = []
        self.todo: deque[int] = deque()
        self.outputs: list[Any] = []
        self.open_items = 0

    @property
    def is_over(self) -> bool:
        """Whether the step has come to its end, with all its items."""
        return self.status is not None


class RunState:
    """What is known of a run.

    ``ready`` are steps that may begin, ``feeding`` repeated ones with items that have not; ``active`` are the attempts
    that are not over, ``changed`` those to be written; ``undo`` is what nobody waits for any more.
    """

    def __init__(self, run: Claimed) -> None:
        self.run = run
        self.steps = {step_id: StepState(planned) for step_id, planned in run.blueprint.steps.items()}
        self.ready = deque(step_id for step_id, step in self.steps.items() if not step.missing)
        self.feeding: dict[str, None] = {}
        self.outputs: dict[str, dict[str, Any]] = {}
        self.active: dict[Place, Attempt] = {}
        self.changed: list[Attempt] = []
        self.undo: list[str] = []
        self.steps_done = 0
        self.step_runs = 0
        self.failure: tuple[str | None, str] | None = None
        self.failed_at = ""
        self.status: RunStatus = RunStatus.RUNNING
        self.output: str | None = None
        self.error: str | None = None

    @property
    def is_over(self) -> bool:
        """Whether the run has come to its end."""
        return self.status is not RunStatus.RUNNING

    def touch(self, attempt: Attempt, told: str | None = None) -> None:
        """Has an attempt written in the next transaction, maybe with an event."""
        if told is not None:
            attempt.told.append(told)
        if not attempt.dirty:
            attempt.dirty = True
            self.changed.append(attempt)

    def take_changed(self) -> list[Attempt]:
        """The attempts that are to be written, once."""
        changed, self.changed = self.changed, []
        return changed

    def end_step(self, step: StepState, status: StepStatus, output: Any, error: str | None) -> None:
        """A step is over; those that waited for it alone may begin."""
        step.status = status
        step_id = step.planned.id
        self.feeding.pop(step_id, None)
        self.outputs[step_id] = {"output": output, "status": status.value, "error": error}
        # One that nobody waited for any more was not done; who loads the run later finds such rows, too.
        self.steps_done += status is not StepStatus.CANCELLED
        for later_id in step.planned.before:
            later = self.steps[later_id]
            later.missing.discard(step_id)
            if not later.missing and not later.begun:
                self.ready.append(later_id)
