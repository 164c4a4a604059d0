"""The chart of connections: numbers for an SVG, and the same as a table for those who do not see it."""

from collections.abc import Sequence
from datetime import timedelta

import msgspec

from releaseapp import clock
from releaseapp.connections.figures import GONE_SECONDS
from releaseapp.connections.models import Sample

WIDTH, HEIGHT = 720, 200
LEFT, RIGHT, TOP, BOTTOM = 44, 8, 22, 24
_COLUMNS = 72
_TABLE_ROWS = 12
_CLOSE_MARKS = 60.0
_HALF_A_DAY = timedelta(hours=12)


class Bar(msgspec.Struct, frozen=True):
    """Connections that ended abnormally in a column."""

    x: float
    y: float
    width: float
    height: float


class Tick(msgspec.Struct, frozen=True):
    """A number or a time at an axis."""

    at: float
    label: str


class Mark(msgspec.Struct, frozen=True):
    """What happened to a release, and when; ``level`` keeps words from standing in each other."""

    x: float
    at: str
    label: str
    level: int
    anchor: str


class Line(msgspec.Struct, frozen=True):
    """A row of the table: what happened up to a moment."""

    at: str
    open: int
    opened: int
    abnormal: int
    told_to_return: int


class Chart(msgspec.Struct, frozen=True):
    """What ``connections/_chart.html.jinja2`` draws; ``description`` says in a sentence what is to be seen."""

    since: str
    until: str
    description: str
    line: str
    area: str
    bars: list[Bar]
    counts: list[Tick]
    times: list[Tick]
    marks: list[Mark]
    rows: list[Line]
    empty: bool


def chart(
    samples: Sequence[Sample], marks: Sequence[tuple[str, str]], since: str | None = None, until: str | None = None
) -> Chart:
    """Draws samples with marks (when, and a word); without ``since`` and ``until`` from the first to the last."""
    until = until or (samples[-1].at if samples else clock.now_text())
    since = since or (samples[0].at if samples else clock.after_text(until, -3600.0))
    if since >= until:
        since = clock.after_text(until, -60.0)
    columns = _columns(samples, since, until, _COLUMNS)
    most = _round_up(max([one.open for one in columns] + [one.abnormal for one in columns] + [4]))
    line = _points(columns, most)
    wide = (WIDTH - LEFT - RIGHT) / _COLUMNS
    return Chart(
        since=since,
        until=until,
        description=_describe(columns, marks, since, until),
        line=line,
        area=f"{LEFT},{HEIGHT - BOTTOM} {line} {WIDTH - RIGHT},{HEIGHT - BOTTOM}",
        bars=[
            Bar(round(LEFT + n * wide + 1, 1), round(_y(one.abnormal, most), 1), round(wide - 2, 1),
                round(HEIGHT - BOTTOM - _y(one.abnormal, most), 1))
            for n, one in enumerate(columns) if one.abnormal
        ],
        counts=[Tick(round(_y(value, most), 1), f"{value:,}") for value in (0, most // 2, most)],
        times=_times(since, until),
        marks=_marks(marks, since, until),
        rows=_columns(samples, since, until, _TABLE_ROWS),
        empty=not samples,
    )  # fmt: skip


def _columns(samples: Sequence[Sample], since: str, until: str, number: int) -> list[Line]:
    """What happened in each of equal parts of the time; a process that fell silent has no connections any more."""
    start = clock.parse(since)
    step = (clock.parse(until) - start) / number
    edges = [clock.text(start + step * (n + 1)) for n in range(number - 1)] + [until]
    last: dict[tuple[str, str], Sample] = {}
    found, at = [], 0
    for edge in edges:
        inside = []
        while at < len(samples) and samples[at].at <= edge:
            last[samples[at].source] = samples[at]
            if samples[at].at > since:
                inside.append(samples[at])
            at += 1
        # A merged sample stands for a minute, and a heartbeat comes once in one.
        alive = clock.after_text(edge, -GONE_SECONDS)
        now = sum(one.open for one in last.values() if one.at >= alive and not one.left_at)
        found.append(
            Line(
                edge,
                now,
                sum(one.opened for one in inside),
                sum(one.abnormal for one in inside),
                sum(one.told_to_return for one in inside),
            )
        )
    return found


def _points(columns: Sequence[Line], most: int) -> str:
    wide = (WIDTH - LEFT - RIGHT) / len(columns)
    points = []
    for n, one in enumerate(columns):
        y = round(_y(one.open, most), 1)
        points += [f"{LEFT + n * wide:.1f},{y}", f"{LEFT + (n + 1) * wide:.1f},{y}"]
    return " ".join(points)


def _y(value: float, most: int) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / most


def _round_up(value: int) -> int:
    """The next even number of which people like to see half."""
    size = 1
    while True:
        for one in (4, 10, 20):
            if value <= one * size:
                return one * size
        size *= 10


def _times(since: str, until: str) -> list[Tick]:
    start, span = clock.parse(since), clock.parse(until) - clock.parse(since)
    form = "%H:%M" if span > timedelta(minutes=10) else "%H:%M:%S"
    if span > _HALF_A_DAY:
        form = "%d %b %H:%M"
    places = (0, 0.25, 0.5, 0.75, 1)
    inner = WIDTH - LEFT - RIGHT
    return [Tick(round(LEFT + inner * place, 1), (start + span * place).strftime(form)) for place in places]


def _marks(marks: Sequence[tuple[str, str]], since: str, until: str) -> list[Mark]:
    start, span = clock.parse(since), (clock.parse(until) - clock.parse(since)).total_seconds()
    inner = WIDTH - LEFT - RIGHT
    found: list[Mark] = []
    for at, label in sorted(marks):
        if not since <= at <= until:
            continue
        x = round(LEFT + inner * (clock.parse(at) - start).total_seconds() / span, 1)
        close = found and x - found[-1].x < _CLOSE_MARKS
        anchor = "end" if x > WIDTH / 2 else "start"
        found.append(Mark(x, at, label, (found[-1].level + 1) % 3 if close else 0, anchor))
    return found


def _describe(columns: Sequence[Line], marks: Sequence[tuple[str, str]], since: str, until: str) -> str:
    opens = [one.open for one in columns]
    long = clock.parse(until) - clock.parse(since) > _HALF_A_DAY
    begin, end = (at[:16].replace("T", " ") if long else at[11:16] for at in (since, until))
    told = (
        f"From {begin} to {end} UTC between {min(opens):,} and {max(opens):,} connections were open, "
        f"{opens[-1]:,} at the end; {sum(one.opened for one in columns):,} were opened and "
        f"{sum(one.abnormal for one in columns):,} ended abnormally."
    )
    here = [f"{label} {at[11:16]}" for at, label in sorted(marks) if since <= at <= until]
    return told + (f" Releases: {', '.join(here)}." if here else "")
