"""Which steps have moved: the fewest that must have, and only where that changes what a step waits for."""

from collections.abc import Mapping
from typing import Any

from releaseapp.workflows.definition import needs_of
from releaseapp.workflows.differences.models import Move
from releaseapp.workflows.differences.order import longest_rising

Step = dict[str, Any]
Pairs = list[tuple[int, int]]


def moved_steps(before: list[Step], after: list[Step], pairs: Pairs, new_ids: Mapping[str, str]) -> dict[int, Move]:
    """The moves among the steps of both sides, by the place after of the step that moved.

    ``pairs`` are the places of each step before and after, in their order
    after. Where a step has ``needs``, its place means nothing. A step without
    them follows the one before it: it has moved when it follows another now, or
    another follows it, or when it goes along with one that has moved.
    """
    stays = set(longest_rising([one for one, _ in pairs]))
    leaders = _leaders(sorted(pairs))
    new_leaders = _leaders(pairs)
    following = {other for one, other in pairs if _follows(before[one]) and _follows(after[other])}
    led_anew = {other for other in following if leaders[other] != new_leaders[other]}
    counts = led_anew | {led[other] for other in led_anew for led in (leaders, new_leaders)}
    found: dict[int, Move] = {}
    for number, (one, other) in enumerate(pairs):
        along = other in following and new_leaders[other] in found and other not in led_anew
        if number not in stays and (other in counts or along):
            waits = [new_ids.get(name, name) for name in needs_of(before, one)]
            found[other] = Move(one + 1, other + 1, waits, needs_of(after, other))
    return found


def _leaders(pairs: Pairs) -> dict[int, int | None]:
    """Which step stands before each, by their places after; steps of one side alone are passed over."""
    places = [other for _, other in pairs]
    return dict(zip(places, [None, *places], strict=False))


def _follows(step: Step) -> bool:
    return not isinstance(step.get("needs"), list)
