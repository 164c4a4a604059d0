"""JSON to look into: a tree that can be folded, no larger than a page can bear."""

from typing import Any

import msgspec

_MOST_NODES = 400
_MOST_PARTS = 100
_LONGEST_TEXT = 4_000
_LONGEST_KEY = 200
_OPEN_DEPTH = 2
_OPEN_ITEMS = 30
_DEEPEST = 12


class Piece(msgspec.Struct, frozen=True):
    """A value: ``kind`` is text, plain (a number, true, null), object or list.

    ``text`` is what is shown of a text or plain value, ``size`` how many characters or parts it has in all,
    ``left_out`` how many of them are not shown. ``key`` is its name or number in what it is part of.
    """

    kind: str
    key: str | None
    text: str = ""
    size: int = 0
    left_out: int = 0
    is_open: bool = False
    pieces: list["Piece"] = []


class _Budget:
    """How many more values may be shown."""

    def __init__(self, number: int) -> None:
        self.left = number


def shown(value: Any) -> Piece:
    """The value as a tree, as much of it as a page can bear."""
    return _piece(None, value, 0, _Budget(_MOST_NODES))


def _piece(key: str | None, value: Any, depth: int, budget: _Budget) -> Piece:
    budget.left -= 1
    if isinstance(value, str):
        text = value[:_LONGEST_TEXT]
        return Piece("text", key, text, len(value), len(value) - len(text))
    if not isinstance(value, dict | list):
        return Piece("plain", key, msgspec.json.encode(value).decode())
    kind = "object" if isinstance(value, dict) else "list"
    parts = list(value.items() if isinstance(value, dict) else enumerate(value)) if depth < _DEEPEST else []
    pieces = []
    for name, one in parts[:_MOST_PARTS]:
        if budget.left <= 0:
            break
        pieces.append(_piece(str(name)[:_LONGEST_KEY], one, depth + 1, budget))
    is_open = depth < _OPEN_DEPTH and len(value) <= _OPEN_ITEMS
    return Piece(kind, key, "", len(value), len(value) - len(pieces), is_open, pieces)
