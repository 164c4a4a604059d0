"""Steps at work outside, each in a thread of its own; and what a step of any type is given to work with."""

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec

from releaseapp import clock
from releaseapp.credentials import service as credentials
from releaseapp.credentials.models import Secret
from releaseapp.errors import AppError
from releaseapp.runs.machine.advance import fit_to_keep
from releaseapp.runs.machine.kit import Kit
from releaseapp.runs.machine.mask import Mask
from releaseapp.runs.machine.state import Attempt, Claimed
from releaseapp.runs.models import WHOLE
from releaseapp.steps.api import Abandoned, Result, StepFailed, StepType

log = logging.getLogger(__name__)

LONGEST_LINE = 4000
MOST_LINES = 100_000


class Lines(msgspec.Struct, frozen=True):
    """What a step has logged since it was last asked."""

    attempt: Attempt
    at: str
    texts: list[str]


class Ended(msgspec.Struct, frozen=True):
    """A step that worked outside has come to its end: with what it asks for, or with an error."""

    attempt: Attempt
    result: Result | None = None
    error: BaseException | None = None


Tell = Callable[[Lines | Ended], None]


class StepContext:
    """One attempt at one step; see ``steps.api.Context``."""

    def __init__(self, kit: Kit, run: Claimed, attempt: Attempt, mask: Mask, tell: Tell) -> None:
        self.workspace_id = run.workspace_id
        self.run_id = run.id
        self.step_id = attempt.step_id
        item = "" if attempt.item == WHOLE else f".{attempt.item}"
        self.key = f"{run.first_run}/{attempt.step_id}{item}/{run.attempt}"
        self.outbound = kit.outbound
        self.attempt = attempt
        self.abandoned = threading.Event()
        self.deadline: float | None = None
        self._kit = kit
        self._run = run
        self._mask = mask
        self._tell = tell
        self._lines = attempt.log_lines
        self._calls: list[Callable[[], None]] = []
        self._guard = threading.Lock()
        self._writing = threading.Lock()
        self._text = mask.stream()
        self._line = ""

    def log(self, text: str) -> None:
        """See ``Context``."""
        # Masked as a whole: a secret may go over several lines.
        self._keep(self._mask.text(fit_to_keep(text)).splitlines() or [""])

    def write(self, chunk: str) -> None:
        """See ``Context``."""
        with self._writing:
            self._keep_complete(self._text.feed(fit_to_keep(chunk)))

    def end_writing(self) -> None:
        """The step has ended: keeps the line that was not complete."""
        with self._writing:
            self._keep_complete(self._text.end())
            if self._line:
                self._keep([self._line])
                self._line = ""

    def _keep_complete(self, text: str) -> None:
        *lines, rest = (self._line + text).split("\n")
        # Of a line that never ends no more is held than will be kept.
        self._line = rest[:LONGEST_LINE]
        if lines:
            self._keep(lines)

    def _keep(self, lines: list[str]) -> None:
        room = MOST_LINES - self._lines
        if room <= 0:
            return
        lines = [line[:LONGEST_LINE] for line in lines[:room]]
        self._lines += len(lines)
        if self._lines >= MOST_LINES:
            lines[-1] = f"More than {MOST_LINES:,} lines; the rest is not kept."
        self._tell(Lines(self.attempt, clock.now_text(), lines))

    def credential(self, name: str) -> Secret:
        """See ``Context``."""
        try:
            secret = credentials.open_credential(self._kit.db, self._kit.vault, self.workspace_id, name)
        except AppError as error:
            raise StepFailed(str(error), retryable=False) from error
        self._mask.add(secret.secrets)
        credentials.note_use(self._kit.db, secret.id, f"{self._run.workflow_name}, step {self.step_id}")
        return secret

    def seconds_left(self, most: float) -> float:
        """See ``Context``."""
        self.check_alive()
        return most if self.deadline is None else min(most, max(self.deadline - clock.monotonic(), 0.001))

    def check_alive(self) -> None:
        """See ``Context``."""
        if self.abandoned.is_set():
            raise Abandoned

    def when_abandoned(self, call: Callable[[], None]) -> None:
        """See ``Context``."""
        with self._guard:
            if not self.abandoned.is_set():
                self._calls.append(call)
                return
        call()

    def abandon(self) -> None:
        """Nobody waits for the step any more: tells it."""
        with self._guard:
            self.abandoned.set()
            calls, self._calls = self._calls, []
        for call in calls:
            with suppress(Exception):
                call()


def launch(context: StepContext, kind: StepType, config: Any, tell: Tell, leave: Callable[[], None]) -> None:
    """Begins a step that works outside, in a thread that calls ``tell`` once with its end, and ``leave``."""

    def work() -> None:
        try:
            ended = Ended(context.attempt, result=kind.run(config, context))
        except (StepFailed, Abandoned) as error:
            ended = Ended(context.attempt, error=error)
        except BaseException as error:
            # SystemExit, too: the run waits for an end, whatever the step does.
            log.exception("a step of the type %s broke", context.attempt.type)
            ended = Ended(context.attempt, error=error)
        try:
            context.end_writing()
            tell(ended)
        finally:
            leave()

    threading.Thread(target=work, name=f"step {context.attempt.key}", daemon=True).start()
