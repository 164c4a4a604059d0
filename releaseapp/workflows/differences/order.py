"""What keeps its order: the longest part of a list of numbers that rises."""

from bisect import bisect_left
from collections.abc import Sequence


def longest_rising(numbers: Sequence[int]) -> list[int]:
    """The places, in order, of a longest part of the list that rises."""
    ends: list[int] = []
    places: list[int] = []
    came_from: list[int | None] = []
    for place, number in enumerate(numbers):
        length = bisect_left(ends, number)
        came_from.append(places[length - 1] if length else None)
        ends[length : length + 1] = [number]
        places[length : length + 1] = [place]
    found = []
    at = places[-1] if places else None
    while at is not None:
        found.append(at)
        at = came_from[at]
    return found[::-1]
