"""What is different between two values of JSON, by the path of each part."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from msgspec import UNSET

from releaseapp.errors import pointer_part
from releaseapp.workflows.differences.effort import Effort
from releaseapp.workflows.differences.models import FieldChange, Kind
from releaseapp.workflows.differences.words import pieces

_PLAIN_KEY = re.compile(r"[A-Za-z_$][\w$-]*")
_DEEPEST = 100
"""What lies deeper is told as one value."""


class Place(msgspec.Struct, frozen=True):
    """Where a value stands, for people and for programs."""

    path: str = ""
    pointer: str = ""

    def key(self, name: str) -> "Place":
        """The value of a key."""
        dot = "." if self.path else ""
        path = f"{dot}{name}" if _PLAIN_KEY.fullmatch(name) else f"[{json.dumps(name, ensure_ascii=False)}]"
        return Place(self.path + path, f"{self.pointer}/{pointer_part(name)}")

    def item(self, number: int) -> "Place":
        """An item of a list, counted from 0 as in expressions."""
        return Place(f"{self.path}[{number}]", f"{self.pointer}/{number}")


def canonical(value: Any) -> str:
    """A text that is the same for the same value, whatever the order of keys; 1, 1.0 and true are three values."""
    return json.dumps(value, sort_keys=True)


def compare_values(before: Any, after: Any, place: Place, effort: Effort, depth: int = 0) -> Iterator[FieldChange]:
    """The changes from one value to another; UNSET stands for one that is not there."""
    if before is UNSET or after is UNSET or depth > _DEEPEST:
        if before is not after and (UNSET in (before, after) or canonical(before) != canonical(after)):
            yield change(before, after, place, effort)
    elif isinstance(before, dict) and isinstance(after, dict):
        yield from compare_keys(before, after, place, effort, depth)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _compare_items(before, after, place, effort, depth)
    elif type(before) is not type(after) or before != after:
        yield change(before, after, place, effort)


def compare_keys(
    before: dict[str, Any], after: dict[str, Any], place: Place, effort: Effort, depth: int = 0
) -> Iterator[FieldChange]:
    """The changes key by key: first as they stand after, then those that are gone."""
    for name in keys_of(before, after):
        value, other = before.get(name, UNSET), after.get(name, UNSET)
        yield from compare_values(value, other, place.key(name), effort, depth + 1)


def keys_of(before: Iterable[str], after: Iterable[str]) -> list[str]:
    """The keys of both: as they stand after, then those that are gone."""
    return list(dict.fromkeys([*after, *before]))


def change(before: Any, after: Any, place: Place, effort: Effort) -> FieldChange:
    """One change of one value, with its words where both are texts."""
    kind: Kind = "added" if before is UNSET else "removed" if after is UNSET else "changed"
    words = pieces(before, after, effort) if isinstance(before, str) and isinstance(after, str) else UNSET
    return FieldChange(place.path, place.pointer, kind, before, after, words)


def _compare_items(
    before: list[Any], after: list[Any], place: Place, effort: Effort, depth: int
) -> Iterator[FieldChange]:
    """The changes item by item. Where as many stand for as many, each is compared with the one in its place."""
    runs = effort.runs([canonical(item) for item in before], [canonical(item) for item in after])
    if runs is None:
        yield change(before, after, place, effort)
        return
    for same, start, end, other_start, other_end in runs:
        if same:
            continue
        if end - start == other_end - other_start:
            for offset in range(end - start):
                here = place.item(other_start + offset)
                yield from compare_values(before[start + offset], after[other_start + offset], here, effort, depth + 1)
            continue
        for number in range(start, end):
            yield change(before[number], UNSET, place.item(number), effort)
        for number in range(other_start, other_end):
            yield change(UNSET, after[number], place.item(number), effort)
