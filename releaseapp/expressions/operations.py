"""What operators and methods do with plain data; each looks at the size of its result before it makes it."""

import operator
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any

import msgspec

from releaseapp.expressions.budget import (
    LARGEST_BITS,
    Budget,
    ExpressionError,
    check_items,
    check_text,
    measure,
    number,
    size,
)
from releaseapp.expressions.text import as_text

LONGEST_RANGE = 10_000
_KEYS_SHOWN = 8
_LETTERS_SHOWN = 40


class Missing(msgspec.Struct, frozen=True):
    """Stands for what is not there, so that ``default`` and ``is defined`` can ask; says why it is not."""

    sentence: str

    def __bool__(self) -> bool:
        return False


def missing_variable(name: str, variables: Mapping[str, Any]) -> Missing:
    """There is no such variable."""
    return Missing(f"There is no {name!r} here; there is {_listed(variables)}.")


def item(value: Any, wanted: Any) -> Any:
    """``value.wanted`` and ``value[wanted]`` alike: a key of a mapping, or a place in a list or text."""
    if isinstance(value, Missing):
        return value
    if isinstance(value, dict):
        if isinstance(wanted, str) and wanted in value:
            return value[wanted]
        return Missing(f"There is no key {shown(wanted)}; there is {_listed(value)}.")
    if isinstance(value, (list, str)) and isinstance(wanted, int) and not isinstance(wanted, bool):
        if -len(value) <= wanted < len(value):
            return value[wanted]
        return Missing(f"There is no item {shown(wanted)}; there are {len(value)}.")
    return Missing(f"A {kind(value)} has no {shown(wanted)}.")


def _listed(known: Mapping[str, Any]) -> str:
    names = [str(name)[:_LETTERS_SHOWN] for name in islice(known, _KEYS_SHOWN)]
    more = ", …" if len(known) > _KEYS_SHOWN else ""
    return ", ".join(names) + more if names else "nothing"


def shown(value: Any) -> str:
    """A value as a sentence may quote it; never more than a few characters are made of it."""
    if isinstance(value, str):
        return repr(value[:_LETTERS_SHOWN] + ("…" if len(value) > _LETTERS_SHOWN else ""))
    small = isinstance(value, float) or (isinstance(value, int) and value.bit_length() <= LARGEST_BITS)
    return str(value).lower() if small else kind(value)


def kind(value: Any) -> str:
    """What a value is, in words."""
    kinds = {bool: "boolean", int: "number", float: "number", str: "text", list: "list", dict: "mapping"}
    return "nothing" if value is None else kinds.get(type(value), "value")


def key(value: Any) -> str:
    """A key of a mapping, which in JSON is text."""
    if not isinstance(value, str):
        raise ExpressionError("The keys of a mapping must be text.")
    return value


def whole(value: Any) -> int:
    """A whole number that is small enough to count with."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise ExpressionError(f"A whole number is needed, not a {kind(value)}.")
    return int(number(value))


def numeric(value: Any) -> Any:
    """A number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ExpressionError(f"A number is needed, not a {kind(value)}.")
    return value


def _add(left: Any, right: Any, budget: Budget) -> Any:
    if isinstance(left, str) and isinstance(right, str):
        return concatenate([left, right], budget)
    if isinstance(left, list) and isinstance(right, list):
        check_items(len(left) + len(right))
        budget.charge(size(left) + size(right))
        return left + right
    if isinstance(left, str) or isinstance(right, str):
        raise ExpressionError(f"A {kind(left)} and a {kind(right)} cannot be added; ~ joins values as text.")
    return number(numeric(left) + numeric(right))


def _multiply(left: Any, right: Any, budget: Budget) -> Any:
    if isinstance(left, (str, list)):
        times = whole(right)
        long = len(left) * max(times, 0)
        check_text(long) if isinstance(left, str) else check_items(long)
        budget.charge(1 + (long // 32 if isinstance(left, str) else long))
        return left * times
    if isinstance(right, (str, list)):
        return _multiply(right, left, budget)
    return number(numeric(left) * numeric(right))


def _power(left: Any, right: Any, _budget: Budget) -> Any:
    base, exponent = numeric(left), numeric(right)
    if isinstance(base, int) and isinstance(exponent, int):
        if exponent > LARGEST_BITS or base.bit_length() * max(exponent, 0) > 2 * LARGEST_BITS:
            raise ExpressionError("It makes a number that is too large.")
    elif base < 0:
        raise ExpressionError("A negative number has no such power.")
    return number(base**exponent)


def _on_numbers(operate: Callable[[Any, Any], Any]) -> Callable[[Any, Any, Budget], Any]:
    def evaluate(left: Any, right: Any, _budget: Budget) -> Any:
        try:
            return number(operate(numeric(left), numeric(right)))
        except ZeroDivisionError as error:
            raise ExpressionError("It divides by zero.") from error

    return evaluate


BINARY: Mapping[str, Callable[[Any, Any, Budget], Any]] = {
    "+": _add,
    "-": _on_numbers(operator.sub),
    "*": _multiply,
    "/": _on_numbers(operator.truediv),
    "//": _on_numbers(operator.floordiv),
    "%": _on_numbers(operator.mod),
    "**": _power,
}


def contains(container: Any, wanted: Any, budget: Budget) -> bool:
    """``wanted in container``."""
    budget.charge(size(container) + size(wanted))
    if isinstance(container, (str, dict)):
        return isinstance(wanted, str) and wanted in container
    if not isinstance(container, list):
        raise ExpressionError(f"A {kind(container)} cannot contain anything.")
    if isinstance(wanted, (list, dict)):
        measure(container, budget)
    elif isinstance(wanted, str):
        budget.charge(len(container) * len(wanted) // 1024)
    return wanted in container


def _compare(ask: Callable[[Any, Any], Any]) -> Callable[[Any, Any, Budget], bool]:
    def evaluate(left: Any, right: Any, budget: Budget) -> bool:
        budget.charge(size(left) + size(right))
        if isinstance(left, (list, dict)) and type(left) is type(right):
            # Python compares part by part, and what is shared again and again; as a tree it must be small.
            measure(left, budget)
        try:
            return bool(ask(left, right))
        except TypeError as error:
            raise ExpressionError(f"A {kind(left)} and a {kind(right)} have no order.") from error

    return evaluate


COMPARE: Mapping[str, Callable[[Any, Any, Budget], bool]] = {
    "eq": _compare(operator.eq),
    "ne": _compare(operator.ne),
    "lt": _compare(operator.lt),
    "lteq": _compare(operator.le),
    "gt": _compare(operator.gt),
    "gteq": _compare(operator.ge),
    "in": lambda left, right, budget: contains(right, left, budget),
    "notin": lambda left, right, budget: not contains(right, left, budget),
}


def concatenate(values: list[Any], budget: Budget) -> str:
    """Values as text, one after the other."""
    texts = [as_text(value, budget) for value in values]
    check_text(sum(map(len, texts)))
    joined = "".join(texts)
    # One letter that is wide makes all of them wide.
    budget.charge(size(joined))
    return joined


def span(bounds: list[Any], budget: Budget) -> list[int]:
    """``range(…)`` as a list."""
    numbers = range(*map(whole, bounds))
    if len(numbers) > LONGEST_RANGE:
        raise ExpressionError(f"A range may have {LONGEST_RANGE:,} numbers.")
    budget.charge(len(numbers))
    return list(numbers)
