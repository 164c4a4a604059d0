"""Parts of two texts laid out line by line, as a page or a terminal shows them."""

from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec

from releaseapp.workflows.differences.lines import LINES
from releaseapp.workflows.differences.models import Piece

_CONTEXT_LINES = 3


class Row(msgspec.Struct, frozen=True):
    """A line with its parts; a gap stands for ``count`` lines that are the same and left out."""

    kind: Literal["same", "removed", "added", "gap"]
    pieces: list[Piece] = []
    count: int = 0


def rows_of(pieces: Iterable[Piece], context: int = _CONTEXT_LINES) -> list[Row]:
    """The lines that were removed and added, with a few around them."""
    return list(_folded(list(_rows(pieces)), context))


def _rows(pieces: Iterable[Piece]) -> Iterator[Row]:
    mine, theirs = _Side("removed"), _Side("added")
    parts = [Piece(piece.kind, text) for piece in pieces for text in LINES.findall(piece.text)]
    for part in parts:
        sides = [side for side in (mine, theirs) if part.kind in {"same", side.kind}]
        for side in sides:
            side.line.append(part)
        whole = part.kind == "same" and mine.line == theirs.line == [part]
        if whole and (part.text.endswith("\n") or part is parts[-1]):
            yield from (*mine.flushed(), *theirs.flushed(), Row("same", [part]))
            mine.line, theirs.line = [], []
        elif part.text.endswith("\n"):
            for side in sides:
                side.end_line()
    mine.end_line()
    theirs.end_line()
    yield from (*mine.flushed(), *theirs.flushed())


class _Side:
    """The lines of one side that wait until both sides are the same again."""

    def __init__(self, kind: Literal["removed", "added"]) -> None:
        self.kind = kind
        self.line: list[Piece] = []
        self._waiting: list[Row] = []

    def end_line(self) -> None:
        if self.line:
            self._waiting.append(Row(self.kind, self.line))
        self.line = []

    def flushed(self) -> list[Row]:
        rows, self._waiting = self._waiting, []
        return rows


def _folded(rows: list[Row], context: int) -> Iterator[Row]:
    """The rows without those that are far from any change."""
    near: set[int] = set()
    for place, row in enumerate(rows):
        if row.kind != "same":
            near.update(range(place - context, place + context + 1))
    left_out = 0
    for place, row in enumerate(rows):
        if place in near:
            if left_out:
                yield Row("gap", count=left_out)
            left_out = 0
            yield row
        else:
            left_out += 1
    if left_out and near:
        yield Row("gap", count=left_out)
