"""When connections are busy and when stormy: the thresholds, as data. docs/connections.md has the same table."""

from collections.abc import Callable

import msgspec

from releaseapp.connections.figures import Time
from releaseapp.numbers import many

SETTLE_SECONDS = 30.0
"""In less nothing can be said: three samples."""

RETURN_SECONDS = 60.0
"""So long those who lost their connection have to come back before it counts that they have not."""


class Seen(msgspec.Struct, frozen=True):
    """What is judged: the time itself, its last minute, and the day before it (None when nothing is known of it)."""

    now: Time
    last: Time
    before: Time | None

    @property
    def usual_opens(self) -> float:
        """Opens in a minute that surprise nobody: those of the day before, or a few for each connection."""
        usual = self.before.opened / self.before.minutes if self.before else 0.0
        return max(usual, 6 + 0.1 * self.now.sockets)

    @property
    def surplus_abnormal(self) -> float:
        """Abnormal closes beyond the usual: those of the day before, or one of 100 connections in ten minutes."""
        usual = self.before.abnormal / self.before.minutes if self.before else 0.0
        return max(0.0, self.now.abnormal - max(usual, self.now.sockets / 1000) * self.now.seconds / 60)

    @property
    def opens_a_minute(self) -> float:
        """Opens in a minute, without those who were told to come back; the last minute counts when it is worse."""
        return max((one.opened - one.told_to_return) / one.minutes for one in (self.now, self.last))

    @property
    def due_back(self) -> float:
        """How many should have come back."""
        return self.now.told_to_return + self.surplus_abnormal


class Rule(msgspec.Struct, frozen=True):
    """One measure, the more the worse: from where on it is busy and stormy, if so many are concerned."""

    name: str
    measure: Callable[[Seen], float]
    busy: float
    stormy: float
    concerned: Callable[[Seen], float]
    busy_count: float
    stormy_count: float
    sentence: Callable[[Seen, float], str]


def _abnormal(seen: Seen, _value: float) -> str:
    closed = seen.now.closed
    codes = [f"{closed[code]:,} with {code}" for code in ("1006", "1011", "1013") if closed.get(code)]
    if seen.now.vanished:
        codes.append(f"{seen.now.vanished:,} with a process that died")
    return (
        f"{many(seen.now.abnormal, 'connection')} of {seen.now.sockets:,} ended abnormally ({', '.join(codes)}); "
        f"{max(0.0, seen.now.abnormal - seen.surplus_abnormal):,.0f} would be usual."
    )


def _opens(seen: Seen, _value: float) -> str:
    return (
        f"{seen.opens_a_minute:,.0f} connections a minute are opened that nobody asked to come back; "
        f"up to {seen.usual_opens:,.0f} would be usual."
    )


def _missing(seen: Seen, value: float) -> str:
    return f"{value:.0f} % of the {seen.due_back:,.0f} clients that lost their connection have not come back."


def _slow(seen: Seen, value: float) -> str:
    before = seen.before.reconnect_p99 if seen.before else None
    than = f" (before: {before:.1f} s)" if before is not None else ""
    return f"One of a hundred clients took {value:.1f} s or more to come back{than}."


def _refused(seen: Seen, _value: float) -> str:
    return f"{many(seen.now.refused, 'connection was', 'connections were')} refused."


def _unreturned(seen: Seen) -> float:
    if seen.now.seconds < RETURN_SECONDS or not seen.due_back:
        return 0.0
    return 100 * max(0.0, 1 - seen.now.came_back / seen.due_back)


def _surplus_refused(seen: Seen) -> float:
    usual = seen.before.refused / seen.before.minutes if seen.before else 0.0
    return max(0.0, seen.now.refused - usual * seen.now.seconds / 60)


RULES = (
    Rule("abnormal", lambda seen: 100 * seen.surplus_abnormal / seen.now.sockets, 2, 10,
         lambda seen: seen.surplus_abnormal, 3, 10, _abnormal),
    Rule("opens", lambda seen: seen.opens_a_minute / seen.usual_opens, 3, 10,
         lambda seen: seen.opens_a_minute, 0, 0, _opens),
    Rule("missing", _unreturned, 10, 50, lambda seen: seen.due_back, 5, 10, _missing),
    Rule("slow", lambda seen: seen.now.reconnect_p99 or 0.0, 10, 45,
         lambda seen: seen.now.came_back, 5, 5, _slow),
    Rule("refused", lambda seen: 100 * _surplus_refused(seen) / seen.now.sockets, 5, 30,
         _surplus_refused, 5, 20, _refused),
)  # fmt: skip
