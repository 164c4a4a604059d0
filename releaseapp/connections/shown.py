"""What the page and the JSON of connections show."""

import msgspec

from releaseapp import clock
from releaseapp.connections.models import Gate
from releaseapp.connections.service import Chart, Process, chart, gate, list_processes, list_samples, marks_of
from releaseapp.db.api import Reader

HOURS = (1, 6, 24, 168)
_UNDER_WAY = {"started", "promoted"}
_LATELY_SECONDS = 600.0
_HOUR_SECONDS = 3600.0
_DAY_HOURS = 24


class View(msgspec.Struct, frozen=True):
    """Connections of some hours: each process, the chart, and the gate since the release began or of late."""

    hours: int
    judged_since: str
    during_release: bool
    gate: Gate
    processes: list[Process]
    chart: Chart


def hours_since(moment: str) -> int:
    """The fewest of the choices within which that moment lies, or the most there are."""
    return next((hours for hours in HOURS if moment > clock.later_text(-hours * _HOUR_SECONDS)), HOURS[-1])


def look(db: Reader, hours: int) -> View:
    """What is to be seen now."""
    now = clock.now_text()
    since = clock.later_text(-hours * _HOUR_SECONDS)
    marks = marks_of(db, clock.later_text(-max(hours, _DAY_HOURS) * _HOUR_SECONDS))
    during = bool(marks) and marks[-1][1] in _UNDER_WAY
    judged_since = marks[-1][0] if during else clock.later_text(-_LATELY_SECONDS)
    samples = list_samples(db, since, now)
    return View(
        hours=hours,
        judged_since=judged_since,
        during_release=during,
        gate=gate(db, judged_since, now),
        processes=list_processes(samples, now),
        chart=chart(samples, marks, since, now),
    )
