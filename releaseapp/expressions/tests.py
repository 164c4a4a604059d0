"""What may stand behind ``is``."""

from collections.abc import Callable, Mapping
from typing import Any

from releaseapp.expressions import operations
from releaseapp.expressions.budget import Budget

_NUMBER = (int, float)


def _simple(ask: Callable[[Any], bool]) -> Callable[..., bool]:
    def test(_budget: Budget, value: Any) -> bool:
        return ask(value)

    return test


def _comparing(name: str) -> Callable[..., bool]:
    compare = operations.COMPARE[name]

    def test(budget: Budget, value: Any, other: Any) -> bool:
        return compare(value, other, budget)

    return test


def _is_number(value: Any) -> bool:
    return isinstance(value, _NUMBER) and not isinstance(value, bool)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _divisible(_budget: Budget, value: Any, by: Any) -> bool:
    return operations.whole(value) % operations.whole(by) == 0


TESTS: Mapping[str, Callable[..., bool]] = {
    "boolean": _simple(lambda value: isinstance(value, bool)),
    "defined": _simple(lambda value: not isinstance(value, operations.Missing)),
    "divisibleby": _divisible,
    "eq": _comparing("eq"),
    "equalto": _comparing("eq"),
    "even": _simple(lambda value: operations.whole(value) % 2 == 0),
    "false": _simple(lambda value: value is False),
    "float": _simple(lambda value: isinstance(value, float)),
    "ge": _comparing("gteq"),
    "gt": _comparing("gt"),
    "in": _comparing("in"),
    "integer": _simple(_is_whole),
    "iterable": _simple(lambda value: isinstance(value, (str, list, dict))),
    "le": _comparing("lteq"),
    "lt": _comparing("lt"),
    "mapping": _simple(lambda value: isinstance(value, dict)),
    "ne": _comparing("ne"),
    "none": _simple(lambda value: value is None),
    "number": _simple(_is_number),
    "odd": _simple(lambda value: operations.whole(value) % 2 == 1),
    "sequence": _simple(lambda value: isinstance(value, (str, list))),
    "string": _simple(lambda value: isinstance(value, str)),
    "true": _simple(lambda value: value is True),
    "undefined": _simple(lambda value: isinstance(value, operations.Missing)),
}
