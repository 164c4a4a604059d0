"""What comes next in a run: a step begins, ends, is tried again, is left out; the run ends.

Works in memory alone. What it decides stands in the state as attempts to be
written, and as attempts at steps that work outside, to be launched.
"""

import logging
import random
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import msgspec

from releaseapp import clock, expressions
from releaseapp.errors import Invalid
from releaseapp.expressions import ExpressionError
from releaseapp.runs.machine.mask import Mask
from releaseapp.runs.machine.state import Attempt, Request, RunState, StepState
from releaseapp.runs.models import WHOLE, RunStatus, StepStatus
from releaseapp.steps.api import Ask, Context, Done, Publish, Result, Sleep, StepFailed
from releaseapp.web.bodies import fit
from releaseapp.workflows.definition import Backoff, OnError

log = logging.getLogger(__name__)

LARGEST_OUTPUT_BYTES = 1_048_576
MOST_ITEMS = 10_000
MOST_STEP_RUNS = 50_000
MOST_TAKEOVERS = 3
_LONGEST_PAUSE_SECONDS = 86_400
_LONGEST_ERROR = 4_000
_JITTER = 0.25


class Surroundings(msgspec.Struct, frozen=True):
    """What planning needs to know of the world: names for expressions, secrets to mask, contexts, and a limit."""

    workspace: dict[str, str]
    mask: Mask
    context_for: Callable[[Attempt], AbstractContextManager[Context]]
    most_outside: int


class Advance:
    """Moves one run along. ``launch`` collects the attempts whose steps work outside and are to be begun."""

    def __init__(self, state: RunState, around: Surroundings) -> None:
        self.state = state
        self.launch: list[tuple[Attempt, Any]] = []
        self.outside = 0
        self._around = around
        run = state.run
        self._scope = {
            "inputs": run.inputs,
            "steps": state.outputs,
            "trigger": run.trigger,
            "run": {"id": run.id, "version": run.version, "started_at": run.started_at, "attempt": run.attempt},
            "workspace": around.workspace,
        }

    def go_on(self) -> None:
        """Begins whatever may begin, and ends the run when there is nothing left to do."""
        state = self.state
        if state.failure is None:
            self._begin_due()
        while state.failure is None and self._begin_some():
            pass
        if state.failure is not None:
            self._abandon_waiting()
        if not state.active and not self.launch:
            self._end()

    def _begin_some(self) -> bool:
        """Begins items and steps that may begin now; whether any did, for then others may follow."""
        state = self.state
        before = (state.step_runs, state.steps_done)
        for step_id in list(state.feeding):
            self._go_on_with_items(state.steps[step_id])
        kept: list[str] = []
        while state.ready and state.failure is None:
            step_id = state.ready.popleft()
            if self._has_room(state.steps[step_id]):
                self._begin_step(state.steps[step_id])
            else:
                kept.append(step_id)
        state.ready.extend(kept)
        return (state.step_runs, state.steps_done) != before

    def finish(self, attempt: Attempt, output: Any) -> None:
        """An attempt succeeded with this output."""
        try:
            output = self._around.mask.value(output)
            text = msgspec.json.encode(output)
        except (TypeError, ValueError, RecursionError) as error:
            self.fail(attempt, f"The output cannot be kept as JSON ({error}).", retryable=False)
            return
        if len(text) > LARGEST_OUTPUT_BYTES:
            sentence = f"The output has {len(text):,} bytes of JSON; it may have {LARGEST_OUTPUT_BYTES:,}."
            self.fail(attempt, sentence, retryable=False)
            return
        attempt.output = text.decode()
        self._close(attempt, StepStatus.SUCCEEDED, None)
        self._after(attempt, StepStatus.SUCCEEDED, output, None)

    def fail_as(self, attempt: Attempt, error: StepFailed) -> None:
        """An attempt failed as its step's type said."""
        self.fail(attempt, str(error), retryable=error.retryable, after=error.retry_after)

    def fail(self, attempt: Attempt, sentence: str, *, retryable: bool = True, after: float = 0.0) -> None:
        """An attempt failed; it is tried again when its step's rules say so, not before ``after`` seconds."""
        sentence = self._around.mask.text(fit_to_keep(sentence))[:_LONGEST_ERROR]
        self._close(attempt, StepStatus.FAILED, sentence)
        retry = self.state.steps[attempt.step_id].planned.retry
        if retryable and attempt.number < retry.max_attempts and self.state.failure is None:
            self._try_again(attempt, after)
        else:
            self._after(attempt, StepStatus.FAILED, None, sentence)

    def fail_run(self, sentence: str) -> None:
        """The run as a whole failed: nothing more begins."""
        if self.state.failure is None:
            self.state.failure = (None, sentence)

    def wait(self, attempt: Attempt, waits_for: str | None, wake_at: str | None) -> None:
        """An attempt waits for something to come, or for a time."""
        attempt.status = StepStatus.WAITING
        attempt.waits_for, attempt.wake_at = waits_for, wake_at
        self.state.touch(attempt, "waiting")

    def restart(self, attempt: Attempt) -> None:
        """An attempt that a worker left behind is begun again, unless it was left behind too often."""
        attempt.takeovers += 1
        # Its time begins anew, too: it was not at work while nobody had it.
        attempt.started_at = clock.now_text()
        if attempt.takeovers > MOST_TAKEOVERS:
            sentence = f"Its worker died {MOST_TAKEOVERS} times while doing it, so it is not tried again."
            self.fail(attempt, sentence, retryable=False)
        else:
            self._start(attempt)

    # ── beginning ────────────────────────────────────────────────────────────

    def _has_room(self, step: StepState) -> bool:
        outside = step.planned.type is not None and step.planned.type.outside
        return not outside or self.outside < self._around.most_outside

    def _begin_due(self) -> None:
        now = clock.now_text()
        for attempt in list(self.state.active.values()):
            due = attempt.status is StepStatus.PENDING and (attempt.wake_at or "") <= now
            if due and self._has_room(self.state.steps[attempt.step_id]):
                attempt.wake_at = None
                attempt.started_at = now
                self._start(attempt)

    def _begin_step(self, step: StepState) -> None:
        step.begun = True
        written = step.planned.written
        pins = self.state.run.pins
        if step.planned.id in pins.outputs:
            self._pin(step, pins.outputs[step.planned.id])
            return
        try:
            left_out = pins.only not in {None, written.id} or (
                written.when is not None and not expressions.render(written.when, self._scope)
            )
            if not left_out and written.for_each is not None:
                self._begin_items(step, self._items(written.for_each))
                return
        except (ExpressionError, StepFailed) as error:
            self._fail_unbegun(step, str(error))
            return
        if left_out:
            self._leave_out(step)
        else:
            self._start(self._new_attempt(step, WHOLE, 1))

    def _items(self, for_each: Any) -> list[Any]:
        values = expressions.render(for_each, self._scope)
        if not isinstance(values, list):
            raise StepFailed(f"for_each comes to {_kind(values)}; it must be a list.")
        if len(values) > MOST_ITEMS:
            raise StepFailed(f"for_each comes to {len(values):,} items; there may be {MOST_ITEMS:,}.")
        return values

    def _begin_items(self, step: StepState, values: list[Any]) -> None:
        # As they are kept: whoever takes the run over reads them from there.
        values = self._around.mask.value(values)
        kept = self._kept(values)
        step.whole = whole = self._new_attempt(step, WHOLE, 1)
        # It stands for its items, and is none to be waited for.
        self.state.active.pop(whole.place)
        whole.input = kept
        self.state.touch(whole, "started")
        step.values = values
        step.outputs = [None] * len(values)
        step.todo.extend(range(len(values)))
        self.state.feeding[step.planned.id] = None

    def _feed(self, step: StepState) -> None:
        while (
            step.todo
            and step.open_items < step.planned.written.max_parallel
            and self.state.failure is None
            and self._has_room(step)
        ):
            item = step.todo.popleft()
            step.open_items += 1
            self._start(self._new_attempt(step, item, 1))

    def _new_attempt(self, step: StepState, item: int, number: int) -> Attempt:
        attempt = Attempt(
            step_id=step.planned.id,
            item=item,
            number=number,
            type=step.planned.written.type,
            status=StepStatus.RUNNING,
            started_at=clock.now_text(),
        )
        self.state.active[attempt.place] = attempt
        self.state.step_runs += 1
        if self.state.step_runs > MOST_STEP_RUNS:
            self.fail_run(f"The run has more than {MOST_STEP_RUNS:,} attempts at steps, the most that are kept.")
        return attempt

    def _start(self, attempt: Attempt) -> None:
        """Does a step that works inside at once; has one that works outside launched."""
        attempt.status = StepStatus.RUNNING
        self.state.touch(attempt)
        planned = self.state.steps[attempt.step_id].planned
        if planned.type is None:
            sentence = f"This server knows no step type {attempt.type!r}; install the package that brings it."
            self.fail(attempt, sentence, retryable=False)
            return
        if planned.type.has_effects and not self.state.run.pins.effects:
            attempt.reused = True
            self.finish(attempt, planned.type.output)
            return
        try:
            config = self._config(attempt)
            if planned.type.outside:
                attempt.told.append("started")
                self.outside += 1
                self.launch.append((attempt, config))
                return
            with self._around.context_for(attempt) as context:
                result = planned.type.run(config, context)
            self.take(attempt, result)
        except StepFailed as error:
            self.fail_as(attempt, error)
        except (ExpressionError, Invalid) as error:
            self.fail(attempt, str(error), retryable=False)
        except Exception as error:
            log.exception("a step of the type %s broke", attempt.type)
            self.fail(attempt, broken(error), retryable=False)

    def take(self, attempt: Attempt, result: Result) -> None:
        """What a step's type asked for; raises StepFailed for what cannot be kept, TypeError for what is no result."""
        if not isinstance(result, Result):
            raise TypeError(f"a step of the type {attempt.type} gave {type(result).__name__}, which is no result")
        if isinstance(result, Done):
            self.finish(attempt, result.output)
        elif isinstance(result, Sleep):
            if result.until <= clock.now_text():
                self.finish(attempt, result.output)
            else:
                attempt.output = self._kept(result.output)
                self.wait(attempt, None, result.until)
        else:
            attempt.request = self._masked(result)
            self.state.touch(attempt)

    def _masked(self, request: Request) -> Request:
        """What people will see of a request, without secrets; agents and other runs get what they were given."""
        mask = self._around.mask
        if isinstance(request, Ask):
            return msgspec.structs.replace(
                request, title=mask.text(request.title), description=mask.text(request.description)
            )
        if isinstance(request, Publish):
            return msgspec.structs.replace(request, message=mask.value(request.message))
        return request

    def _config(self, attempt: Attempt) -> Any:
        step = self.state.steps[attempt.step_id]
        scope = self._scope
        if attempt.item != WHOLE:
            scope = {**scope, "item": step.values[attempt.item]}
        config = expressions.render(step.planned.written.config, scope)
        attempt.input = self._kept(config)
        assert step.planned.type is not None
        return fit(config, step.planned.type.config)

    def _kept(self, value: Any) -> str:
        text = msgspec.json.encode(self._around.mask.value(value))
        if len(text) > LARGEST_OUTPUT_BYTES:
            raise StepFailed(f"The step's input has {len(text):,} bytes; it may have {LARGEST_OUTPUT_BYTES:,}.")
        return text.decode()

    # ── ending ───────────────────────────────────────────────────────────────

    def _pin(self, step: StepState, output: Any) -> None:
        attempt = self._new_attempt(step, WHOLE, 1)
        attempt.reused = True
        self.finish(attempt, output)

    def _leave_out(self, step: StepState) -> None:
        attempt = self._new_attempt(step, WHOLE, 1)
        self._close(attempt, StepStatus.SKIPPED, None)
        self.state.end_step(step, StepStatus.SKIPPED, None, None)

    def _fail_unbegun(self, step: StepState, sentence: str) -> None:
        self.fail(self._new_attempt(step, WHOLE, 1), sentence, retryable=False)

    def _close(self, attempt: Attempt, status: StepStatus, error: str | None) -> None:
        kept = [(one, config) for one, config in self.launch if one is not attempt]
        self.outside -= len(self.launch) - len(kept)
        self.launch = kept
        attempt.status, attempt.error = status, error
        attempt.finished_at = clock.now_text()
        attempt.waits_for = attempt.wake_at = attempt.request = None
        self.state.active.pop(attempt.place, None)
        self.state.touch(attempt, status.value)

    def _try_again(self, attempt: Attempt, after: float) -> None:
        step = self.state.steps[attempt.step_id]
        later = self._new_attempt(step, attempt.item, attempt.number + 1)
        later.status = StepStatus.PENDING
        pause = max(pause_before(step, later.number), min(after, _LONGEST_PAUSE_SECONDS))
        later.wake_at = clock.text(clock.now() + timedelta(seconds=pause))
        self.state.touch(later, "retrying")

    def _after(self, attempt: Attempt, status: StepStatus, output: Any, error: str | None) -> None:
        """An attempt was the last one at its step, or at its item."""
        step = self.state.steps[attempt.step_id]
        failed = status is StepStatus.FAILED and step.planned.written.on_error is OnError.FAIL
        if failed and self.state.failure is None:
            self.state.failure = (attempt.key, error or "")
        if step.whole is None or attempt is step.whole:
            self.state.end_step(step, status, output, error)
            return
        # The next items are begun by whoever goes on, and not from in here: there may be thousands.
        step.outputs[attempt.item] = output
        step.open_items -= 1

    def _go_on_with_items(self, step: StepState) -> None:
        self._feed(step)
        if not step.todo and not step.open_items and self.state.failure is None:
            self._end_items(step)

    def _end_items(self, step: StepState) -> None:
        if step.whole is not None:
            self.finish(step.whole, step.outputs)

    def _abandon_waiting(self) -> None:
        """The run fails: nobody waits any more for what is not in hand."""
        for attempt in list(self.state.active.values()):
            if attempt.status in {StepStatus.WAITING, StepStatus.PENDING} or attempt.request is not None:
                if attempt.waits_for is not None:
                    self.state.undo.append(attempt.waits_for)
                self._close(attempt, StepStatus.CANCELLED, None)
        if not self.state.active:
            self._close_items()

    def _close_items(self) -> None:
        """Steps of which not all items were done when the run failed."""
        where, why = self.state.failure or (None, "")
        for step in self.state.steps.values():
            if step.whole is not None and not step.is_over:
                failed = where is not None and where.startswith(f"{step.planned.id}.")
                status = StepStatus.FAILED if failed else StepStatus.CANCELLED
                self._close(step.whole, status, why if failed else None)
                self.state.end_step(step, status, None, why if failed else None)

    def _output(self) -> Any:
        only = self.state.run.pins.only
        if only is not None:
            return self.state.outputs[only]["output"]
        return expressions.render(self.state.run.blueprint.output, self._scope)

    def _end(self) -> None:
        state = self.state
        if state.failure is not None:
            state.status, state.error = RunStatus.FAILED, state.failure[1]
        elif state.steps_done == len(state.steps):
            try:
                state.output = self._kept(self._output())
            except (ExpressionError, StepFailed) as error:
                state.failure = (None, f"The output of the run has no value: {error}")
                state.status, state.error = RunStatus.FAILED, self._around.mask.text(state.failure[1])[:_LONGEST_ERROR]
            else:
                state.status = RunStatus.SUCCEEDED


def fit_to_keep(text: str) -> str:
    """Text as a database can keep it: without NUL, and without halves of characters."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def pause_before(step: StepState, number: int) -> float:
    """The seconds before an attempt of that number (2 for the second), with jitter when they grow."""
    retry = step.planned.retry
    if retry.backoff is Backoff.NONE:
        return 0.0
    if retry.backoff is Backoff.FIXED:
        return retry.interval_seconds
    grown = min(retry.interval_seconds * 2.0 ** min(number - 2, 40), _LONGEST_PAUSE_SECONDS)
    # So that runs that failed together do not all come back at the same moment.
    return grown * (1 + random.uniform(-_JITTER, _JITTER))  # noqa: S311 - not for a secret


def broken(error: BaseException) -> str:
    """The sentence for a step whose type itself has a fault."""
    return f"The step broke ({type(error).__name__}); the server's log says more."


def _kind(value: Any) -> str:
    names = {dict: "an object", str: "a text", bool: "true or false", int: "a number", float: "a number"}
    return names.get(type(value), "nothing" if value is None else "something else")
