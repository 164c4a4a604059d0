"""Who waits for whom: read from a definition as it stands, faults and all, and made free of cycles."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from releaseapp.workflows.definition import needs_of


class Link(msgspec.Struct, frozen=True, gc=False):
    """``target`` waits for ``source``, by their places in the list. ``closes``: it closes a cycle of steps."""

    source: int
    target: int
    closes: bool = False

    @property
    def upper(self) -> int:
        """The end that is drawn above the other."""
        return self.target if self.closes else self.source

    @property
    def lower(self) -> int:
        """The end that is drawn below the other."""
        return self.source if self.closes else self.target


class Links(msgspec.Struct, frozen=True):
    """All links, no two the same, and by step the needed ids that no step has."""

    links: list[Link]
    unknown: Mapping[int, list[str]]


def read_links(steps: list[dict[str, Any]]) -> Links:
    """The links between steps; those that close a cycle are marked so that the rest has none.

    Where several steps have one id, the nearest before the one that needs it is
    meant, else the first. Takes time in proportion to the steps and their needs.
    """
    places: dict[str, list[int]] = {}
    before: list[dict[str, int]] = []
    latest: dict[str, int] = {}
    pairs: dict[tuple[int, int], None] = {}
    unknown: dict[int, list[str]] = {}
    for number, step in enumerate(steps):
        before.append({name: latest[name] for name in needs_of(steps, number) if name in latest})
        if isinstance(step.get("id"), str):
            latest[step["id"]] = number
            places.setdefault(step["id"], []).append(number)
    for number in range(len(steps)):
        for name in dict.fromkeys(needs_of(steps, number)):
            if name in places:
                pairs[before[number].get(name, places[name][0]), number] = None
            else:
                unknown.setdefault(number, []).append(name)
    return Links(_without_cycles(len(steps), list(pairs)), unknown)


def _without_cycles(count: int, pairs: Sequence[tuple[int, int]]) -> list[Link]:
    followers: list[list[int]] = [[] for _ in range(count)]
    for source, target in pairs:
        followers[source].append(target)
    closing = set(_closing_pairs(followers))
    return [Link(source, target, (source, target) in closing) for source, target in pairs]


def _closing_pairs(followers: list[list[int]]) -> Iterator[tuple[int, int]]:
    """The pairs that lead back to a step on the way to them; a walk in depth, without recursion."""
    done = [False] * len(followers)
    for start in range(len(followers)):
        if done[start]:
            continue
        way: dict[int, Iterator[int]] = {start: iter(followers[start])}
        while way:
            step, rest = next(reversed(way.items()))
            follower = next(rest, None)
            if follower is None:
                done[step] = True
                del way[step]
            elif follower in way:
                yield step, follower
            elif not done[follower]:
                way[follower] = iter(followers[follower])
