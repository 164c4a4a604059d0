"""Reads a run back into memory: for whoever takes it up after it has waited, or after its worker died."""

from collections.abc import Iterable
from itertools import groupby

import msgspec

from releaseapp.runs.machine.state import Attempt, Claimed, RunState, StepState
from releaseapp.runs.models import WHOLE, StepStatus
from releaseapp.workflows.definition import OnError

_SUCCEEDED = {StepStatus.SUCCEEDED, StepStatus.SKIPPED}


def load_state(run: Claimed, rows: Iterable[Attempt]) -> RunState:
    """The state that the rows of a run tell, which come in the order of step, item and attempt.

    Attempts that were begun and not ended are among the ``active``; what is to be done about them is the caller's.
    """
    state = RunState(run)
    begun: set[str] = set()
    for step_id, attempts in groupby(rows, key=lambda one: one.step_id):
        every = list(attempts)
        state.step_runs += len(every)
        # A retry with another version may bring steps along that this one has not.
        if step_id in state.steps:
            begun.add(step_id)
            state.steps[step_id].begun = True
            newest = {one.item: one for one in every}
            _load_step(state, state.steps[step_id], newest)
    state.ready.clear()
    state.ready.extend(
        step_id
        for step_id, step in state.steps.items()
        if step_id not in begun and not step.missing and not step.is_over
    )
    return state


def _load_step(state: RunState, step: StepState, newest: dict[int, Attempt]) -> None:
    whole = newest.get(WHOLE)
    repeated = step.planned.written.for_each is not None and whole is not None and whole.status is StepStatus.RUNNING
    if whole is not None and not repeated:
        if whole.is_over:
            _end(state, step, whole)
        else:
            state.active[whole.place] = whole
    elif whole is not None:
        step.whole = whole
        _load_items(state, step, newest)


def _load_items(state: RunState, step: StepState, newest: dict[int, Attempt]) -> None:
    assert step.whole is not None
    step.values = msgspec.json.decode(step.whole.input or "[]", type=list[object])
    step.outputs = [None] * len(step.values)
    for item in range(len(step.values)):
        attempt = newest.get(item)
        if attempt is None:
            step.todo.append(item)
        elif not attempt.is_over:
            step.open_items += 1
            state.active[attempt.place] = attempt
        elif attempt.status in _SUCCEEDED:
            step.outputs[item] = msgspec.json.decode(attempt.output or "null")
        elif attempt.status is StepStatus.FAILED:
            _fail(state, step, attempt)
    state.feeding[step.planned.id] = None


def _end(state: RunState, step: StepState, attempt: Attempt) -> None:
    output = msgspec.json.decode(attempt.output or "null") if attempt.status in _SUCCEEDED else None
    if attempt.status is StepStatus.FAILED:
        _fail(state, step, attempt)
    state.end_step(step, attempt.status, output, attempt.error)


def _fail(state: RunState, step: StepState, attempt: Attempt) -> None:
    if step.planned.written.on_error is not OnError.FAIL:
        return
    # The run failed by what failed first, and the rows come in another order.
    if state.failure is None or (attempt.finished_at or "") < state.failed_at:
        state.failure = (attempt.key, attempt.error or "")
        state.failed_at = attempt.finished_at or ""
