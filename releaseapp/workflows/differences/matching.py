"""Which step of one definition is which of another: by id, and those that have another id by what they do."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from releaseapp.workflows.differences.values import canonical

Step = dict[str, Any]

_NEARBY = 20
"""Of many steps without a partner only those that stand about as far down are looked at: it must not take long."""

_ALIKE = 0.7
_FEWEST_WORDS = 4
"""Of two numbers, or a word, one cannot say that they are the same thing with another name."""

_MOST_SIGNS = 4000
_WORD = re.compile(r"\w+")


class Matched(msgspec.Struct, frozen=True):
    """Places of steps, from 0: pairs that belong together, in their order after; what is gone, and what is new."""

    pairs: list[tuple[int, int]]
    removed: list[int]
    added: list[int]


def match_steps(before: list[Step], after: list[Step]) -> Matched:
    """Which steps belong together."""
    places = {key: place for place, key in enumerate(_keys(before))}
    pairs = [(places[key], place) for place, key in enumerate(_keys(after)) if key in places]
    removed = _others(range(len(before)), (one for one, _ in pairs))
    added = _others(range(len(after)), (other for _, other in pairs))
    renamed = list(_equal(before, removed, after, added))
    removed, added = _others(removed, (one for one, _ in renamed)), _others(added, (other for _, other in renamed))
    renamed += _alike(before, removed, after, added)
    return Matched(
        sorted([*pairs, *renamed], key=lambda pair: pair[1]),
        _others(removed, (one for one, _ in renamed)),
        _others(added, (other for _, other in renamed)),
    )


def id_of(step: Step) -> str:
    """A step's id; "" of one that has none."""
    found = step.get("id")
    return found if isinstance(found, str) else ""


def _others(places: Iterable[int], taken: Iterable[int]) -> list[int]:
    gone = set(taken)
    return [place for place in places if place not in gone]


def _keys(steps: list[Step]) -> Iterator[tuple[str, int]]:
    """The id of each; the second with the same id, which is a fault, is another step."""
    seen: Counter[str] = Counter()
    for step in steps:
        seen[id_of(step)] += 1
        yield id_of(step), seen[id_of(step)]


def _equal(before: list[Step], removed: list[int], after: list[Step], added: list[int]) -> Iterator[tuple[int, int]]:
    """Those with the same type and config; where there are several, as many must stand on both sides."""
    groups: dict[str, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for side, steps, places in ((0, before, removed), (1, after, added)):
        for place in places:
            step = steps[place]
            if step.get("config"):
                groups[canonical([step.get("type"), step["config"]])][side].append(place)
    for ones, others in groups.values():
        if len(ones) == len(others):
            yield from zip(ones, others, strict=True)


def _alike(before: list[Step], removed: list[int], after: list[Step], added: list[int]) -> list[tuple[int, int]]:
    """Those of the same type that say nearly the same, the most alike first."""
    mine = [(place, _words(before[place])) for place in removed]
    theirs = [(place, _words(after[place])) for place in added]
    found = []
    for rank, (one, words) in enumerate(mine):
        nearby = range(max(0, rank - _NEARBY), min(len(theirs), rank + _NEARBY + 1))
        for other, other_words in (theirs[number] for number in nearby):
            if canonical(before[one].get("type")) == canonical(after[other].get("type")):
                alike = _share(words, other_words)
                if alike >= _ALIKE:
                    found.append((-alike, one, other))
    chosen: dict[int, int] = {}
    for _, one, other in sorted(found):
        if one not in chosen and other not in chosen.values():
            chosen[one] = other
    return list(chosen.items())


def _words(step: Step) -> frozenset[tuple[str, int]]:
    """Its words, each with how often it was there before, so that a set counts them too."""
    text = canonical([step.get("name"), step.get("config")])[:_MOST_SIGNS]
    seen: Counter[str] = Counter()
    words = []
    for word in _WORD.findall(text):
        words.append((word, seen[word]))
        seen[word] += 1
    return frozenset(words)


def _share(words: frozenset[Any], others: frozenset[Any]) -> float:
    if min(len(words), len(others)) < _FEWEST_WORDS:
        return 0.0
    return 2 * len(words & others) / (len(words) + len(others))
