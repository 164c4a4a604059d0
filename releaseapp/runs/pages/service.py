"""The runs of a workspace at a glance: how many stand where, and what became of those of the last 24 hours."""

from datetime import timedelta

import msgspec

from releaseapp import clock
from releaseapp.db.api import Reader
from releaseapp.runs.models import RunStatus
from releaseapp.runs.pages import queries
from releaseapp.runs.pages.words import counted, moment
from releaseapp.runs.queries import Filter
from releaseapp.runs.service import count_runs

HOURS = 24
HEIGHT = 96
MOST_ENDED = 20_000
_MOST_OPEN = 1_000
_HOUR = len("2030-01-31T08")


class Hour(msgspec.Struct, frozen=True):
    """An hour that began at ``at``: how many runs ended in it, and its two bars, one upon the other, in pixels."""

    at: str
    ago: int
    succeeded: int
    failed: int
    x: str
    width: str
    succeeded_height: float
    failed_height: float


class Glance(msgspec.Struct, frozen=True):
    """``queued``, ``running`` and ``waiting`` now; the others ended in the last 24 hours.

    ``cut`` says that more than MOST_ENDED did, of which the newest are counted.
    """

    queued: str
    running: str
    waiting: str
    succeeded: int
    failed: int
    cancelled: int
    hours: list[Hour]
    cut: bool

    @property
    def highest(self) -> int:
        """The most runs that ended in one hour."""
        return max(hour.succeeded + hour.failed for hour in self.hours)


def glance(db: Reader, workspace_id: str) -> Glance:
    """The runs of a workspace at a glance."""
    since = clock.later_text(-HOURS * 3600)
    ended = queries.count_ended_by_hour(db, workspace_id, since, MOST_ENDED)
    sums = {
        status: sum(number for (_, found), number in ended.items() if found == status)
        for status in (RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.CANCELLED)
    }
    return Glance(
        queued=_open(db, workspace_id, RunStatus.QUEUED),
        running=_open(db, workspace_id, RunStatus.RUNNING),
        waiting=_open(db, workspace_id, RunStatus.WAITING),
        succeeded=sums[RunStatus.SUCCEEDED],
        failed=sums[RunStatus.FAILED],
        cancelled=sums[RunStatus.CANCELLED],
        hours=hours_of(since, ended),
        cut=sum(sums.values()) >= MOST_ENDED,
    )


def hours_of(since: str, ended: dict[tuple[str, str], int]) -> list[Hour]:
    """A bar for each hour from ``since`` on, the first and the last of which are not whole."""
    begin = moment(since).replace(minute=0, second=0, microsecond=0)
    starts = [clock.text(begin + timedelta(hours=number)) for number in range(HOURS + 1)]
    numbers = [
        (ended.get((at[:_HOUR], RunStatus.SUCCEEDED), 0), ended.get((at[:_HOUR], RunStatus.FAILED), 0)) for at in starts
    ]
    scale = HEIGHT / max(1, *(good + bad for good, bad in numbers))
    slot = 100 / len(starts)
    return [
        Hour(
            at=at,
            ago=HOURS - number,
            succeeded=good,
            failed=bad,
            x=f"{number * slot + slot * 0.1:.2f}%",
            width=f"{slot * 0.8:.2f}%",
            succeeded_height=round(good * scale, 1),
            failed_height=round(bad * scale, 1),
        )
        for number, (at, (good, bad)) in enumerate(zip(starts, numbers, strict=True))
    ]


def _open(db: Reader, workspace_id: str, status: RunStatus) -> str:
    return counted(count_runs(db, workspace_id, Filter(status=status.value), _MOST_OPEN + 1), _MOST_OPEN)
