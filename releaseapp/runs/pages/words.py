"""Times and numbers of runs, for people."""

from datetime import datetime

from releaseapp import clock

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_SHORT, _FEW = 1, 10


def seconds_between(start: str | None, end: str | None, now: str) -> float | None:
    """The seconds from ``start`` to ``end``, or to ``now`` where it has none; None for what has not begun."""
    if start is None:
        return None
    return max(0.0, (moment(end or now) - moment(start)).total_seconds())


def duration(seconds: float | None) -> str:
    """A length of time: ``420 ms``, ``1.5 s``, ``12 s``, ``3 min 4 s``, ``2 h 5 min``, ``3 d 4 h``; empty for none."""
    if seconds is None:
        return ""
    whole = round(seconds)
    if whole < _MINUTE:
        return _of_seconds(seconds)
    if whole < _HOUR:
        return _two(whole, _MINUTE, "min", "s")
    if whole < _DAY:
        return _two(whole // _MINUTE, _HOUR // _MINUTE, "h", "min")
    return _two(whole // _HOUR, _DAY // _HOUR, "d", "h")


def counted(number: int, most: int) -> str:
    """A number that was counted up to one more than ``most``: ``1,000+`` when there are more."""
    return f"{most:,}+" if number > most else f"{number:,}"


def moment(text: str) -> datetime:
    """The moment that a stored time names."""
    return clock.parse(text)


def _of_seconds(seconds: float) -> str:
    if seconds < _SHORT:
        return f"{round(seconds * 1000)} ms"
    return f"{seconds:.1f} s" if seconds < _FEW else f"{round(seconds)} s"


def _two(whole: int, size: int, large: str, small: str) -> str:
    rest = whole % size
    return f"{whole // size} {large} {rest} {small}" if rest else f"{whole // size} {large}"
