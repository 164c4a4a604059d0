"""Where arrow keys lead in the picture: along a link where there is one, else to what stands nearest in that row."""

from bisect import bisect_left
from collections.abc import Iterable

import msgspec

from releaseapp.workflows.graph.grid import Grid
from releaseapp.workflows.graph.links import Link


class Neighbours(msgspec.Struct, frozen=True):
    """The numbers of the nodes above, below, left and right of a node; None at the rim."""

    up: int | None
    down: int | None
    left: int | None
    right: int | None


def neighbours_of(grid: Grid, links: Iterable[Link]) -> list[Neighbours]:
    """The neighbours of each node, in the order of their numbers."""
    numbers = {place: number for number, place in enumerate(grid.order)}
    columns = [grid.middles[place] for place in grid.order]
    rows: list[list[int]] = [[] for _ in grid.tops]
    above: list[list[int]] = [[] for _ in grid.order]
    below: list[list[int]] = [[] for _ in grid.order]
    for number, place in enumerate(grid.order):
        rows[grid.row_of[place]].append(number)
    for link in links:
        above[numbers[link.lower]].append(numbers[link.upper])
        below[numbers[link.upper]].append(numbers[link.lower])
    rows.append([])  # below the last row, and above the first
    lines = [grid.row_of[place] for place in grid.order]

    def lead(number: int, linked: list[int], row: list[int]) -> int | None:
        """The one in the nearest row, and there the nearest."""
        return min(
            linked or _near(columns, number, row),
            key=lambda other: (abs(lines[other] - lines[number]), abs(columns[other] - columns[number]), other),
            default=None,
        )

    return [
        Neighbours(
            up=lead(number, above[number], rows[line - 1]),
            down=lead(number, below[number], rows[line + 1]),
            left=number - 1 if number > rows[line][0] else None,
            right=number + 1 if number < rows[line][-1] else None,
        )
        for number, line in enumerate(lines)
    ]


def _near(columns: list[int], number: int, row: list[int]) -> list[int]:
    """Those of a row between which a node would stand."""
    place = bisect_left(row, columns[number], key=columns.__getitem__)
    return row[max(place - 1, 0) : place + 1]
