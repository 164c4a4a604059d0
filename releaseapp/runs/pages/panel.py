"""What is told of the run itself, or of the step that is open: what went in, what came out, the log."""

from typing import Any

import msgspec

from releaseapp.db.api import Reader
from releaseapp.runs import service
from releaseapp.runs.models import WHOLE, LogLine, Run, StepRun, StepStatus
from releaseapp.runs.pages import queries
from releaseapp.runs.pages.here import Here
from releaseapp.runs.pages.values import Piece, shown
from releaseapp.runs.pages.words import duration, seconds_between

LINES_AT_ONCE = 1_000
LARGEST_SHOWN_BYTES = 200_000
"""Larger values are not taken apart for a page; they can be fetched whole."""


class Value(msgspec.Struct, frozen=True):
    """A value to look into: as a tree, or only its size where it is too large. ``address`` gives all of it."""

    piece: Piece | None
    size: int
    address: str


class OpenStep(msgspec.Struct, frozen=True):
    """The step that is open; ``attempt`` is None while it has not begun. ``over`` says that its run is."""

    key: str
    step_id: str
    item: int
    label: str
    type: str
    attempt: StepRun | None
    attempts: list[StepRun]
    input: Value | None
    output: Value | None
    took: str
    repeated: bool

    @property
    def log_lines(self) -> int:
        """How many lines all attempts at it wrote."""
        return sum(attempt.log_lines for attempt in self.attempts)


class Log(msgspec.Struct, frozen=True):
    """A page of a log: ``lines`` behind ``after``, of ``total``, and whether there is ``more`` behind them.

    ``step`` is the key of the step whose log it is, empty for that of the run.
    """

    lines: list[LogLine]
    more: bool
    total: int
    after: int
    step: str

    @property
    def last(self) -> int:
        """The number of the last line that is shown, or of the one before them."""
        return self.lines[-1].seq if self.lines else self.after


def find_open_step(db: Reader, run: Run, definition: dict[str, Any], here: Here, now: str) -> OpenStep | None:
    """The step that is asked for; None without one, or for one that the definition has not."""
    step = next((step for step in definition["steps"] if step["id"] == here.step_id), None)
    if step is None:
        return None
    attempts = queries.list_attempt_outlines(db, run.id, here.step_id, here.item)
    chosen = next((one for one in attempts if one.attempt == here.attempt), attempts[-1] if attempts else None)
    values: tuple[str | None, str | None] = (None, None)
    if chosen is not None:
        values = queries.find_values(db, run.id, here.step_id, here.item, chosen.attempt)
    address = f"value?step={here.step}&attempt={chosen.attempt if chosen else 0}&of="
    return OpenStep(
        key=here.step,
        step_id=here.step_id,
        item=here.item,
        label=str(step.get("name") or step["id"]),
        type=step["type"],
        attempt=chosen,
        attempts=attempts,
        input=value_of(values[0], f"{address}input"),
        output=value_of(values[1], f"{address}output"),
        took=_took(chosen, now),
        repeated=step.get("for_each") is not None and here.item == WHOLE,
    )


def value_of(text: str | None, address: str) -> Value | None:
    """JSON text as a value to look into; None where there is none."""
    if text is None:
        return None
    size = len(text.encode())
    piece = shown(msgspec.json.decode(text)) if size <= LARGEST_SHOWN_BYTES else None
    return Value(piece, size, address)


def value_to_show(value: Any, address: str) -> Value:
    """A value to look into."""
    found = value_of(msgspec.json.encode(value).decode(), address)
    assert found is not None
    return found


def log_of(db: Reader, run: Run, step: OpenStep | None, after: int) -> Log:
    """A page of the log of the run, or of the step that is open."""
    if step is None:
        lines = service.list_log(db, run.id, after, LINES_AT_ONCE + 1)
    else:
        lines = service.list_log_of_step(db, run.id, step.step_id, step.item, after, LINES_AT_ONCE + 1)
    total, key = (step.log_lines, step.key) if step else (run.log_lines, "")
    return Log(lines[:LINES_AT_ONCE], len(lines) > LINES_AT_ONCE, total, after, key)


def _took(attempt: StepRun | None, now: str) -> str:
    if attempt is None or attempt.reused or attempt.status in {StepStatus.SKIPPED, StepStatus.PENDING}:
        return ""
    return duration(seconds_between(attempt.started_at, attempt.finished_at, now))
