"""Where in its row everything stands: below what it follows, so that a chain is a straight line."""

from releaseapp.workflows.graph.layers import Rows

STEP_WIDTH = 192
_BEND_WIDTH = 8
_GAP = 20
_GAP_OF_BENDS = 8
_SWEEPS = 5

# Steps stand straight before long links do; those make way altogether where they begin and end.
_FAST, _STEP, _STRAIGHT, _STAYING, _YIELDING = 1e6, 1.0, 1e-3, 1e-3, 1e-6


def columns_of(rows: Rows, present: list[list[int]]) -> list[int]:
    """The middle of each step and bend. Each row moves as near to its neighbours as its order allows."""
    middles = [0.0] * len(rows.above)
    offsets = [_offsets(rows, row) for row in present]
    for row, places in zip(present, offsets, strict=True):
        for number, place in zip(row, places, strict=True):
            middles[number] = place - places[-1] / 2
    last = len(present) - 1
    for sweep in range(_SWEEPS):
        downward = sweep % 2 == 0  # the last is downward: what follows stands exactly below
        for layer in range(1, last + 1) if downward else range(last - 1, -1, -1):
            neighbours = rows.above if downward else rows.below
            wishes = [_wish(rows, number, neighbours[number], middles) for number in present[layer]]
            for number, middle in zip(present[layer], _settled(wishes, offsets[layer]), strict=True):
                middles[number] = middle
    _straighten(rows, present, offsets, middles)
    # What differs by the little that yielding links weigh is the same pixel, also about a half.
    return [round(middle + 0.01) for middle in middles]


def _straighten(rows: Rows, present: list[list[int]], offsets: list[list[float]], middles: list[float]) -> None:
    """Moves bends, and nothing else, above the bend that follows, where there is room."""
    for row, places in zip(present[::-1], offsets[::-1], strict=True):
        wishes = []
        for number in row:
            following = [other for other in rows.below[number] if rows.is_bend(number) and rows.is_bend(other)]
            wish = (middles[following[0]], _STRAIGHT) if following else (middles[number], _FAST)
            wishes.append(wish)
        for number, middle in zip(row, _settled(wishes, places), strict=True):
            middles[number] = middle


def _offsets(rows: Rows, row: list[int]) -> list[float]:
    """How far right of the first each must stand at least."""
    places, before = [0.0], None
    for number in row:
        bend = rows.is_bend(number)
        if before is not None:
            width = sum(_BEND_WIDTH if one else STEP_WIDTH for one in (before, bend)) / 2
            places.append(places[-1] + width + (_GAP_OF_BENDS if before and bend else _GAP))
        before = bend
    return places


def _wish(rows: Rows, number: int, neighbours: list[int], middles: list[float]) -> tuple[float, float]:
    """Where one would stand if it were alone, and how much weight that has."""
    if not neighbours:
        return middles[number], _STAYING
    bend = rows.is_bend(number)
    preferred = [other for other in neighbours if rows.is_bend(other) == bend]
    middle = sum([middles[other] for other in preferred or neighbours]) / len(preferred or neighbours)
    if bend:
        return middle, _STRAIGHT if preferred else _YIELDING
    return middle, _STEP


def _settled(wishes: list[tuple[float, float]], offsets: list[float]) -> list[float]:
    """The places nearest to the wishes (least squares) that keep order and distance.

    Without the offsets the places must only not fall: those that would are
    pooled at their common mean, which takes one pass.
    """
    pools: list[tuple[float, float, int]] = []  # mean, weight, how many
    for (wish, weight), offset in zip(wishes, offsets, strict=True):
        mean, total, count = wish - offset, weight, 1
        while pools and pools[-1][0] > mean:
            other, other_weight, other_count = pools.pop()
            mean = (mean * total + other * other_weight) / (total + other_weight)
            total, count = total + other_weight, count + other_count
        pools.append((mean, total, count))
    means = [mean for mean, _, count in pools for _ in range(count)]
    return [mean + offset for mean, offset in zip(means, offsets, strict=True)]
