"""Steps over time: bars for attempts, pauses between them, an axis. Numbers only; a template draws them."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from releaseapp.runs.models import StepRun, StepStatus
from releaseapp.runs.pages.words import duration, moment, seconds_between

WAITING_TYPES = frozenset({"agent.task", "approval", "delay", "workflow.run"})
"""Types that do nothing but wait: for an agent, a person, a time, another run."""
_MOST_TICKS = 5
_NARROWEST = 0.6
_SECOND = 1
_SHORTEST = 0.001
_NICE = (1, 2, 5, 10)
_LONG = (60, 120, 300, 600, 1800, 3600, 7200, 21_600, 43_200, 86_400)


class Planned(msgspec.Struct, frozen=True):
    """A step as the definition has it."""

    step_id: str
    label: str
    type: str
    repeated: bool


class Bar(msgspec.Struct, frozen=True):
    """A piece of a row: from where and how wide in percent, ``state`` for its colour, ``waits`` for its hatching."""

    x: str
    width: str
    state: str
    waits: bool


class Row(msgspec.Struct, frozen=True):
    """One step, or one item of one; ``state`` is empty for one that has not begun. ``items`` have begun."""

    key: str
    step_id: str
    label: str
    state: str
    bars: list[Bar]
    took: str
    attempts: int
    reused: bool
    repeated: bool = False
    items: int = 0


class Tick(msgspec.Struct, frozen=True):
    """A mark of the axis."""

    x: str
    label: str


class Window(msgspec.Struct, frozen=True):
    """The span of time that is drawn; ``now`` stands for the end of what goes on."""

    begin: str
    end: str
    now: str

    @property
    def seconds(self) -> float:
        """How long it is; never nothing."""
        return max(_SHORTEST, (moment(self.end) - moment(self.begin)).total_seconds())

    def percent(self, at: str) -> float:
        """Where a moment is, from 0 to 100."""
        found = (moment(at) - moment(self.begin)).total_seconds() / self.seconds * 100
        return min(100.0, max(0.0, found))


def rows_of(
    steps: Sequence[Planned], attempts: Iterable[StepRun], items: Mapping[str, int], window: Window
) -> list[Row]:
    """A row for each step, in the order in which they began; those that have not, in the order of the definition."""
    found: dict[str, list[StepRun]] = {}
    for attempt in attempts:
        found.setdefault(attempt.step_id, []).append(attempt)
    placed = sorted(enumerate(steps), key=lambda placed: (_beginning(found.get(placed[1].step_id)), placed[0]))
    return [
        msgspec.structs.replace(
            row_of(step.label, step.step_id, found.get(step.step_id, []), window),
            repeated=step.repeated,
            items=items.get(step.step_id, -1) + 1,
        )
        for _, step in placed
    ]


def item_rows(attempts: Iterable[StepRun], window: Window) -> list[Row]:
    """A row for each item of a repeated step, in the order of the items."""
    found: dict[int, list[StepRun]] = {}
    for attempt in attempts:
        found.setdefault(attempt.item, []).append(attempt)
    return [row_of(str(item + 1), tried[0].key, tried, window) for item, tried in sorted(found.items())]


def row_of(label: str, key: str, attempts: Sequence[StepRun], window: Window) -> Row:
    """The row of one step, or of one item, out of all attempts at it in their order."""
    step_id = attempts[0].step_id if attempts else key
    if not attempts:
        return Row(key, step_id, label, "", [], "", 0, reused=False)
    last = attempts[-1]
    took = None if last.reused else seconds_between(attempts[0].started_at, last.finished_at, window.now)
    if last.status in {StepStatus.SKIPPED, StepStatus.PENDING} and len(attempts) == 1:
        took = None
    return Row(
        key=key,
        step_id=step_id,
        label=label,
        state=last.status.value,
        bars=_bars(attempts, window),
        took=duration(took),
        attempts=len(attempts),
        reused=last.reused,
    )


def ticks_of(window: Window) -> list[Tick]:
    """The marks of the axis, at round numbers of seconds since the beginning."""
    seconds = window.seconds
    step = _step(seconds)
    ticks = []
    for number in range(int(seconds / step + 1e-9) + 1):
        at = number * step
        label = f"{at:g} s" if _SECOND <= seconds < _LONG[1] else duration(at) if number else "0"
        ticks.append(Tick(_percent(at / seconds * 100), label))
    return ticks


def _step(seconds: float) -> float:
    for long in _LONG:
        if seconds >= _LONG[1] and seconds / long <= _MOST_TICKS:
            return long
    power = _SHORTEST
    while True:
        for nice in _NICE:
            if seconds / (nice * power) <= _MOST_TICKS:
                return nice * power
        power *= 10


def _beginning(attempts: Sequence[StepRun] | None) -> str:
    if not attempts:
        return "~"
    return "" if attempts[0].reused else attempts[0].started_at


def _bars(attempts: Sequence[StepRun], window: Window) -> list[Bar]:
    bars: list[Bar] = []
    before: str | None = None
    for attempt in attempts:
        if attempt.reused or attempt.status is StepStatus.SKIPPED:
            continue
        pending = attempt.status is StepStatus.PENDING
        if before is not None:
            bars.append(_bar(before, window.now if pending else attempt.started_at, "pause", window, waits=True))
        end = attempt.finished_at or window.now
        if not pending:
            waits = attempt.status is StepStatus.WAITING or attempt.type in WAITING_TYPES
            bars.append(_bar(attempt.started_at, end, attempt.status.value, window, waits=waits))
        before = end
    return bars


def _bar(begin: str, end: str, state: str, window: Window, *, waits: bool) -> Bar:
    left, right = window.percent(begin), window.percent(end)
    width = max(_NARROWEST, right - left)
    return Bar(_percent(min(left, 100 - width)), _percent(width), state, waits)


def _percent(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") + "%"
