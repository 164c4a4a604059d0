"""How much looking a comparison may cost: counted, not timed, so that it gives the same result everywhere."""

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

MOST_LOOKS = 1_500_000
"""About a second of a slow machine."""

_MOST_EDITS = 400
"""Texts that differ in more places have little in common; finding that little costs the square of it."""

Run = tuple[bool, int, int, int, int]


class Effort:
    """What is left to spend. When it is used up, what differs is told as a whole instead of in its parts."""

    def __init__(self, looks: int = MOST_LOOKS) -> None:
        self.left = looks

    def runs(self, before: Sequence[T], after: Sequence[T]) -> list[Run] | None:
        """Stretches that are the same and that are not: ``(same, from, to, from, to)``, in order, covering both.

        The fewest removals and additions there can be (Myers, 1986). None when
        these are too many, or the effort is used up.
        """
        most = min(_MOST_EDITS, len(before) + len(after))
        furthest: dict[int, int] = {1: 0}
        trace: list[dict[int, int]] = []
        for edits in range(most + 1):
            trace.append(dict(furthest))
            self.left -= edits + 1
            if self.left < 0:
                return None
            for diagonal in range(-edits, edits + 1, 2):
                at = _furthest_step(furthest, diagonal, edits)
                start = at
                while at < len(before) and at - diagonal < len(after) and before[at] == after[at - diagonal]:
                    at += 1
                self.left -= at - start
                furthest[diagonal] = at
                if at >= len(before) and at - diagonal >= len(after):
                    return _joined(_walked_back(trace, len(before), len(after)), len(before), len(after))
        return None


def _furthest_step(furthest: dict[int, int], diagonal: int, edits: int) -> int:
    """Down (an addition) or right (a removal), whichever comes further."""
    if diagonal == -edits or (diagonal != edits and furthest[diagonal - 1] < furthest[diagonal + 1]):
        return furthest[diagonal + 1]
    return furthest[diagonal - 1] + 1


def _walked_back(trace: list[dict[int, int]], before: int, after: int) -> list[tuple[int, int]]:
    """The pairs of places that are the same, last first."""
    pairs = []
    for edits in range(len(trace) - 1, -1, -1):
        start, start_after, edited = 0, 0, 0
        if edits:
            diagonal, furthest = before - after, trace[edits]
            down = diagonal == -edits or (diagonal != edits and furthest[diagonal - 1] < furthest[diagonal + 1])
            came_from = diagonal + 1 if down else diagonal - 1
            start = furthest[came_from]
            start_after, edited = start - came_from, start if down else start + 1
        while before > edited:
            before, after = before - 1, after - 1
            pairs.append((before, after))
        before, after = start, start_after
    return pairs


def _joined(pairs: list[tuple[int, int]], before: int, after: int) -> list[Run]:
    runs: list[Run] = []
    at_before = at_after = 0
    for place, other in [*reversed(pairs), (before, after)]:
        if place > at_before or other > at_after:
            runs.append((False, at_before, place, at_after, other))
        if (place, other) != (before, after):
            same = runs[-1] if runs and runs[-1][0] and runs[-1][2] == place and runs[-1][4] == other else None
            if same is not None:
                runs[-1] = (True, same[1], place + 1, same[3], other + 1)
            else:
                runs.append((True, place, place + 1, other, other + 1))
        at_before, at_after = place + 1, other + 1
    return runs
