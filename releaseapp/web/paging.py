"""Lists are read page by page, by a cursor that says where the last page ended."""

import base64
import binascii
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Generic, TypeVar

import msgspec

from releaseapp.errors import Invalid
from releaseapp.web.request import Request

T = TypeVar("T")
C = TypeVar("C", bound=StrEnum)

DEFAULT_LIMIT = 50
LARGEST_LIMIT = 200
FIRST = "\U0010ffff"
"""Sorts after every id: where the first page of a list that is read newest first begins."""


class Page(msgspec.Struct, Generic[T], frozen=True):
    """One page of a list; ``next`` is the cursor of the page after it, None on the last."""

    items: list[T]
    next: str | None = None


class Cursor(msgspec.Struct, frozen=True):
    """Where a page begins (the id that the page before ended with) and how long it may be."""

    before: str
    limit: int

    def page(self, found: Sequence[T], key: Callable[[T], str]) -> Page[T]:
        """A page out of up to ``limit + 1`` items: the one too many says that there is more."""
        items = list(found[: self.limit])
        more = len(found) > self.limit
        return Page(items, _encode(key(items[-1])) if more else None)


def cursor(request: Request) -> Cursor:
    """The cursor that ``?limit=`` and ``?cursor=`` ask for; raises Invalid when they make no sense."""
    limit = whole(request, "limit", default=DEFAULT_LIMIT, low=1, high=LARGEST_LIMIT)
    return Cursor(_decode(request.GET["cursor"]) if "cursor" in request.GET else FIRST, limit)


def whole(request: Request, name: str, *, default: int, low: int, high: int) -> int:
    """A whole number of the query string; raises Invalid when it is none, or out of bounds."""
    text = request.GET.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(high)) and low <= int(text) <= high):
        raise Invalid.at(f"/{name}", f"{name} must be a whole number from {low} to {high}.")
    return int(text)


def choice(request: Request, name: str, choices: type[C]) -> C | None:
    """A member of an enum named in the query string, None without one; raises Invalid for another word."""
    text = request.GET.get(name, "")
    if not text:
        return None
    try:
        return choices(text)
    except ValueError:
        raise Invalid.at(f"/{name}", f"{name} must be one of {', '.join(choices)}.") from None


def _encode(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def _decode(text: str) -> str:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError, ValueError) as error:
        raise Invalid.at("/cursor", "cursor is not one that this server gave; begin again without it.") from error
