"""Rows: every step one below the lowest that it waits for, and bends where a long link passes the rows between."""

from collections.abc import Iterable

import msgspec

from releaseapp.workflows.graph.links import Link

MOST_DRAWN = 3000
"""Links that are drawn; the shortest come first. More than this are a black area."""

MOST_BENDS = 3000
"""Bends in all links together. What is left goes by a lane beside the picture, whatever its length."""


class Rows(msgspec.Struct, frozen=True):
    """Steps and bends as one kind of thing, numbered: first the steps by their places, then the bends.

    ``rows`` has the numbers row by row; ``above`` and ``below`` what each is
    joined with in the next row. ``routes`` has what a link passes, ends and all;
    a link without a route goes by a lane. ``left_out`` counts what is not drawn.
    """

    steps: int
    rows: list[list[int]]
    above: list[list[int]]
    below: list[list[int]]
    routes: dict[Link, list[int]]
    lanes: set[Link]
    left_out: int

    def is_bend(self, number: int) -> bool:
        """Whether that number is a bend and not a step."""
        return number >= self.steps


def in_rows(count: int, links: Iterable[Link]) -> Rows:
    """Spreads ``count`` steps over rows. A step that is linked with itself has no route and no lane for that."""
    real = [link for link in links if link.source != link.target]
    layers = layers_of(count, real)
    real.sort(key=lambda link: layers[link.lower] - layers[link.upper])
    rows: list[list[int]] = [[] for _ in range(max(layers, default=-1) + 1)]
    for step, layer in enumerate(layers):
        rows[layer].append(step)
    drawn = real[:MOST_DRAWN]
    builder = _Builder(count, rows)
    lanes = {link for link in drawn if not builder.add(link, layers[link.upper], layers[link.lower])}
    for row in rows:
        row.sort(key=builder.place_of)
    return Rows(count, rows, builder.above, builder.below, builder.routes, lanes, len(real) - len(drawn))


def layers_of(count: int, links: Iterable[Link]) -> list[int]:
    """The row of each step: the length of the longest way to it. The links must be free of cycles."""
    followers: list[list[int]] = [[] for _ in range(count)]
    waiting = [0] * count
    for link in links:
        followers[link.upper].append(link.lower)
        waiting[link.lower] += 1
    layers = [0] * count
    ready = [step for step in range(count) if not waiting[step]]
    for step in ready:  # grows while it is read
        for follower in followers[step]:
            layers[follower] = max(layers[follower], layers[step] + 1)
            waiting[follower] -= 1
            if not waiting[follower]:
                ready.append(follower)
    return layers


class _Builder:
    """Adds links. All long links from one step share their bends, so that they leave it as one line."""

    def __init__(self, count: int, rows: list[list[int]]) -> None:
        self.rows = rows
        self.above: list[list[int]] = [[] for _ in range(count)]
        self.below: list[list[int]] = [[] for _ in range(count)]
        self.routes: dict[Link, list[int]] = {}
        self._trunks: dict[int, list[int]] = {}
        self._origins = list(range(count))
        self._joined: set[tuple[int, int]] = set()
        self._passed = 0

    def add(self, link: Link, top: int, bottom: int) -> bool:
        """Finds a route from row ``top`` to row ``bottom``; False when there are too many bends already."""
        bends = bottom - top - 1
        if self._passed + bends > MOST_BENDS:
            return False
        self._passed += bends
        trunk = self._trunks.setdefault(link.upper, [])
        while len(trunk) < bends:
            bend = len(self.above)
            self.above.append([])
            self.below.append([])
            self._origins.append(link.upper)
            self.rows[top + 1 + len(trunk)].append(bend)
            self._join(trunk[-1] if trunk else link.upper, bend)
            trunk.append(bend)
        route = [link.upper, *trunk[:bends], link.lower]
        self._join(route[-2], link.lower)
        self.routes[link] = route
        return True

    def place_of(self, number: int) -> tuple[int, int]:
        """What a row is sorted by at first: the place in the definition, a bend's that of the step it comes from."""
        return self._origins[number], number

    def _join(self, upper: int, lower: int) -> None:
        if (upper, lower) not in self._joined:
            self._joined.add((upper, lower))
            self.below[upper].append(lower)
            self.above[lower].append(upper)
