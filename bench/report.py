"""The table: medians over the rounds, and ratios to the peer (over 1 is better than the peer)."""

import os
import platform
import sqlite3
import statistics
from importlib.metadata import version
from pathlib import Path

from bench.runs import LIBRARY, PLACES
from bench.servers import ALL_IN_ONE, PEER, WAITRESS
from bench.workflow_file import JSON_FILE, OURS, ROWS

_NAMES = (ALL_IN_ONE.name, WAITRESS.name, PEER.name)
_MICRO = 1e6
_MILLI = 1e3

# Row: what it is called, the figure, its factor, its decimals, and whether more is better.
_ROWS: list[tuple[str, str, float, int, bool | None]] = [
    ("list of 50 agents, requests/s", "list/s", 1, 0, True),
    ("list of 50 agents, server CPU µs", "list cpu", _MICRO, 0, False),
    ("list of 50 agents, p50 ms", "list p50", _MILLI, 1, False),
    ("list of 50 agents, p99 ms", "list p99", _MILLI, 1, False),
    ("list of 50 agents, body bytes", "list bytes", 1, 0, None),
    ("one agent, requests/s", "read/s", 1, 0, True),
    ("one agent, server CPU µs", "read cpu", _MICRO, 0, False),
    ("one agent, p50 ms", "read p50", _MILLI, 1, False),
    ("one agent, p99 ms", "read p99", _MILLI, 1, False),
    ("new agent, requests/s", "write/s", 1, 0, True),
    ("new agent, server CPU µs", "write cpu", _MICRO, 0, False),
    ("new agent, p50 ms", "write p50", _MILLI, 1, False),
    ("new agent, p99 ms", "write p99", _MILLI, 1, False),
    ("fan-out, delivered %", "delivered", 1, 2, None),
    ("fan-out, write answered to arrival, p50 ms", "arrival p50", _MILLI, 1, False),
    ("fan-out, write answered to arrival, p99 ms", "arrival p99", _MILLI, 1, False),
    ("fan-out, write sent to arrival, p50 ms", "whole p50", _MILLI, 1, False),
    ("fan-out, write sent to arrival, p99 ms", "whole p99", _MILLI, 1, False),
    ("fan-out, write sent to last arrival, ms", "last arrival", _MILLI, 1, False),
    ("fan-out, deliveries/s", "deliveries/s", 1, 0, True),
    ("start to first 200, ms", "start", _MILLI, 0, False),
    ("resident memory at start, MB", "memory at start", 1, 1, False),
    ("resident memory after load, MB", "memory after load", 1, 1, False),
    ("resident memory with listeners, MB", "memory with listeners", 1, 1, False),
]

_KEEPERS = (OURS, JSON_FILE, ROWS)
_WORKFLOW_ROWS: list[tuple[str, str, int, bool | None]] = [
    ("first read after the start, ms", "workflows first_read", 1, False),
    ("list of 50, ms", "workflows list", 2, False),
    ("list of 50 by a text, ms", "workflows search", 2, False),
    ("list of 50, body bytes", "workflows list_bytes", 0, None),
    ("write of one draft, ms", "workflows write", 1, False),
]


class Figures:
    """What was measured, by server and figure, one value a round."""

    def __init__(self) -> None:
        self.rounds = 0
        self._values: dict[tuple[str, str], list[float]] = {}

    def add(self, name: str, figure: str, value: float) -> None:
        """Keeps one round's value."""
        self._values.setdefault((name, figure), []).append(value)

    def median(self, name: str, figure: str) -> float | None:
        """The middle of the rounds; None for what was not measured."""
        values = self._values.get((name, figure))
        return statistics.median(values) if values else None


def render(figures: Figures, connections: int, listeners: int, cores: list[int]) -> str:
    """The whole report as Markdown."""
    lines = [
        _machine(),
        "",
        _conditions(figures, connections, listeners, cores),
        f"A ratio over 1 means better than {PEER.name}.",
        "",
        f"| | {' | '.join(_NAMES)} | {ALL_IN_ONE.name} : {PEER.name} | {WAITRESS.name} : {PEER.name} |",
        "|---|" + "---:|" * 5,
        *(_row(figures, row) for row in _ROWS),
    ]
    return "\n".join(lines) + "\n"


def render_workflows(figures: Figures, workflows: int, versions: int) -> str:
    """The table of what keeping workflows costs, as Markdown; ratios over 1 mean that the product is quicker."""
    size = (figures.median(OURS, "file bytes") or 0) / 1e6
    page, answer = ((figures.median(OURS, f"workflows {name}") or 0) * _MILLI for name in ("page", "answer"))
    conditions = (
        f"{workflows:,} workflows with {versions} versions each, {size:.1f} MB of JSON, one process without a server; "
        f"SQLite syncs fully. The list through the whole application: the page {page:.1f} ms, the JSON {answer:.1f} ms."
    )
    lines = [
        "",
        conditions,
        "",
        f"| | {' | '.join(_KEEPERS)} | {OURS} : {JSON_FILE} | {OURS} : {ROWS} |",
        "|---|" + "---:|" * 5,
        *(_workflow_row(figures, row) for row in _WORKFLOW_ROWS),
    ]
    return "\n".join(lines) + "\n"


_RUN_ROWS: list[tuple[str, str, float, int, bool]] = [
    ("three steps that compute, runs/s", "runs_per_second", 1, 0, True),
    ("three steps, each recorded by itself, runs/s", "recorded_runs_per_second", 1, 0, True),
    ("start to first step, p50 ms", "first_step", _MILLI, 1, False),
    ("start to end, p50 ms", "end", _MILLI, 1, False),
    ("a step of a long run, µs", "step_of_long_run", _MICRO, 0, False),
]


_LIST_ROWS = (("page, ms", "page"), ("JSON, ms", "answer"))


def render_runs(figures: Figures, long_steps: int, listed: int) -> str:
    """The table of what runs cost, as Markdown; ratios over 1 mean that the product is quicker."""
    names = [f"{place}, {side}" for place in PLACES for side in (OURS, LIBRARY, "ratio")]
    few = f"list of {min(1000, listed):,}"
    many = f"list of {listed:,}"
    conditions = (
        "Runs, started and done in one process on one core; both sides with the same durability (SQLite with WAL, and "
        f"synchronous as it says; PostgreSQL as it ships). The long run has {long_steps:,} steps."
    )
    lists = [_list_row(figures, title, figure, few, many) for title, figure in _LIST_ROWS]
    lines = [
        "",
        conditions,
        "",
        f"| | {' | '.join(names)} |",
        "|---|" + "---:|" * len(names),
        *(_run_row(figures, row) for row in _RUN_ROWS),
        "",
        f"The list of runs through the whole application, with {few[8:]} and with {many[8:]} runs:",
        "",
        f"| | {few[8:]} | {many[8:]} | ratio |",
        "|---|---:|---:|---:|",
        *lists,
    ]
    return "\n".join(lines) + "\n"


def _run_row(figures: Figures, row: tuple[str, str, float, int, bool]) -> str:
    title, figure, factor, decimals, more_is_better = row
    cells = []
    for place in PLACES:
        ours, theirs = (figures.median(f"{side} {place}", figure) for side in (OURS, LIBRARY))
        cells += ["—" if value is None else f"{value * factor:,.{decimals}f}" for value in (ours, theirs)]
        cells.append(_ratio(ours, theirs, more_is_better))
    return f"| {title} | {' | '.join(cells)} |"


def _list_row(figures: Figures, title: str, figure: str, few: str, many: str) -> str:
    small, large = figures.median(few, figure) or 0, figures.median(many, figure) or 0
    ratio = large / small if small else 0
    return f"| {title} | {small * _MILLI:,.1f} | {large * _MILLI:,.1f} | {ratio:.2f} |"


def _workflow_row(figures: Figures, row: tuple[str, str, int, bool | None]) -> str:
    title, figure, decimals, more_is_better = row
    values = {name: figures.median(name, figure) for name in _KEEPERS}
    factor = 1 if more_is_better is None else _MILLI
    shown = ["—" if value is None else f"{value * factor:,.{decimals}f}" for value in values.values()]
    ratios = [_ratio(values[OURS], values[name], more_is_better) for name in _KEEPERS[1:]]
    return f"| {title} | {' | '.join([*shown, *ratios])} |"


def _conditions(figures: Figures, connections: int, listeners: int, cores: list[int]) -> str:
    return (
        f"Each server alone on core {cores[-1]}, one process, the load on core {cores[0]}; {connections} keep-alive "
        f"connections, {listeners} live ones; medians of {figures.rounds} alternating rounds. The load average at "
        f"the end was {os.getloadavg()[0]:.1f}; where others used the cores too, read the CPU rows:\n"
        "a server of several threads then gets more of its core than one of one thread, which flatters its rates."
    )


def _row(figures: Figures, row: tuple[str, str, float, int, bool | None]) -> str:
    title, figure, factor, decimals, more_is_better = row
    values = {name: figures.median(name, figure) for name in _NAMES}
    shown = ["—" if value is None else f"{value * factor:,.{decimals}f}" for value in values.values()]
    ratios = [_ratio(values[name], values[PEER.name], more_is_better) for name in _NAMES[:2]]
    return f"| {title} | {' | '.join([*shown, *ratios])} |"


def _ratio(ours: float | None, peers: float | None, more_is_better: bool | None) -> str:  # noqa: FBT001
    if more_is_better is None or not ours or not peers:
        return "—"
    ratio = ours / peers if more_is_better else peers / ours
    return f"{ratio:.2f}" if ratio >= 0.1 else f"{ratio:.4f}"


def _machine() -> str:
    names = [line.partition(":")[2].strip() for line in _cpu_lines() if line.startswith("model name")]
    parts = ["pyramid", "gevent", "waitress", "msgspec", "fastapi", "starlette", "pydantic", "uvicorn", "h11"]
    return (
        f"{names[0] if names else platform.machine()}, {len(names)} cores; {platform.system()} {platform.release()}; "
        f"Python {platform.python_version()}; SQLite {sqlite3.sqlite_version}; "
        + ", ".join(f"{part} {version(part)}" for part in parts)
        + "; uvicorn without uvloop and httptools"
    )


def _cpu_lines() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []
