"""Lines as SVG paths. Every curve lies between two rows; a row is crossed upright, where a bend keeps it free."""

from collections.abc import Sequence

Point = tuple[int, int]

_CORNER = 8
_HEAD_LENGTH, _HEAD_HALF = 7, 4
_LOOP = 18


def smooth(points: Sequence[Point]) -> str:
    """A line that leaves and meets its points upright."""
    (x, y), parts = points[0], [f"M{points[0][0]} {points[0][1]}"]
    for to_x, to_y in points[1:]:
        middle = (y + to_y) // 2
        parts.append(f"V{to_y}" if to_x == x else f"C{x} {middle} {to_x} {middle} {to_x} {to_y}")
        x, y = to_x, to_y
    return "".join(parts)


def angular(points: Sequence[Point]) -> str:
    """A line of upright and level parts with round corners."""
    parts = [f"M{points[0][0]} {points[0][1]}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        reach = min(_CORNER, _length(before, corner) // 2, _length(corner, after) // 2)
        (x, y), (to_x, to_y) = _towards(corner, before, reach), _towards(corner, after, reach)
        parts.append(f"L{x} {y}Q{corner[0]} {corner[1]} {to_x} {to_y}")
    parts.append(f"L{points[-1][0]} {points[-1][1]}")
    return "".join(parts)


def loop(top: Point, bottom: Point) -> str:
    """A line from the right side of a step back to it."""
    return (
        f"M{top[0]} {top[1]}C{top[0] + _LOOP} {top[1] - 6} {bottom[0] + _LOOP} {bottom[1] + 6} {bottom[0]} {bottom[1]}"
    )


def head(before: Point, end: Point) -> str:
    """The arrow head at the end of a line: it points up, down, or to the left."""
    (x, y), long, half = end, _HEAD_LENGTH, _HEAD_HALF
    if before[0] > x and before[1] == y:
        return f"M{x} {y}l{long} {-half}v{2 * half}z"
    back = -long if before[1] < y else long
    return f"M{x} {y}l{-half} {back}h{2 * half}z"


def _length(one: Point, other: Point) -> int:
    return abs(one[0] - other[0]) + abs(one[1] - other[1])


def _towards(start: Point, end: Point, reach: int) -> Point:
    length = _length(start, end) or 1
    return (
        start[0] + (end[0] - start[0]) * reach // length,
        start[1] + (end[1] - start[1]) * reach // length,
    )
