"""How much an expression may do, and how large what it makes may become."""

import math
import time
from typing import Any

from releaseapp.errors import AppError

LONGEST_TEMPLATE = 20_000
MOST_TOKENS = 2_000
MOST_LEVELS = 150
EFFORT_OF_A_TEXT = 10
MOST_READ_AT_ONCE = 50_000
MOST_READ_IN_ALL = 200_000
LONGEST_TEXT = 1_000_000
MOST_ITEMS = 100_000
MOST_OPERATIONS = 200_000
LARGEST_BITS = 256
_LONGEST_SENTENCE = 600
_DEEPEST = 100
_SECONDS = 0.04
_LOOK_EVERY = 256


class ExpressionError(AppError):
    """An expression cannot be written so, or cannot be evaluated; the sentence says what and how to mend it."""

    def __init__(self, sentence: str) -> None:
        # The sentence quotes the expression and its data; it must stay fit to be stored and sent.
        shown = sentence if len(sentence) <= _LONGEST_SENTENCE else sentence[: _LONGEST_SENTENCE - 1] + "…"
        super().__init__(shown.encode(errors="replace").decode().replace("\0", "?"))


class Budget:
    """What one rendering may still do.

    Every step is charged by what it touches: an operation for some 300 nanoseconds or 150 bytes, whichever is
    more, so that what is left bounds time and memory alike.
    """

    __slots__ = ("_deadline", "_left", "_next_look", "_unread")

    def __init__(self) -> None:
        self._unread = MOST_READ_AT_ONCE
        self._left = MOST_OPERATIONS
        self._next_look = MOST_OPERATIONS - _LOOK_EVERY
        self._deadline = 0.0

    def charge(self, operations: int = 1) -> None:
        """Takes from the budget; raises ExpressionError when it, or the time, is used up."""
        self._left = left = self._left - operations
        if left > self._next_look:
            return
        self._next_look = left - _LOOK_EVERY
        # Most expressions end before the first look, and never ask for the time. It is the thread's own: waiting
        # for a busy machine must not make an expression fail.
        now = time.thread_time()
        self._deadline = self._deadline or now + _SECONDS
        if left < 0 or now > self._deadline:
            raise ExpressionError("It does too much; give it less data, or spread the work over several steps.")

    def charge_reading(self, effort: int) -> None:
        """Takes from what may still be read, whether it had to be or was known; raises ExpressionError."""
        self._unread -= effort
        if self._unread < 0:
            raise ExpressionError(too_many(MOST_READ_AT_ONCE, "template"))

    def allow(self, seconds: float) -> None:
        """Gives more time, for what is bounded otherwise."""
        if self._deadline:
            self._deadline += seconds


def too_many(most: int, what: str) -> str:
    """What is told when expressions are too many."""
    return (
        f"There are too many expressions, or too long ones: {most:,} words and signs are the most in one {what}, "
        f"and each text with expressions counts for {EFFORT_OF_A_TEXT} more."
    )


def size(value: Any) -> int:
    """What it costs to go through a value once, not through what it holds."""
    if isinstance(value, str):
        return 1 + len(value) // (64 if value.isascii() else 32)
    return 1 + len(value) if isinstance(value, (list, dict)) else 1


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


def measure(value: Any, budget: Budget | None = None) -> int:
    """Raises ExpressionError when ``value`` as JSON would be too large or deep, also by sharing its parts.

    Charged to ``budget`` when there is one. Returns the sum of the depths of all parts, which is what
    indentation would multiply.
    """
    if isinstance(value, (dict, list)):
        return _measure_tree(value, budget)
    letters = 0
    if isinstance(value, str):
        letters = _letters(value)
        if letters > LONGEST_TEXT:
            raise ExpressionError(_TOO_LARGE)
    else:
        number(value)
    if budget is not None:
        budget.charge(1 + letters // 64)
    return 0


def _measure_tree(value: Any, budget: Budget | None) -> int:
    letters, parts, depths = 0, 1, 0
    layer: list[Any] = [value]
    for depth in range(_DEEPEST):
        deeper: list[Any] = []
        for part in layer:
            if isinstance(part, dict):
                letters += sum(map(_letters, part))
                deeper.extend(part.values())
            elif isinstance(part, list):
                deeper.extend(part)
            elif isinstance(part, str):
                letters += _letters(part)
            else:
                number(part)
            if letters > LONGEST_TEXT or parts + len(deeper) > MOST_ITEMS:
                raise ExpressionError(_TOO_LARGE)
        if budget is not None:
            budget.charge(len(layer))
        depths += depth * len(layer)
        parts += len(deeper)
        if not deeper:
            if budget is not None:
                budget.charge(letters // 64)
            return depths
        layer = deeper
    raise ExpressionError("A value is nested too deep.")


def _letters(text: Any) -> int:
    if not isinstance(text, str):
        raise ExpressionError("The keys of a mapping must be text.")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise ExpressionError(_HALF) from error
    return len(text)


def whole_text(text: str) -> str:
    r"""A literal as JSON means it, where ``\ud83d\ude00`` is one character; raises ExpressionError for half a one."""
    if text.isascii():
        return text
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError as error:
        raise ExpressionError(_HALF) from error


_TOO_LARGE = f"A value is too large; {MOST_ITEMS:,} items and {LONGEST_TEXT:,} characters are the most."
_HALF = "A text has half a character (a lone surrogate), which no JSON can hold."
