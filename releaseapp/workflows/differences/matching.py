"""Which step of one definition is which of another: by id, and those that have another id by what they do."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import chain, product
from typing import Any

import msgspec

from releaseapp.workflows.differences.values import canonical

Step = dict[str, Any]
Words = frozenset[str]

_ALIKE = 0.7
_LEAST_SHARED = _ALIKE / (2 - _ALIKE)
"""So much of its words a step must share with another one at least to be as alike as that."""

_MOST_PAIRS = 50_000
_NEARBY = 10
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
    kinds: dict[str, tuple[dict[int, Words], dict[int, Words]]] = defaultdict(lambda: ({}, {}))
    for side, steps, places in ((0, before, removed), (1, after, added)):
        for place in places:
            kinds[canonical(steps[place].get("type"))][side][place] = _words(steps[place])
    found = [
        (-share, one, other)
        for words, others in kinds.values()
        for one, other in _likely(words, others)
        if (share := _share(words[one], others[other])) >= _ALIKE
    ]
    chosen: dict[int, int] = {}
    taken: set[int] = set()
    for _, one, other in sorted(found):
        if one not in chosen and other not in taken:
            chosen[one] = other
            taken.add(other)
    return list(chosen.items())


def _likely(words: dict[int, Words], others: dict[int, Words]) -> set[tuple[int, int]]:
    """Pairs worth a look: all that can be alike enough, or when these are too many, those about as far down.

    Whoever shares most words shares one of the rarest: those of a set that are
    left when the fewest are taken away that two such sets have in common.
    """
    if not words or not others:
        return set()
    rarity = Counter(chain.from_iterable(chain(words.values(), others.values())))
    holders: dict[str, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for number, side in enumerate((words, others)):
        for place, own in side.items():
            rarest = sorted(own, key=lambda word: (rarity[word], word))
            for word in rarest[: len(own) - int(len(own) * _LEAST_SHARED) + 1]:
                holders[word][number].append(place)
    if sum(len(mine) * len(theirs) for mine, theirs in holders.values()) <= _MOST_PAIRS:
        return {pair for mine, theirs in holders.values() for pair in product(mine, theirs)}
    ranked = list(others)
    return {
        (one, other) for rank, one in enumerate(words) for other in ranked[max(0, rank - _NEARBY) : rank + _NEARBY + 1]
    }


def _words(step: Step) -> Words:
    """Its words; the second time one stands there, it is another word, so that a set counts them too."""
    counts = Counter(_WORD.findall(canonical([step.get("name"), step.get("config")])[:_MOST_SIGNS]))
    again = (f"{word} {number}" for word, count in counts.items() for number in range(2, count + 1))
    return frozenset([*counts, *again])


def _share(words: Words, others: Words) -> float:
    if min(len(words), len(others)) < _FEWEST_WORDS:
        return 0.0
    return 2 * len(words & others) / (len(words) + len(others))
