"""What may stand behind ``|``. Each is charged for the data it goes through."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from releaseapp.expressions import lists, methods, operations
from releaseapp.expressions.budget import Budget, ExpressionError, check_text, measure, number, size
from releaseapp.expressions.lists import NOTHING, items_of, look, path_of, reach
from releaseapp.expressions.methods import changed
from releaseapp.expressions.operations import kind, shown
from releaseapp.expressions.tests import TESTS
from releaseapp.expressions.text import as_text

_PRECISION = 15
_MAY_BE_MISSING = (None, "defined", "undefined")


def _default(_budget: Budget, value: Any, other: Any = "", boolean: Any = False) -> Any:
    if isinstance(value, operations.Missing) or (boolean and not value):
        return other
    return value


def _length(_budget: Budget, value: Any) -> int:
    if not isinstance(value, (str, list, dict)):
        raise ExpressionError(f"A {kind(value)} has no length.")
    return len(value)


def _text(budget: Budget, value: Any) -> str:
    return as_text(value, budget)


def _textual(change: Callable[[str], str]) -> Callable[..., str]:
    def apply(budget: Budget, value: Any) -> str:
        return changed(budget, change, as_text(value, budget))

    return apply


def _map(
    budget: Budget, value: Any, name: Any = None, *arguments: Any, attribute: Any = None, default: Any = NOTHING
) -> list[Any]:
    items, path = items_of(budget, value), path_of(attribute)
    if path is not None:
        return [reach(budget, item, path, default) for item in items]
    if not isinstance(name, str) or name not in FILTERS:
        raise ExpressionError("map needs the name of a filter, or attribute=.")
    found = []
    for item in items:
        budget.charge(1 + size(item))
        found.append(FILTERS[name](budget, item, *arguments))
    return found


def _choosing(*, wanted: bool, by_attribute: bool) -> Callable[..., list[Any]]:
    def choose(budget: Budget, value: Any, *arguments: Any) -> list[Any]:
        rest = list(arguments)
        path = path_of(rest.pop(0)) if by_attribute and rest else None
        if by_attribute and path is None:
            raise ExpressionError("An attribute is needed to choose by.")
        name = rest.pop(0) if rest else None
        if name is not None and (not isinstance(name, str) or name not in TESTS):
            raise ExpressionError(f"There is no test {shown(name)} to choose by.")
        found = []
        for item in items_of(budget, value):
            part = look(budget, item, path)
            budget.charge(1 + size(part))
            if isinstance(part, operations.Missing) and name not in _MAY_BE_MISSING:
                raise ExpressionError(part.sentence)
            holds = bool(part) if name is None else TESTS[name](budget, part, *rest)
            if bool(holds) is wanted:
                found.append(item)
        return found

    return choose


def _round(_budget: Budget, value: Any, precision: Any = 0, method: Any = "common") -> Any:
    digits = operations.whole(precision)
    if not -_PRECISION <= digits <= _PRECISION:
        raise ExpressionError(f"round takes from -{_PRECISION} to {_PRECISION} digits.")
    given = number(operations.numeric(value))
    if method == "common":
        return round(float(given), digits)
    rounding = {"ceil": math.ceil, "floor": math.floor}.get(method if isinstance(method, str) else "")
    if rounding is None:
        raise ExpressionError("round takes common, ceil or floor.")
    if digits < 0:
        return float(rounding(given / 10**-digits) * 10**-digits)
    return rounding(given * 10**digits) / 10**digits


def _int(_budget: Budget, value: Any, default: Any = 0) -> Any:
    if isinstance(value, str):
        if len(value) > _LONGEST_NUMBER:
            return default
        try:
            return number(int(value))
        except ValueError:
            pass
    try:
        return number(int(float(value))) if isinstance(value, (str, int, float)) and not _big(value) else default
    except (ValueError, OverflowError):
        return default


def _float(_budget: Budget, value: Any, default: Any = 0.0) -> Any:
    try:
        return number(float(value)) if isinstance(value, (str, int, float)) and not _big(value) else default
    except (ValueError, OverflowError, ExpressionError):
        return default


_LONGEST_NUMBER = 100


def _big(value: Any) -> bool:
    return isinstance(value, str) and len(value) > _LONGEST_NUMBER


def _tojson(budget: Budget, value: Any, indent: Any = 0) -> str:
    width = operations.whole(indent)
    if not 0 <= width <= _WIDEST_INDENT:
        raise ExpressionError(f"tojson takes an indent from 0 to {_WIDEST_INDENT}.")
    depths = measure(value, budget)
    body = msgspec.json.encode(value)
    check_text(len(body) + 2 * width * depths)
    budget.charge((len(body) + 2 * width * depths) // 64)
    return (msgspec.json.format(body, indent=width) if width else body).decode()


_WIDEST_INDENT = 8


def _fromjson(budget: Budget, value: Any) -> Any:
    if not isinstance(value, str):
        raise ExpressionError(f"fromjson reads a text, not a {kind(value)}.")
    # Every part of a list or mapping costs one of these signs, and is far larger than the sign once it is read.
    budget.charge(1 + len(value) // 16 + value.count(",") + value.count("[") + value.count("{"))
    try:
        found = msgspec.json.decode(value)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise ExpressionError(f"The text is not JSON: {error}.") from error
    measure(found)
    return found


def _truncate(budget: Budget, value: Any, length: Any = 255, end: Any = "…") -> str:
    text, tail = as_text(value, budget), as_text(end, budget)
    limit = operations.whole(length)
    if limit < len(tail):
        raise ExpressionError("truncate takes a length that is not shorter than its end.")
    return text if len(text) <= limit else text[: limit - len(tail)] + tail


def _abs(_budget: Budget, value: Any) -> Any:
    return abs(operations.numeric(value))


def _replace(budget: Budget, value: Any, old: Any, new: Any) -> str:
    return methods.replace(budget, as_text(value, budget), old, new)


FILTERS: Mapping[str, Callable[..., Any]] = {
    "abs": _abs,
    "batch": lists.batch,
    "capitalize": _textual(str.capitalize),
    "count": _length,
    "d": _default,
    "default": _default,
    "dictsort": lists.dictsort,
    "first": lists.first,
    "float": _float,
    "fromjson": _fromjson,
    "int": _int,
    "items": methods.pairs,
    "join": lists.join,
    "last": lists.last,
    "length": _length,
    "list": lists.listed,
    "lower": _textual(str.lower),
    "map": _map,
    "max": lists.extreme(max),
    "min": lists.extreme(min),
    "reject": _choosing(wanted=False, by_attribute=False),
    "rejectattr": _choosing(wanted=False, by_attribute=True),
    "replace": _replace,
    "reverse": lists.reverse,
    "round": _round,
    "select": _choosing(wanted=True, by_attribute=False),
    "selectattr": _choosing(wanted=True, by_attribute=True),
    "sort": lists.sort,
    "split": methods.split,
    "string": _text,
    "sum": lists.total,
    "title": _textual(str.title),
    "tojson": _tojson,
    "trim": _textual(str.strip),
    "truncate": _truncate,
    "unique": lists.unique,
    "upper": _textual(str.upper),
    "wordcount": lambda budget, value: len(methods.split(budget, value)),
}
