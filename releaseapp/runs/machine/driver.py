"""Drives one run, from the moment a worker has it until it is over, waits, or goes to another worker.

A turn of the loop: decide in memory what comes next; write that in one
transaction, under the lease; begin what works outside; wait until something
of it ends. Whoever lost the lease finds out in the transaction, and writes
nothing.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from typing import Any, cast

import msgspec

from releaseapp import clock
from releaseapp.db.api import Row, Transaction
from releaseapp.errors import Busy
from releaseapp.events.models import EventType
from releaseapp.events.service import append
from releaseapp.runs.machine import ending, queries, requests
from releaseapp.runs.machine.advance import (
    LARGEST_OUTPUT_BYTES,
    MOST_TAKEOVERS,
    Advance,
    Surroundings,
    broken,
    fit_to_keep,
)
from releaseapp.runs.machine.kit import Kit
from releaseapp.runs.machine.loading import load_state
from releaseapp.runs.machine.mask import Mask
from releaseapp.runs.machine.outside import Ended, Lines, StepContext, launch
from releaseapp.runs.machine.state import Attempt, Claimed, RunState
from releaseapp.runs.machine.turns import let_one_go
from releaseapp.runs.models import WHOLE, LogLine, RunStatus, StepStatus
from releaseapp.steps.api import Abandoned, Done, Result, StartRun, StepFailed

log = logging.getLogger(__name__)

_FLUSH_SECONDS = 0.2
_LOOK_SECONDS = 1.0
_MOST_LINES_HELD = 1000
_A_DAY = 24 * 3600
_LONGEST_ERROR_TOLD = 300
_LONGEST_LATE = 4000


class LeaseLost(Exception):
    """The run was cancelled, or another worker has it: this one must stop, and write nothing."""


class Nudge(msgspec.Struct, frozen=True):
    """Something may have come that the run waits for."""


class Stop(msgspec.Struct, frozen=True):
    """The worker stops: begin nothing more; ``now``: give back what is in hand, too."""

    now: bool


class Lost(msgspec.Struct, frozen=True):
    """The lease is not ours any more."""


Message = Lines | Ended | Nudge | Stop | Lost


class Driver:
    """One run in one worker. ``drive`` returns when the run is no longer this worker's."""

    def __init__(self, kit: Kit, run: Claimed, workspace: dict[str, str], secrets: tuple[str, ...]) -> None:
        self.run = run
        self.since = clock.monotonic()
        self._kit = kit
        self._mask = Mask(secrets)
        self._inbox: SimpleQueue[Message] = SimpleQueue()
        self._closed = False
        self._guard = threading.Lock()
        self._contexts: dict[tuple[str, int, int], StepContext] = {}
        self._lines: list[tuple[Attempt, str, str]] = []
        self._taken: list[Ended] = []
        self._log_lines = run.log_lines
        self._stopping = False
        self._nudged = False
        self._around = Surroundings(workspace, self._mask, self._inside, kit.settings.run_steps_at_once)
        self._state: RunState
        self._advance: Advance

    def tell(self, message: Message) -> None:
        """Anything that concerns the run, from any thread. What a step brings after all is over is noted as late."""
        with self._guard:
            if not self._closed:
                self._inbox.put(message)
                return
        if isinstance(message, Ended):
            self._note_late(message)

    def drive(self) -> None:
        """Takes the run as far as it will go."""
        try:
            self._take_up()
            while self._turn():
                self._listen()
        except LeaseLost:
            self._abandon_all()
            for ended in self._taken:
                self._note_late(ended)
        finally:
            self._close()

    # ── a turn ───────────────────────────────────────────────────────────────

    def _take_up(self) -> None:
        run = self.run
        fresh = run.epoch == 1 and run.attempt == 1
        self._state = load_state(run, [] if fresh else queries.list_attempts(self._kit.db, run.id))
        self._advance = Advance(self._state, self._around)
        left_behind = [one for one in self._state.active.values() if one.status is StepStatus.RUNNING]
        if run.takeovers > MOST_TAKEOVERS:
            # Whoever got as far as writing has begun the count anew: it is not the steps at work that kill them.
            sentence = f"Its worker died {run.takeovers} times while deciding what comes next."
            self._advance.fail_run(sentence)
            for attempt in left_behind:
                self._advance.fail(attempt, sentence, retryable=False)
        else:
            for attempt in left_behind:
                self._log(attempt, "Taken up again after its worker had died.")
                self._advance.restart(attempt)
        self._look()

    def _turn(self) -> bool:
        """One turn; whether there is still something in hand to wait for."""
        while True:
            if not self._stopping:
                self._check_time()
                self._advance.go_on()
                while self._prepare():
                    self._advance.go_on()
            if self._contexts and not self._has_news():
                return True
            again = self._write()
            if self._state.is_over:
                return False
            self._launch()
            if again:
                self._look()
            else:
                return bool(self._contexts)

    def _write(self) -> bool:
        """Writes what was decided; whether there is more to decide at once."""
        while True:
            begun = False
            try:
                with self._kit.db.transaction() as tx:
                    begun = True
                    again = self._write_in(tx)
                self._taken.clear()
            except Busy:
                # Nothing was touched while the turn to write did not come; what is decided must not be lost for it.
                if begun or self._stopping:
                    raise
                log.warning("run %s waits for the database, which is busy", self.run.id)
            else:
                return again and not self._state.is_over

    def _write_in(self, tx: Transaction) -> bool:
        state = self._state
        self._nudged = False
        row = self._check_lease(tx)
        again = self._perform(tx)
        if row["turn"] is not None:
            again = True
            queries.clear_turn(tx, self.run.id)
        self._write_lines(tx)
        for attempt in state.take_changed():
            self._write_attempt(tx, attempt)
        for waits_for in state.undo:
            ending.undo(tx, self._kit, self.run.id, waits_for)
        state.undo.clear()
        if state.is_over:
            self._end(tx)
        elif not again and not self._advance.launch and not self._contexts:
            self._leave(tx)
        else:
            queries.set_progress(tx, self.run.id, state.steps_done, self._log_lines)
        return again

    def _prepare(self) -> bool:
        """Finds out what can be found out before the transaction; whether that failed a step."""
        failed = False
        for attempt in list(self._state.changed):
            if not isinstance(attempt.request, StartRun):
                continue
            try:
                attempt.request = requests.prepare(self._kit, self.run, attempt.request)
            except StepFailed as error:
                self._advance.fail_as(attempt, error)
                failed = True
        return failed

    def _has_news(self) -> bool:
        state = self._state
        return self._nudged or bool(state.changed or state.undo or state.is_over or self._lines or self._advance.launch)

    def _perform(self, tx: Transaction) -> bool:
        """Does what steps asked for; whether that brought something to go on with."""
        again = False
        for attempt in [one for one in self._state.changed if one.request is not None]:
            try:
                done = requests.perform(tx, self._kit, self.run, attempt)
            except StepFailed as error:
                self._advance.fail_as(attempt, error)
                again = True
                continue
            attempt.request = None
            if isinstance(done, Done):
                self._advance.finish(attempt, done.output)
                again = True
            else:
                self._advance.wait(attempt, done.waits_for, done.wake_at)
        return again

    def _launch(self) -> None:
        begun, self._advance.launch = self._advance.launch, []
        for attempt, config in begun:
            context = StepContext(self._kit, self.run, attempt, self._mask, self.tell)
            planned = self._state.steps[attempt.step_id].planned
            if planned.written.timeout_seconds is not None:
                context.deadline = clock.monotonic() + planned.written.timeout_seconds
            self._contexts[attempt.step_id, attempt.item, attempt.number] = context
            assert planned.type is not None
            launch(context, planned.type, config, self.tell, self._kit.db.close_thread)

    def _listen(self) -> None:
        """Waits until there is something to decide, and takes it in; never longer than until something is due."""
        until = clock.monotonic() + self._patience()
        while (left := until - clock.monotonic()) > 0:
            try:
                urgent = self._hear(self._inbox.get(timeout=left))
            except Empty:
                return
            for _ in range(self._inbox.qsize()):
                urgent = self._hear(self._inbox.get()) or urgent
            if urgent:
                return
            # There are lines now: they are written soon, however many more come.
            until = min(until, clock.monotonic() + _FLUSH_SECONDS) if len(self._lines) < _MOST_LINES_HELD else 0.0

    def _hear(self, message: Message) -> bool:
        """Takes a message in; whether it asks for a turn at once."""
        if isinstance(message, Lines):
            self._keep_lines(message)
            return False
        if isinstance(message, Ended):
            self._take_in(message)
        elif isinstance(message, Lost):
            raise LeaseLost
        elif isinstance(message, Stop):
            self._stopping = True
            if message.now:
                self._give_back()
        else:
            self._nudged = True
            self._look()
        return True

    def _take_in(self, ended: Ended) -> None:
        attempt = ended.attempt
        context = self._contexts.pop((attempt.step_id, attempt.item, attempt.number), None)
        if context is None:
            # It was given up meanwhile.
            self._note_late(ended)
            return
        self._advance.outside -= 1
        self._taken.append(ended)
        if isinstance(ended.error, StepFailed):
            self._advance.fail_as(attempt, ended.error)
        elif ended.error is not None:
            self._advance.fail(attempt, broken(ended.error), retryable=False)
        else:
            try:
                self._advance.take(attempt, cast("Result", ended.result))
            except StepFailed as error:
                self._advance.fail_as(attempt, error)
            except TypeError as error:
                log.exception("a step of the type %s gave no result", attempt.type)
                self._advance.fail(attempt, broken(error), retryable=False)

    # ── time, and what comes from elsewhere ──────────────────────────────────

    def _look(self) -> None:
        """Looks whether what steps wait for has come."""
        now = clock.now_text()
        for attempt in list(self._state.active.values()):
            if attempt.status is not StepStatus.WAITING:
                continue
            if attempt.waits_for is None:
                self._has_slept(attempt, now)
                continue
            come = requests.come(self._kit.db, attempt.waits_for)
            if come is not None and come.error is not None:
                self._advance.fail(attempt, come.error)
            elif come is not None:
                self._advance.finish(attempt, come.output)

    def _has_slept(self, attempt: Attempt, now: str) -> bool:
        """Ends a wait for a time that has come."""
        slept = attempt.status is StepStatus.WAITING and attempt.waits_for is None and (attempt.wake_at or "") <= now
        if slept:
            self._advance.finish(attempt, msgspec.json.decode(attempt.output or "null"))
        return slept

    def _check_time(self) -> None:
        """Ends the waits that are over; fails what took longer than it may: attempts at steps, and the run."""
        now = clock.now_text()
        for attempt in list(self._state.active.values()):
            if self._has_slept(attempt, now):
                continue
            deadline = self._deadline_of(attempt)
            if deadline is not None and deadline <= now:
                self._time_out(attempt)
        if self._run_deadline() <= now:
            self._advance.fail_run(f"The run took longer than {self._run_seconds():g} seconds.")
            for attempt in list(self._state.active.values()):
                if attempt.status is StepStatus.RUNNING:
                    self._time_out(attempt)

    def _time_out(self, attempt: Attempt) -> None:
        context = self._contexts.pop((attempt.step_id, attempt.item, attempt.number), None)
        if context is not None:
            self._advance.outside -= 1
            context.abandon()
        if attempt.waits_for is not None:
            self._state.undo.append(attempt.waits_for)
        seconds = self._state.steps[attempt.step_id].planned.written.timeout_seconds
        self._advance.fail(attempt, f"It took longer than {seconds or self._run_seconds():g} seconds.")

    def _deadline_of(self, attempt: Attempt) -> str | None:
        seconds = self._state.steps[attempt.step_id].planned.written.timeout_seconds
        if seconds is None or attempt.status is StepStatus.PENDING:
            return None
        return clock.after_text(attempt.started_at, seconds)

    def _run_seconds(self) -> float:
        return self.run.blueprint.timeout_seconds or self._kit.settings.run_max_days * _A_DAY

    def _run_deadline(self) -> str:
        return clock.after_text(self.run.started_at, self._run_seconds())

    def _next_time(self) -> str:
        """When the run must be looked at again, whatever comes."""
        times = [self._run_deadline()]
        for attempt in self._state.active.values():
            times += [time for time in (attempt.wake_at, self._deadline_of(attempt)) if time is not None]
        return min(times)

    def _patience(self) -> float:
        if self._lines:
            return _FLUSH_SECONDS
        if self._stopping:
            # Whatever is due meanwhile is for the next worker.
            return _LOOK_SECONDS
        now = clock.now_text()
        times = [self._run_deadline()]
        for attempt in self._state.active.values():
            # What depends on others comes by a nudge, what waits for room when something ends: also behind its time.
            own = attempt.wake_at if attempt.waits_for is None else None
            if attempt.status is StepStatus.PENDING and own is not None and own <= now:
                own = None
            times += [time for time in (own, self._deadline_of(attempt)) if time is not None]
        left = (clock.parse(min(times)) - clock.now()).total_seconds()
        return min(max(left, 0.001), _LOOK_SECONDS)

    # ── writing ──────────────────────────────────────────────────────────────

    def _check_lease(self, tx: Transaction) -> Row:
        row = queries.check_lease(tx, self.run.id, self.run.epoch)
        if row is None:
            raise LeaseLost
        return row

    def _write_attempt(self, tx: Transaction, attempt: Attempt) -> None:
        attempt.dirty = False
        queries.save_attempt(tx, self.run.id, attempt)
        for told in attempt.told:
            data = {"step_id": attempt.step_id, "attempt": attempt.number, "status": attempt.status}
            if attempt.item != WHOLE:
                data["item"] = attempt.item
            if attempt.error:
                data["error"] = attempt.error[:_LONGEST_ERROR_TOLD]
            self._append(tx, EventType(f"step.{told}"), data)
        attempt.told.clear()

    def _write_lines(self, tx: Transaction) -> None:
        if not self._lines:
            return
        first = self._log_lines + 1
        kept = []
        for attempt, at, text in self._lines:
            self._log_lines += 1
            attempt.log_lines += 1
            kept.append(LogLine(self._log_lines, attempt.step_id, attempt.item, attempt.number, at, text))
        queries.insert_log_lines(tx, self.run.id, kept)
        for attempt in {id(one): one for one, _, _ in self._lines if not one.dirty}.values():
            # Whoever takes the run over counts on from here.
            queries.set_attempt_log_lines(tx, self.run.id, attempt)
        self._lines.clear()
        self._append(tx, EventType.STEP_STREAM, {"from": first, "to": self._log_lines})

    def _end(self, tx: Transaction) -> None:
        state, run = self._state, self.run
        failed_step = state.failure[0] if state.failure else None
        outcome = {
            "status": state.status.value,
            "output": state.output,
            "error": state.error,
            "failed_step": failed_step,
            "finished_at": clock.now_text(),
            "steps_done": state.steps_done,
            "log_lines": self._log_lines,
        }
        queries.end_run(tx, run.id, outcome)
        told = {"error": (state.error or "")[:_LONGEST_ERROR_TOLD], "step_id": failed_step} if state.error else {}
        self._append(tx, EventType(f"run.{state.status.value}"), told)
        ending.tell_parent(tx, self._kit, run.parent)
        let_one_go(tx, self._kit, run.workspace_id, run.workflow_id)

    def _leave(self, tx: Transaction) -> None:
        """Nothing is in hand: the run waits, or goes to another worker when this one stops."""
        run = self.run
        queries.set_progress(tx, run.id, self._state.steps_done, self._log_lines)
        if self._stopping:
            queries.leave_run(tx, run.id, RunStatus.QUEUED, None)
            queries.set_turn(tx, run.id, queries.next_turn(tx, run.workspace_id))
            self._append(tx, EventType.RUN_RELEASED, {})
        else:
            queries.leave_run(tx, run.id, RunStatus.WAITING, self._next_time())
            self._append(tx, EventType.RUN_WAITING, {})
        let_one_go(tx, self._kit, run.workspace_id, run.workflow_id)

    def _give_back(self) -> None:
        """The worker cannot wait any longer: what is in hand will be begun again by another."""
        for context in self._contexts.values():
            attempt = context.attempt
            context.abandon()
            attempt.status = StepStatus.PENDING
            attempt.wake_at = clock.now_text()
            self._state.touch(attempt)
        self._contexts.clear()

    def _append(self, tx: Transaction, event_type: EventType, data: dict[str, Any]) -> None:
        run = self.run
        told = {"workflow_id": run.workflow_id, "workflow_name": run.workflow_name, **data}
        append(tx, event_type, run.id, workspace_id=run.workspace_id, data=told)

    def _log(self, attempt: Attempt, text: str) -> None:
        self._lines.append((attempt, clock.now_text(), text))

    # ── the end of this worker's part ────────────────────────────────────────

    @contextmanager
    def _inside(self, attempt: Attempt) -> Iterator[StepContext]:
        """For a step that is done at once, in this thread: what it logs is written with its result."""
        context = StepContext(self._kit, self.run, attempt, self._mask, self._keep_lines)
        try:
            yield context
        finally:
            context.end_writing()

    def _keep_lines(self, message: Lines | Ended) -> None:
        if isinstance(message, Lines):
            self._lines.extend((message.attempt, message.at, text) for text in message.texts)

    def _abandon_all(self) -> None:
        for context in self._contexts.values():
            context.abandon()
        self._contexts.clear()

    def _close(self) -> None:
        with self._guard:
            self._closed = True
        self._abandon_all()
        while not self._inbox.empty():
            message = self._inbox.get()
            if isinstance(message, Ended):
                self._note_late(message)

    def _note_late(self, ended: Ended) -> None:
        """What a step brought when nobody waited for it any more: kept beside it, and changes nothing."""
        if isinstance(ended.error, Abandoned):
            return
        try:
            late = self._late(ended)
            with self._kit.db.transaction() as tx:
                if queries.set_late(tx, self.run.id, ended.attempt, late):
                    data = {"step_id": ended.attempt.step_id, "attempt": ended.attempt.number}
                    self._append(tx, EventType.STEP_LATE, data)
        except Exception:
            # It must not end what is still at work.
            log.exception("what a step of run %s brought late could not be kept", self.run.id)

    def _late(self, ended: Ended) -> str:
        told: dict[str, Any] = {"at": clock.now_text()}
        if ended.error is not None:
            told["error"] = self._mask.text(fit_to_keep(str(ended.error)))[:_LONGEST_LATE]
        elif isinstance(ended.result, Done):
            told["output"] = self._mask.value(ended.result.output)
        text = msgspec.json.encode(told)
        if len(text) > LARGEST_OUTPUT_BYTES:
            text = msgspec.json.encode({"at": told["at"], "error": "Its output is too large to be kept."})
        return text.decode()
