"""What a run and its steps are, and how they may move.

The transitions stand here as data, with who may cause them; ``docs/runs.md``
tells the same in words, and the tests read both.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec


class RunStatus(StrEnum):
    """Queued: no step has begun. Running: a worker has it. Waiting: for a time, a person, a task or another run."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class StepStatus(StrEnum):
    """Where one attempt at a step stands. Skipped: its condition was false."""

    PENDING = "pending"
    RUNNING = "running"
    WAITING = "waiting"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


class Cause(StrEnum):
    """Who may move a run."""

    WORKER = "worker"
    """The worker that holds its lease, in the lease's epoch."""
    SWEEP = "sweep"
    """Any worker, once the lease has lapsed."""
    PERSON = "person"
    """Somebody with runs.control."""
    PARENT = "parent"
    """The run that started it, when that is cancelled."""


RUN_TRANSITIONS: Mapping[RunStatus, Mapping[RunStatus, frozenset[Cause]]] = {
    RunStatus.QUEUED: {
        RunStatus.RUNNING: frozenset({Cause.WORKER}),
        RunStatus.CANCELLED: frozenset({Cause.PERSON, Cause.PARENT}),
    },
    RunStatus.RUNNING: {
        # A worker that died leaves its run running; another takes it over, in the next epoch.
        RunStatus.RUNNING: frozenset({Cause.SWEEP}),
        # A worker that stops gives back what it has not ended.
        RunStatus.QUEUED: frozenset({Cause.WORKER}),
        RunStatus.WAITING: frozenset({Cause.WORKER}),
        RunStatus.SUCCEEDED: frozenset({Cause.WORKER}),
        RunStatus.FAILED: frozenset({Cause.WORKER}),
        RunStatus.CANCELLED: frozenset({Cause.PERSON, Cause.PARENT}),
    },
    RunStatus.WAITING: {
        RunStatus.RUNNING: frozenset({Cause.WORKER}),
        RunStatus.CANCELLED: frozenset({Cause.PERSON, Cause.PARENT}),
    },
    RunStatus.SUCCEEDED: {},
    RunStatus.FAILED: {},
    RunStatus.CANCELLED: {},
}

STEP_TRANSITIONS: Mapping[StepStatus, frozenset[StepStatus]] = {
    StepStatus.PENDING: frozenset({StepStatus.RUNNING, StepStatus.CANCELLED}),
    # Running to pending: its worker stopped, and gave it back.
    StepStatus.RUNNING: frozenset(StepStatus) - {StepStatus.SKIPPED},
    StepStatus.WAITING: frozenset({StepStatus.SUCCEEDED, StepStatus.FAILED, StepStatus.CANCELLED}),
    StepStatus.SUCCEEDED: frozenset(),
    StepStatus.FAILED: frozenset(),
    StepStatus.SKIPPED: frozenset(),
    StepStatus.CANCELLED: frozenset(),
}

RUN_OVER = frozenset(status for status, moves in RUN_TRANSITIONS.items() if not moves)
STEP_OVER = frozenset(status for status, moves in STEP_TRANSITIONS.items() if not moves)

WHOLE = -1
"""The ``item`` of a step that is done once, and of the row that stands for all items of one that is repeated."""


class TriggerType(StrEnum):
    """What started a run."""

    MANUAL = "manual"
    """A person, on a page."""
    API = "api"
    COMMAND = "command"
    TEST = "test"
    """A person who tries a draft."""
    RETRY = "retry"
    WORKFLOW = "workflow"
    """A step of another run."""
    CRON = "cron"
    WEBHOOK = "webhook"
    QUEUE = "queue"
    EVENT = "event"


class Run(msgspec.Struct, frozen=True):
    """One run of one version of a workflow.

    ``trigger`` has ``type``, ``by`` (the id of who started it) and what else its kind tells. ``attempt`` counts the
    runs that began with ``first_run``: each retry is a run of its own, that names the one ``retry_of`` it continues.
    ``parent`` is the run, and ``parent_step`` the key of the step in it, that wait for this one. ``steps_done`` of
    ``steps_total`` are over. Times are RFC 3339 UTC; ``inputs`` and ``output`` are JSON.
    """

    id: str
    workspace_id: str
    workflow_id: str
    workflow_name: str
    version: int
    status: RunStatus
    trigger: dict[str, Any]
    inputs: Any
    output: Any
    error: str | None
    failed_step: str | None
    attempt: int
    first_run: str
    retry_of: str | None
    parent: str | None
    parent_step: str | None
    depth: int
    is_test: bool
    recovered: bool
    steps_total: int
    steps_done: int
    log_lines: int
    created_at: str
    started_at: str | None
    finished_at: str | None

    @property
    def is_over(self) -> bool:
        """Whether nothing can happen to it any more."""
        return self.status in RUN_OVER


class StepRun(msgspec.Struct, frozen=True):
    """One attempt at one step of a run; of one that is repeated, at one ``item`` of it (WHOLE for all of them).

    ``input`` is its config with every expression evaluated, the list of items for the row of all of them.
    ``waits_for`` is what it waits for: the id of a task, a run or an approval, or a time. ``late`` is what came after
    nobody waited for it any more. ``reused`` says that an earlier run did it, or that its output was pinned.
    """

    run_id: str
    step_id: str
    item: int
    attempt: int
    type: str
    status: StepStatus
    input: Any
    output: Any
    error: str | None
    waits_for: str | None
    wake_at: str | None
    takeovers: int
    log_lines: int
    reused: bool
    late: dict[str, Any] | None
    started_at: str
    finished_at: str | None

    @property
    def is_over(self) -> bool:
        """Whether this attempt has come to its end."""
        return self.status in STEP_OVER

    @property
    def key(self) -> str:
        """``<step>``, or ``<step>.<item>``: its name within the run."""
        return self.step_id if self.item == WHOLE else f"{self.step_id}.{self.item}"


class LogLine(msgspec.Struct, frozen=True):
    """One line of a run's log; ``seq`` counts from 1 within the run, without a gap."""

    seq: int
    step_id: str
    item: int
    attempt: int
    at: str
    text: str
