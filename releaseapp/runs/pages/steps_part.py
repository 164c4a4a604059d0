"""The steps of a run: its picture and its timeline, a page of them at once."""

from collections.abc import Sequence
from typing import Any

import msgspec

from releaseapp.db.api import Reader
from releaseapp.runs.models import WHOLE, Run, StepRun, StepStatus
from releaseapp.runs.pages import queries
from releaseapp.runs.pages.here import Here
from releaseapp.runs.pages.timeline import Planned, Row, Tick, Window, item_rows, rows_of, ticks_of
from releaseapp.workflows import graph

STEPS_AT_ONCE = 200
ITEMS_AT_ONCE = 20
MOST_DRAWN = 300
"""Steps, in the picture; of longer workflows there is the timeline alone."""


class Items(msgspec.Struct, frozen=True):
    """Some items of a repeated step: ``first`` to ``after`` of those that have begun; ``next`` is where more begin."""

    rows: list[Row]
    total: int
    first: int
    next: int | None


class Steps(msgspec.Struct, frozen=True):
    """A page of the timeline: from row ``first`` on, ``after`` is behind it, of ``total``."""

    rows: list[Row]
    total: int
    first: int
    after: int
    ticks: list[Tick]
    items: Items | None


def definition_steps(definition: dict[str, Any]) -> list[Planned]:
    """The steps of a definition."""
    return [
        Planned(step["id"], str(step.get("name") or step["id"]), step["type"], step.get("for_each") is not None)
        for step in definition["steps"]
    ]


def steps_values(db: Reader, run: Run, definition: dict[str, Any], here: Here, now: str) -> dict[str, Any]:
    """What the part ``steps`` shows: the timeline, and the picture where it is not too large."""
    planned = definition_steps(definition)
    attempts = queries.list_whole_steps(db, run.id)
    states = {attempt.step_id: attempt.status.value for attempt in attempts}
    if not run.is_over:
        states = {**{step.step_id: StepStatus.PENDING.value for step in planned}, **states}
    drawn = len(planned) <= MOST_DRAWN
    return {
        "steps": _steps(db, run, planned, attempts, here, window_of(run, attempts, now)),
        "picture": graph.draw(definition, states) if drawn else None,
    }


def window_of(run: Run, attempts: Sequence[StepRun], now: str) -> Window:
    """The time from the beginning of a run (or of its first step) to its end, or to now."""
    own = [attempt.started_at for attempt in attempts if not attempt.reused]
    begin = min([run.started_at or run.created_at, *own])
    return Window(begin, max(begin, run.finished_at or now), now)


def _steps(db: Reader, run: Run, planned: list[Planned], attempts: list[StepRun], here: Here, window: Window) -> Steps:
    rows = rows_of(planned, attempts, {}, window)
    page = rows[here.place : here.place + STEPS_AT_ONCE]
    counts = queries.last_items(db, run.id, [row.step_id for row in page if row.repeated and row.attempts])
    page = [msgspec.structs.replace(row, items=counts.get(row.step_id, WHOLE) + 1) for row in page]
    opened = next((row for row in page if row.items and row.step_id == here.items), None)
    items = _items(db, run.id, opened, here, window) if opened else None
    return Steps(page, len(rows), here.place, here.place + len(page), ticks_of(window), items)


def _items(db: Reader, run_id: str, row: Row, here: Here, window: Window) -> Items:
    first = here.first_item
    if here.only is not None:
        scope = (first, ITEMS_AT_ONCE + 1)
        found = queries.list_items_in_status(db, run_id, row.step_id, here.only.value, scope)
        after = found[ITEMS_AT_ONCE].item if len(found) > ITEMS_AT_ONCE else None
        return Items(item_rows(found[:ITEMS_AT_ONCE], window), row.items, first, after)
    found = queries.list_items(db, run_id, row.step_id, first, ITEMS_AT_ONCE)
    after = first + ITEMS_AT_ONCE if first + ITEMS_AT_ONCE < row.items else None
    return Items(item_rows(found, window), row.items, first, after)
