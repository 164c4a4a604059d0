"""What operators and methods do with plain data; each looks at the size of its result before it makes it."""

import operator
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from releaseapp.expressions.budget import (
    LARGEST_BITS,
    MOST_ITEMS,
    Budget,
    ExpressionError,
    check_items,
    check_text,
    number,
)
from releaseapp.expressions.text import as_text

LONGEST_RANGE = 10_000
_KEYS_SHOWN = 8


class Missing(msgspec.Struct, frozen=True):
    """Stands for what is not there, so that ``default`` and ``is defined`` can ask; says why it is not."""

    sentence: str


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
        return Missing(f"There is no key {wanted!r}; there is {_listed(value)}.")
    if isinstance(value, (list, str)) and isinstance(wanted, int) and not isinstance(wanted, bool):
        if -len(value) <= wanted < len(value):
            return value[wanted]
        return Missing(f"There is no item {wanted}; there are {len(value)}.")
    return Missing(f"A {kind(value)} has no {wanted!r}.")


def _listed(known: Mapping[str, Any]) -> str:
    names = [str(name) for name in list(known)[:_KEYS_SHOWN]]
    more = ", …" if len(known) > _KEYS_SHOWN else ""
    return ", ".join(names) + more if names else "nothing"


def kind(value: Any) -> str:
    """What a value is, in words."""
    kinds = {bool: "boolean", int: "number", float: "number", str: "text", list: "list", dict: "mapping"}
    return "nothing" if value is None else kinds.get(type(value), "value")


def size(value: Any) -> int:
    """What it costs to go through a value once."""
    if isinstance(value, str):
        return 1 + len(value) // 64
    return 1 + len(value) if isinstance(value, (list, dict)) else 1


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
        check_text(len(left) + len(right))
        budget.charge(size(left) + size(right))
        return left + right
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
        budget.charge(1 + (long // 64 if isinstance(left, str) else long))
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


def contains(container: Any, wanted: Any) -> bool:
    """``wanted in container``."""
    if isinstance(container, str):
        return isinstance(wanted, str) and wanted in container
    if isinstance(container, dict):
        return isinstance(wanted, str) and wanted in container
    if isinstance(container, list):
        return wanted in container
    raise ExpressionError(f"A {kind(container)} cannot contain anything.")


COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "lteq": operator.le,
    "gt": operator.gt,
    "gteq": operator.ge,
    "in": lambda left, right: contains(right, left),
    "notin": lambda left, right: not contains(right, left),
}


def concatenate(values: list[Any], budget: Budget) -> str:
    """Values as text, one after the other."""
    texts = [as_text(value, budget) for value in values]
    check_text(sum(map(len, texts)))
    return "".join(texts)


def span(bounds: list[Any], budget: Budget) -> list[int]:
    """``range(…)`` as a list."""
    numbers = range(*map(whole, bounds))
    if len(numbers) > LONGEST_RANGE:
        raise ExpressionError(f"A range may have {LONGEST_RANGE:,} numbers.")
    budget.charge(len(numbers))
    return list(numbers)


def split(budget: Budget, value: Any, separator: Any = None) -> list[str]:
    """A text cut at a separator, or at white space."""
    if not isinstance(value, str) or not (separator is None or isinstance(separator, str)):
        raise ExpressionError(f"Only a text can be split, and at a text; this is a {kind(value)}.")
    parts = value.split(separator, MOST_ITEMS)
    check_items(len(parts))
    budget.charge(len(parts))
    return parts


def replace(budget: Budget, value: Any, old: Any, new: Any) -> str:
    """A text with every ``old`` made ``new``."""
    if not (isinstance(value, str) and isinstance(old, str) and isinstance(new, str)):
        raise ExpressionError("replace works on a text, and takes two texts.")
    found = value.count(old)
    check_text(len(value) + found * max(0, len(new) - len(old)))
    budget.charge(1 + found // 4)
    return value.replace(old, new)


def _of_text(name: str) -> Callable[..., Any]:
    def call(_budget: Budget, value: Any, *arguments: Any) -> Any:
        if not isinstance(value, str) or not all(isinstance(argument, str) for argument in arguments):
            raise ExpressionError(f"{name} works on a text, and takes text.")
        return getattr(value, name)(*arguments)

    return call


def _of_mapping(take: Callable[[dict[str, Any]], Any]) -> Callable[..., Any]:
    def call(_budget: Budget, value: Any) -> Any:
        if not isinstance(value, dict):
            raise ExpressionError(f"A mapping is needed, not a {kind(value)}.")
        return take(value)

    return call


def _get(_budget: Budget, value: Any, wanted: Any, default: Any = None) -> Any:
    if not isinstance(value, dict) or not isinstance(wanted, str):
        raise ExpressionError("get works on a mapping, and takes a text.")
    return value.get(wanted, default)


pairs = _of_mapping(lambda value: [[name, one] for name, one in value.items()])

METHODS: Mapping[str, Callable[..., Any]] = {
    "endswith": _of_text("endswith"),
    "get": _get,
    "items": pairs,
    "keys": _of_mapping(list),
    "lower": _of_text("lower"),
    "replace": replace,
    "split": split,
    "startswith": _of_text("startswith"),
    "strip": _of_text("strip"),
    "title": _of_text("title"),
    "upper": _of_text("upper"),
    "values": _of_mapping(lambda value: list(value.values())),
}


def method(name: str) -> Callable[..., Any]:
    """The method of that name."""
    return METHODS[name]
