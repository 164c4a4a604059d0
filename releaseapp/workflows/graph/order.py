"""The order within the rows: neighbours near each other, so that few links cross.

Begins with the order of the definition and leaves it only for fewer crossings,
so a small change of the definition moves little.
"""

from bisect import bisect_right, insort

from releaseapp.workflows.graph.layers import Rows

_SWEEPS = 8
_PATIENCE = 3


def ordered(rows: Rows) -> list[list[int]]:
    """The rows in a better order: each sorted by the mean place of its neighbours, downward and upward in turn.

    A sweep takes O(links · log links); the best order of at most eight is kept.
    """
    present = [list(row) for row in rows.rows]
    places = [0] * len(rows.above)
    _note_places(present, places)
    best, fewest = [list(row) for row in present], _crossings(rows, present, places)
    in_vain = 0
    for sweep in range(_SWEEPS):
        if not fewest or in_vain == _PATIENCE:
            break
        downward = sweep % 2 == 0
        for row in present[1:] if downward else present[-2::-1]:
            _sort(row, rows.above if downward else rows.below, places)
        crossings = _crossings(rows, present, places)
        in_vain = 0 if crossings < fewest else in_vain + 1
        if crossings < fewest:
            best, fewest = [list(row) for row in present], crossings
    return best


def _note_places(present: list[list[int]], places: list[int]) -> None:
    for row in present:
        for place, number in enumerate(row):
            places[number] = place


def _sort(row: list[int], neighbours: list[list[int]], places: list[int]) -> None:
    """Sorts those that have neighbours; the others keep their places."""
    joined = [number for number in row if neighbours[number]]
    means = {
        number: sum([places[other] for other in neighbours[number]]) / len(neighbours[number]) for number in joined
    }
    following = iter(sorted(joined, key=means.__getitem__))
    for place, number in enumerate(row):
        row[place] = next(following) if neighbours[number] else number
        places[row[place]] = place


def _crossings(rows: Rows, present: list[list[int]], places: list[int]) -> int:
    count = 0
    for row in present[:-1]:
        ends: list[int] = []
        for number in row:
            lower = sorted([places[other] for other in rows.below[number]])
            count += sum([len(ends) - bisect_right(ends, end) for end in lower]) if ends else 0
            for end in lower:
                insort(ends, end)
    return count
