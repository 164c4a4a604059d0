"""Finds many forms at once, in time that grows with the text and not with how many they are.

A text is looked at in blocks of four bytes, which are numbers. Of every form,
as many numbers are known as there are ways in which blocks can fall on it; so
wherever it stands, one block is among them. Only there is it compared.
"""

import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

_BLOCK = 4
_TRIED_PLACES = 4
_BLOCKS_AT_ONCE = 512

Span = tuple[int, int]


class _Candidate(NamedTuple):
    """A form, and how far into it the block stands by which it was found."""

    form: bytes
    offset: int
    is_loose: bool


class Finder:
    """Looks for ``exact`` forms as they are, and ``loose`` ones in capitals and small letters alike."""

    def __init__(self, exact: Iterable[bytes], loose: Iterable[bytes]) -> None:
        forms = [(form, False) for form in exact] + [(form.lower(), True) for form in loose]
        # The same for every run of the same program, and the hardest to place first.
        forms.sort(key=lambda item: (len(item[0]), item))
        shortest = len(forms[0][0]) if forms else _BLOCK
        # Blocks this far apart: one of them always lies within the shortest form.
        self._stride = 4 if shortest > 6 else 2 if shortest > _BLOCK else 1  # noqa: PLR2004
        self._candidates: dict[int, list[_Candidate]] = defaultdict(list)
        self._beginnings: dict[bytes, list[bytes]] = defaultdict(list)
        self.longest = len(forms[-1][0]) if forms else 0
        for form, is_loose in forms:
            self._add(form, is_loose=is_loose)
        for candidates in self._candidates.values():
            # Those that reach farthest first: they spare looking at the others.
            candidates.sort(key=lambda one: one.offset - len(one.form))
        self._blocks = frozenset(self._candidates)

    def _add(self, form: bytes, *, is_loose: bool) -> None:
        folded = form.lower()
        for size in range(1, _BLOCK + 1):
            self._beginnings[folded[:size]].append(folded)
        offset = self._place(folded)
        for at in range(offset, offset + self._stride):
            self._candidates[_number(folded, at)].append(_Candidate(form, at, is_loose))

    def _place(self, folded: bytes) -> int:
        """Where the fewest others are already: forms with the same beginning are told apart behind it."""
        last = len(folded) - _BLOCK - self._stride + 1
        best, fewest = last, sys.maxsize
        for part in range(_TRIED_PLACES, -1, -1):
            place = last * part // _TRIED_PLACES
            blocks = (_number(folded, at) for at in range(place, place + self._stride))
            crowd = sum(len(self._candidates[block]) for block in blocks if block in self._candidates)
            if crowd < fewest:
                best, fewest = place, crowd
            if not crowd:
                break
        return best

    def spans(self, data: bytes) -> list[Span]:
        """Where forms are, in order; those that overlap or touch as one."""
        folded = data.lower()
        found = sorted(self._found(data, folded))
        spans: list[Span] = []
        for start, end in found:
            if spans and start <= spans[-1][1]:
                spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
            else:
                spans.append((start, end))
        return spans

    def _found(self, data: bytes, folded: bytes) -> Iterator[Span]:
        low = high = 0
        for place, block in self._suspects(folded):
            for form, offset, is_loose in self._candidates[block]:
                start, end = place - offset, place - offset + len(form)
                # What lies within the last ones needs no comparing: of a text of one letter, that is nearly all.
                if start < 0 or (low <= start and end <= high):
                    continue
                if (folded if is_loose else data).startswith(form, start):
                    low, high = (low, max(end, high)) if low <= start <= high else (start, end)
                    yield start, end

    def _suspects(self, folded: bytes) -> Iterator[tuple[int, int]]:
        """The blocks that may be part of a form, and where they stand."""
        for begin in range(0, _BLOCK, self._stride):
            size = (len(folded) - begin) // _BLOCK * _BLOCK
            blocks = memoryview(folded)[begin : begin + max(size, 0)].cast("I")
            for first in range(0, len(blocks), _BLOCKS_AT_ONCE):
                piece = blocks[first : first + _BLOCKS_AT_ONCE]
                # Nearly all of most texts is done with here, at the speed of C.
                if not self._blocks.isdisjoint(piece):
                    for number, block in enumerate(piece, start=first):
                        if block in self._blocks:
                            yield begin + number * _BLOCK, block

    def beginning(self, data: bytes) -> int:
        """Where the first form may have begun that goes on behind the end; the length when none has."""
        folded = data.lower()
        for start in range(max(len(folded) - self.longest + 1, 0), len(folded)):
            near = self._beginnings.get(folded[start : start + _BLOCK])
            if near is not None:
                rest = folded[start:]
                if any(len(form) > len(rest) and form.startswith(rest) for form in near):
                    return start
        return len(data)


def _number(folded: bytes, at: int) -> int:
    """Four bytes as a block of them is read."""
    return int.from_bytes(folded[at : at + _BLOCK], sys.byteorder)
