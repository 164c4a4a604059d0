"""Parts of two texts laid out line by line, as a page or a terminal shows them."""

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
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


def rows_of(pieces: Iterable[Piece], context: int = _CONTEXT_LINES, most: int | None = None) -> list[Row]:
    """The lines that were removed and added, with a few around them; of long ones the first ``most`` rows."""
    return list(islice(_folded(_rows(pieces), context), most))


def _rows(pieces: Iterable[Piece]) -> Iterator[Row]:
    mine, theirs = _Side("removed"), _Side("added")
    for part in (Piece(piece.kind, text) for piece in pieces for text in LINES.findall(piece.text)):
        sides = [side for side in (mine, theirs) if part.kind in {"same", side.kind}]
        for side in sides:
            side.line.append(part)
        if not part.text.endswith("\n"):
            continue
        if part.kind == "same" and mine.line == theirs.line == [part]:
            yield from _until_the_same(mine, theirs)
            continue
        for side in sides:
            side.end_line()
    yield from _until_the_same(mine, theirs)


def _until_the_same(mine: "_Side", theirs: "_Side") -> Iterator[Row]:
    """All lines that wait, and the line that is the same on both sides, if there is one."""
    same = mine.line if mine.line == theirs.line else []
    for side in (mine, theirs):
        if same:
            side.line = []
        side.end_line()
        yield from side.flushed()
    if same:
        yield Row("same", same)


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


def _folded(rows: Iterable[Row], context: int) -> Iterator[Row]:
    """The rows without those that are far from any change."""
    held: deque[Row] = deque(maxlen=context)
    left_out = after_change = 0
    changed = False
    for row in rows:
        if row.kind != "same":
            if left_out:
                yield Row("gap", count=left_out)
            yield from held
            yield row
            held.clear()
            left_out, after_change, changed = 0, context, True
        elif after_change:
            yield row
            after_change -= 1
        else:
            left_out += len(held) == context
            held.append(row)
    if changed and left_out + len(held):
        yield Row("gap", count=left_out + len(held))
