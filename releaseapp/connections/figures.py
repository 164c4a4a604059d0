"""What samples come to: the figures that the gate judges and the page shows. Pure functions."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from releaseapp import clock
from releaseapp.connections.models import Sample

GONE_SECONDS = 90.0
"""A process of which no sample came for so long has died; its connections went with it."""


class Process(msgspec.Struct, frozen=True):
    """A process as it was last heard of; ``state`` is running, stopped (it said so) or gone (it did not)."""

    process: str
    started_at: str
    heard_at: str
    open: int
    state: str
    opened: int
    closed: dict[str, int]
    refused: int


class Time(msgspec.Struct, frozen=True):
    """What happened in a time, over all processes. ``vanished`` are connections of processes that died."""

    seconds: float
    samples: int
    open: int
    peak: int
    opened: int
    closed: dict[str, int]
    abnormal: int
    vanished: int
    told_to_return: int
    refused: int
    came_back: int
    reconnect_p50: float | None
    reconnect_p99: float | None

    @property
    def minutes(self) -> float:
        """How long it was, a minute at least: what happened in less says little of a rate."""
        return max(1.0, self.seconds / 60)

    @property
    def sockets(self) -> int:
        """Of how many connections shares are taken: the most there were, one at least."""
        return max(1, self.peak)


def time_of(samples: Sequence[Sample], since: str, until: str, earlier: Iterable[Sample] = ()) -> Time:
    """The figures of the samples after ``since``; ``earlier`` ones say how many connections there were before it."""
    reconnects: Counter[int] = Counter()
    for one in samples:
        reconnects.update({int(key): number for key, number in one.reconnects.items()})
    known = [one for one in earlier if one.at <= since]
    vanished = sum(one.open for one in _died([*known, *samples], since, until))
    return Time(
        seconds=max(0.0, (clock.parse(until) - clock.parse(since)).total_seconds()),
        samples=len(samples),
        open=sum(one.open for one in processes_of([*known, *samples], until) if one.state == "running"),
        peak=_peak(known, samples, since),
        opened=sum(one.opened for one in samples),
        closed=added(one.closed for one in samples),
        abnormal=sum(one.abnormal for one in samples) + vanished,
        vanished=vanished,
        told_to_return=sum(one.told_to_return for one in samples),
        refused=sum(sum(one.refused.values()) for one in samples),
        came_back=sum(reconnects.values()),
        reconnect_p50=percentile(reconnects, 0.5),
        reconnect_p99=percentile(reconnects, 0.99),
    )


def processes_of(samples: Iterable[Sample], until: str) -> list[Process]:
    """Each process as it was last heard of, those that run first."""
    by_source: dict[tuple[str, str], list[Sample]] = {}
    for one in samples:
        by_source.setdefault(one.source, []).append(one)
    found = [_process(theirs, until) for theirs in by_source.values()]
    return sorted(found, key=lambda one: (one.state != "running", one.process, one.started_at))


def added(counted: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """What was counted under each name, summed up, in the order of the names."""
    total: Counter[str] = Counter()
    for one in counted:
        total.update(one)
    return dict(sorted(total.items()))


def percentile(counted: Counter[int], share: float) -> float | None:
    """The seconds within which that share came back; None when nobody did."""
    total = counted.total()
    seen = 0
    for milliseconds, number in sorted(counted.items()):
        seen += number
        if seen >= share * total:
            return milliseconds / 1000
    return None


def _process(samples: list[Sample], until: str) -> Process:
    last = samples[-1]
    stopped = any(one.left_at for one in samples)
    state = "stopped" if stopped else "gone" if _silent(last, clock.parse(until)) else "running"
    return Process(
        process=last.process,
        started_at=last.process_started_at,
        heard_at=last.at,
        open=last.open if state == "running" else 0,
        state=state,
        opened=sum(one.opened for one in samples),
        closed=added(one.closed for one in samples),
        refused=sum(sum(one.refused.values()) for one in samples),
    )


def _silent(last: Sample, until: datetime) -> bool:
    return (until - clock.parse(last.at)).total_seconds() > GONE_SECONDS


def _died(samples: Iterable[Sample], since: str, until: str) -> list[Sample]:
    """The last samples of processes that fell silent in the time without saying that they stop."""
    last: dict[tuple[str, str], Sample] = {}
    left = set()
    for one in samples:
        last[one.source] = one
        if one.left_at:
            left.add(one.source)
    lapse = clock.after_text(since, -GONE_SECONDS)
    return [
        one
        for source, one in last.items()
        if source not in left and one.at >= lapse and _silent(one, clock.parse(until))
    ]


def _peak(known: Iterable[Sample], samples: Iterable[Sample], since: str) -> int:
    """The most connections that were open at once, as the samples tell it."""
    lapse = clock.after_text(since, -GONE_SECONDS)
    now: dict[tuple[str, str], int] = {}
    for one in known:
        now[one.source] = one.open if one.at >= lapse and not one.left_at else 0
    peak = sum(now.values())
    for one in samples:
        now[one.source] = one.open
        peak = max(peak, sum(now.values()))
    return peak
