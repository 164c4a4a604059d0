"""What is different between two texts, line by line."""

import difflib
from typing import Literal

import msgspec

_CONTEXT_LINES = 3

Kind = Literal["same", "added", "removed", "gap"]


class Line(msgspec.Struct, frozen=True):
    """One line of a difference; a gap stands for lines that are the same and left out."""

    kind: Kind
    text: str


def text_difference(before: str, after: str) -> list[Line]:
    """The lines that were removed and added, with a few around them; empty when nothing is different."""
    found = []
    unified = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=_CONTEXT_LINES)
    for number, line in enumerate(unified):
        if number < 2:  # noqa: PLR2004 - the two lines that name files
            continue
        kind: Kind = "gap" if line.startswith("@@") else _KINDS[line[:1]]
        found.append(Line(kind, "" if kind == "gap" else line[1:]))
    return found[1:] if found and found[0].kind == "gap" else found


_KINDS: dict[str, Kind] = {"+": "added", "-": "removed", " ": "same"}
