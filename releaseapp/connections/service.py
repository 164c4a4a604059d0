"""Connections over time: listed, and judged by the gate."""

from typing import Literal

from releaseapp import clock
from releaseapp.connections import queries
from releaseapp.connections.charting import Chart, chart
from releaseapp.connections.figures import GONE_SECONDS, Process, processes_of, time_of
from releaseapp.connections.models import Gate, Sample
from releaseapp.connections.rules import RULES, SETTLE_SECONDS, Rule, Seen
from releaseapp.connections.sampler import Sampler
from releaseapp.db.api import Database, Reader
from releaseapp.live.counters import Counters

__all__ = [
    "Chart",
    "Gate",
    "Process",
    "Sample",
    "chart",
    "gate",
    "judge",
    "list_processes",
    "list_samples",
    "marks_of",
    "sample",
]

DAY_SECONDS = 86_400.0
_MINUTE = 60.0
_MOST_MARKS = 50
_LABELS = {
    "release.started": "started",
    "release.promoted": "promoted",
    "release.finished": "finished",
    "release.abandoned": "abandoned",
    "release.rolled_back": "rolled back",
}
_RANKS: tuple[Literal["calm", "busy", "stormy"], ...] = ("calm", "busy", "stormy")


def sample(db: Database, counters: Counters, process: str | None = None) -> Sampler:
    """Begins to sample the connections of this process; the caller ends it with ``finish`` and ``join``."""
    sampler = Sampler(db, counters, process)
    sampler.start()
    return sampler


def list_samples(db: Reader, since: str, until: str) -> list[Sample]:
    """The samples after one moment and up to another, oldest first."""
    return queries.list_samples(db, since, until)


def list_processes(samples: list[Sample], now: str) -> list[Process]:
    """Each process of the samples as it was last heard of."""
    return processes_of(samples, now)


def gate(db: Reader, since: str, now: str) -> Gate:
    """Whether the connections since a moment are calm, busy or stormy, against the day before that moment."""
    day_before = clock.after_text(min(since, now), -DAY_SECONDS)
    return judge(queries.list_samples(db, day_before, now), since, now)


def judge(samples: list[Sample], since: str, now: str) -> Gate:
    """What :func:`gate` says of these samples, which are those of the day before ``since`` and of the time itself."""
    if now < since:
        return Gate("busy", ["Too early to say: the clock went back behind the moment that counts."], {"samples": 0})
    seen = _see(samples, since, now)
    early = _too_early(seen)
    worst = max((_rank(rule, seen) for rule in RULES), default=0)
    told = [rule.sentence(seen, rule.measure(seen)) for rule in RULES if _rank(rule, seen)]
    rank = max(worst, 1 if early else 0)
    return Gate(_RANKS[rank], [*early, *told] if rank else [_calm(seen)], _figures(seen))


def marks_of(db: Reader, since: str) -> list[tuple[str, str]]:
    """What happened to releases since a moment, as marks for the chart: when, and a word."""
    found = queries.list_release_marks(db, since, _MOST_MARKS)
    return [(str(row["at"]), _LABELS[str(row["type"])]) for row in found]


def _see(samples: list[Sample], since: str, now: str) -> Seen:
    earlier = [one for one in samples if one.at <= since]
    during = [one for one in samples if since < one.at <= now]
    minute_ago = max(since, clock.after_text(now, -_MINUTE))
    last = [one for one in during if one.at > minute_ago]
    before = None
    if earlier:
        first = max(earlier[0].at, clock.after_text(since, -DAY_SECONDS))
        before = time_of(earlier, first, since)
    lately = [one for one in earlier if one.at > clock.after_text(since, -2 * GONE_SECONDS)]
    return Seen(time_of(during, since, now, lately), time_of(last, minute_ago, now), before)


def _too_early(seen: Seen) -> list[str]:
    if not seen.now.samples:
        told = f"Too early to say: no server has sampled its connections in these {seen.now.seconds:.0f} seconds."
        return [f"{told} Running servers do so every minute at least."]
    if seen.now.seconds < SETTLE_SECONDS:
        return [f"Too early to say: {seen.now.seconds:.0f} of {SETTLE_SECONDS:.0f} seconds have passed."]
    return []


def _rank(rule: Rule, seen: Seen) -> int:
    value, concerned = rule.measure(seen), rule.concerned(seen)
    if value >= rule.stormy and concerned >= rule.stormy_count:
        return 2
    return 1 if value >= rule.busy and concerned >= rule.busy_count else 0


def _calm(seen: Seen) -> str:
    now = seen.now
    parts = [
        f"{now.open:,} open",
        f"{now.abnormal:,} ended abnormally",
        f"{now.opened / now.minutes:,.1f} opened a minute",
    ]
    if seen.before:
        parts[-1] += f" (before: {seen.before.opened / seen.before.minutes:,.1f})"
    if now.reconnect_p99 is not None:
        parts.append(f"{now.came_back:,} came back, half within {now.reconnect_p50:.1f} s")
    return f"In {_span(now.seconds)}: {', '.join(parts)}."


def _span(seconds: float) -> str:
    if seconds < 2 * _MINUTE:
        return f"{seconds:.0f} seconds"
    minutes = round(seconds / _MINUTE)
    return f"{minutes} minutes" if minutes < 120 else f"{round(minutes / 60)} hours"  # noqa: PLR2004 - two hours


def _figures(seen: Seen) -> dict[str, object]:
    now, before = seen.now, seen.before
    return {
        "samples": now.samples,
        "seconds": round(now.seconds),
        "open": now.open,
        "peak": now.peak,
        "opened": now.opened,
        "opens_a_minute": round(now.opened / now.minutes, 1),
        "opens_a_minute_before": round(before.opened / before.minutes, 1) if before else None,
        "closed": now.closed,
        "abnormal": now.abnormal,
        "abnormal_usual": round(now.abnormal - seen.surplus_abnormal, 1),
        "vanished": now.vanished,
        "told_to_return": now.told_to_return,
        "came_back": now.came_back,
        "came_back_share": round(min(1.0, now.came_back / seen.due_back), 3) if seen.due_back else None,
        "reconnect_p50": now.reconnect_p50,
        "reconnect_p99": now.reconnect_p99,
        "reconnect_p99_before": before.reconnect_p99 if before else None,
        "refused": now.refused,
        "open_before": before.open if before else None,
    }
