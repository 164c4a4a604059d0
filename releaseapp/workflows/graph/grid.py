"""Where rows, steps and lanes lie in the picture, in pixels."""

import msgspec

from releaseapp.workflows.graph.columns import STEP_WIDTH, columns_of
from releaseapp.workflows.graph.layers import Rows
from releaseapp.workflows.graph.links import Link
from releaseapp.workflows.graph.paths import Point

STEP_HEIGHT = 48
EDGE = 16
STUB = 30
_GAP, _MOST_GAP, _SLOPE = 32, 112, 6
_LANE, _MOST_LANES = 8, 24
_BESIDE = 18


class Grid(msgspec.Struct, frozen=True):
    """The places of everything. ``order`` has the steps from top to bottom and left to right, as nodes are numbered;
    ``middles`` are across, ``tops`` down, by row; ``lanes`` by the step that they come from.
    """

    order: list[int]
    row_of: list[int]
    middles: list[int]
    tops: list[int]
    lanes: dict[int, int]
    width: int
    height: int

    def points(self, rows: Rows, link: Link) -> list[Point]:
        """The points of a link that has a route or a lane, from its source to its target."""
        # What closes a cycle runs upward, beside what runs downward.
        beside = _BESIDE if link.closes else 0
        start = self.middles[link.upper] + beside, self._bottom(self.row_of[link.upper])
        end = self.middles[link.lower] + beside, self.tops[self.row_of[link.lower]]
        if link in rows.routes:
            between = self._bends(rows.routes[link][1:-1], start[0])
        else:
            leave, arrive = self._gap_middle(self.row_of[link.upper]), self._gap_middle(self.row_of[link.lower] - 1)
            lane = self.lanes[link.upper]
            between = [(start[0], leave), (lane, leave), (lane, arrive), (end[0], arrive)]
        points = [start, *between, end]
        return points[::-1] if link.closes else points

    def _bends(self, bends: list[int], before: int) -> list[Point]:
        """The points of bends; a bend that lies straight between two others has none."""
        points: list[Point] = []
        for bend in bends:
            x, row = self.middles[bend], self.row_of[bend]
            if points and x == before:
                points[-1] = x, self._bottom(row)
            else:
                points += [(x, self.tops[row]), (x, self._bottom(row))]
            before = x
        return points

    def _bottom(self, row: int) -> int:
        return self.tops[row] + STEP_HEIGHT

    def _gap_middle(self, row: int) -> int:
        return (self._bottom(row) + self.tops[row + 1]) // 2


def grid_of(rows: Rows, present: list[list[int]], stubs: set[int]) -> Grid:
    """The grid of rows in an order; above the rows in ``stubs`` there is room for a stub."""
    middles = columns_of(rows, present)
    row_of = [0] * len(middles)
    for layer, row in enumerate(present):
        for number in row:
            row_of[number] = layer
    ends = [(middles[row[0]], middles[row[-1]]) for row in present]
    left = min([first for first, _ in ends], default=0) - STEP_WIDTH // 2 - EDGE
    right = max([last for _, last in ends], default=0) + STEP_WIDTH // 2 + EDGE
    middles = [middle - left for middle in middles]
    tops = _tops(rows, present, middles, stubs)
    lanes = _lanes(rows, row_of)
    width = right - left + _LANE * len(set(lanes.values()))
    places = {step: right - left + _LANE * lane for step, lane in lanes.items()}
    height = (tops[-1] + STEP_HEIGHT if tops else 0) + EDGE
    order = [number for row in present for number in row if not rows.is_bend(number)]
    return Grid(order, row_of, middles, tops, places, width, height)


def _tops(rows: Rows, present: list[list[int]], middles: list[int], stubs: set[int]) -> list[int]:
    """The further links go across a gap, the higher it is, so that they do not become flat."""
    tops: list[int] = []
    y = EDGE
    for layer, row in enumerate(present):
        if layer:
            across = max([abs(middles[number] - middles[other]) for number in row for other in rows.above[number]])
            y += STEP_HEIGHT + min(_GAP + across // _SLOPE, _MOST_GAP)
        elif layer in stubs:
            y += STUB
        tops.append(y)
    return tops


def _lanes(rows: Rows, row_of: list[int]) -> dict[int, int]:
    """A lane for each step whose links go by one; those that do not meet share it."""
    lowest: dict[int, int] = {}
    for link in rows.lanes:
        lowest[link.upper] = max(lowest.get(link.upper, 0), row_of[link.lower])
    taken_until: list[int] = []
    lanes: dict[int, int] = {}
    for step in sorted(lowest, key=lambda step: (row_of[step], step)):
        free = [lane for lane, until in enumerate(taken_until) if until < row_of[step]]
        if free:
            lane = free[0]
            taken_until[lane] = lowest[step]
        elif len(taken_until) < _MOST_LANES:
            lane = len(taken_until)
            taken_until.append(lowest[step])
        else:
            lane = step % _MOST_LANES
            taken_until[lane] = max(taken_until[lane], lowest[step])
        lanes[step] = lane
    return lanes
