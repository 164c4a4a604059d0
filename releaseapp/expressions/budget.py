"""How much an expression may do, and how large what it makes may become."""

import math
import time
from typing import Any

from releaseapp.errors import AppError

LONGEST_TEMPLATE = 20_000
LONGEST_EXPRESSIONS = 4_000
LONGEST_TEXT = 1_000_000
MOST_ITEMS = 100_000
MOST_OPERATIONS = 200_000
LARGEST_BITS = 256
_DEEPEST = 100
_SECONDS = 0.06
_LOOK_EVERY = 256


class ExpressionError(AppError):
    """An expression cannot be written so, or cannot be evaluated; the sentence says what and how to mend it."""


class Budget:
    """What one rendering may still do. Every step is charged; large ones by the items they touch."""

    __slots__ = ("_deadline", "_left", "_next_look")

    def __init__(self) -> None:
        self._left = MOST_OPERATIONS
        self._next_look = MOST_OPERATIONS - _LOOK_EVERY
        self._deadline = 0.0

    def charge(self, operations: int = 1) -> None:
        """Takes from the budget; raises ExpressionError when it, or the time, is used up."""
        self._left = left = self._left - operations
        if left > self._next_look:
            return
        self._next_look = left - _LOOK_EVERY
        # Most expressions end before the first look, and never ask for the time.
        now = time.perf_counter()
        self._deadline = self._deadline or now + _SECONDS
        if left < 0 or now > self._deadline:
            raise ExpressionError("It does too much; give it less data, or spread the work over several steps.")


def check_text(length: int) -> None:
    """Refuses a text before it is made."""
    if length > LONGEST_TEXT:
        raise ExpressionError(f"It makes a text of more than {LONGEST_TEXT:,} characters.")


def check_items(number: int) -> None:
    """Refuses a list before it is made."""
    if number > MOST_ITEMS:
        raise ExpressionError(f"It makes a list of more than {MOST_ITEMS:,} items.")


def number(value: Any) -> Any:
    """``value`` when it is a number that JSON can hold; raises ExpressionError for others."""
    if isinstance(value, int):
        if value.bit_length() > LARGEST_BITS:
            raise ExpressionError("It makes a number that is too large.")
    elif isinstance(value, float) and not math.isfinite(value):
        raise ExpressionError("It makes a number that is infinite, or none.")
    return value


def measure(value: Any) -> None:
    """Raises ExpressionError when ``value`` as JSON would be too large or deep, also by sharing its parts."""
    if isinstance(value, (bool, int, float)) or value is None:
        number(value)
        return
    weight = 0
    layer = [value]
    for _ in range(_DEEPEST):
        deeper: list[Any] = []
        for part in layer:
            if isinstance(part, str):
                weight += len(part)
                _check_encodable(part)
            elif isinstance(part, dict):
                weight += sum(map(len, part))
                deeper.extend(part.values())
            elif isinstance(part, list):
                deeper.extend(part)
            else:
                number(part)
            if weight > LONGEST_TEXT or len(deeper) > MOST_ITEMS:
                raise ExpressionError("Its result is too large.")
        weight += len(layer)
        if not deeper:
            return
        layer = deeper
    raise ExpressionError("Its result is nested too deep.")


def _check_encodable(text: str) -> None:
    if text.isascii():
        return
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ExpressionError("Its result has half a character (a lone surrogate), which no JSON can hold.") from error
