"""What may stand behind ``|``. Each is charged for the data it goes through."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from releaseapp.expressions import operations
from releaseapp.expressions.budget import Budget, ExpressionError, check_items, check_text, measure, number
from releaseapp.expressions.operations import kind, size
from releaseapp.expressions.tests import TESTS
from releaseapp.expressions.text import as_text

_PRECISION = 15


def _items(value: Any) -> list[Any]:
    """The parts of a list, the keys of a mapping, or the characters of a text."""
    if isinstance(value, list):
        return value
    if isinstance(value, (dict, str)):
        check_items(len(value))
        return list(value)
    raise ExpressionError(f"A list is needed, not a {kind(value)}.")


def _reach(value: Any, path: Any) -> Any:
    """``path`` as ``a.b.0`` within a value."""
    for step in str(path).split("."):
        value = operations.item(value, int(step) if step.isascii() and step.isdigit() else step)
    if isinstance(value, operations.Missing):
        raise ExpressionError(value.sentence)
    return value


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
        return change(as_text(value, budget))

    return apply


def _join(budget: Budget, value: Any, separator: Any = "", attribute: Any = None) -> str:
    items = _items(value)
    budget.charge(len(items))
    texts = [as_text(item if attribute is None else _reach(item, attribute), budget) for item in items]
    glue = as_text(separator, budget)
    check_text(sum(map(len, texts)) + len(glue) * len(texts))
    return glue.join(texts)


def _first(_budget: Budget, value: Any) -> Any:
    items = _items(value)
    if not items:
        raise ExpressionError("There is no first of nothing.")
    return items[0]


def _last(_budget: Budget, value: Any) -> Any:
    items = _items(value)
    if not items:
        raise ExpressionError("There is no last of nothing.")
    return items[-1]


def _sort_key(attribute: Any, *, case_sensitive: Any) -> Callable[[Any], Any]:
    def key(item: Any) -> Any:
        found = item if attribute is None else _reach(item, attribute)
        return found.lower() if isinstance(found, str) and not case_sensitive else found

    return key


def _sort(
    budget: Budget,
    value: Any,
    reverse: Any = False,
    case_sensitive: Any = False,
    attribute: Any = None,
) -> list[Any]:
    items = _items(value)
    budget.charge(len(items) * max(1, len(items).bit_length()) // 2)
    return sorted(items, key=_sort_key(attribute, case_sensitive=case_sensitive), reverse=bool(reverse))


def _unique(budget: Budget, value: Any, attribute: Any = None) -> list[Any]:
    seen: set[bytes] = set()
    found = []
    for item in _items(value):
        budget.charge(2)
        part = item if attribute is None else _reach(item, attribute)
        measure(part)
        mark = msgspec.json.encode(part)
        if mark not in seen:
            seen.add(mark)
            found.append(item)
    return found


def _reverse(_budget: Budget, value: Any) -> Any:
    return value[::-1] if isinstance(value, str) else _items(value)[::-1]


def _map(budget: Budget, value: Any, name: Any = None, *arguments: Any, attribute: Any = None) -> list[Any]:
    items = _items(value)
    if attribute is not None:
        budget.charge(len(items) * 2)
        return [_reach(item, attribute) for item in items]
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
        attribute = rest.pop(0) if by_attribute and rest else None
        if by_attribute and attribute is None:
            raise ExpressionError("An attribute is needed to choose by.")
        name = rest.pop(0) if rest else None
        if name is not None and (not isinstance(name, str) or name not in TESTS):
            raise ExpressionError(f"There is no test {name!r} to choose by.")
        found = []
        for item in _items(value):
            part = _reach(item, attribute) if by_attribute else item
            budget.charge(1 + size(part))
            holds = bool(part) if name is None else TESTS[name](budget, part, *rest)
            if bool(holds) is wanted:
                found.append(item)
        return found

    return choose


def _sum(budget: Budget, value: Any, attribute: Any = None, start: Any = 0) -> Any:
    total = operations.numeric(start)
    for item in _items(value):
        budget.charge()
        total = number(total + operations.numeric(item if attribute is None else _reach(item, attribute)))
    return total


def _extreme(choose: Callable[..., Any]) -> Callable[..., Any]:
    def find(budget: Budget, value: Any, attribute: Any = None) -> Any:
        items = _items(value)
        if not items:
            raise ExpressionError("There is no smallest or largest of nothing.")
        budget.charge(len(items))
        return choose(items, key=_sort_key(attribute, case_sensitive=False))

    return find


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


def _list(budget: Budget, value: Any) -> list[Any]:
    items = _items(value)
    budget.charge(len(items))
    return list(items)


def _dictsort(budget: Budget, value: Any, case_sensitive: Any = False, by: Any = "key") -> list[Any]:
    pairs = operations.pairs(budget, value)
    place = 1 if by == "value" else 0
    return _sort(budget, pairs, False, case_sensitive, place)


def _tojson(_budget: Budget, value: Any, indent: Any = 0) -> str:
    measure(value)
    body = msgspec.json.encode(value)
    width = operations.whole(indent)
    if not 0 <= width <= _WIDEST_INDENT:
        raise ExpressionError(f"tojson takes an indent from 0 to {_WIDEST_INDENT}.")
    text = (msgspec.json.format(body, indent=width) if width else body).decode()
    check_text(len(text))
    return text


_WIDEST_INDENT = 8


def _fromjson(budget: Budget, value: Any) -> Any:
    if not isinstance(value, str):
        raise ExpressionError(f"fromjson reads a text, not a {kind(value)}.")
    budget.charge(1 + len(value) // 16)
    try:
        found = msgspec.json.decode(value)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise ExpressionError(f"The text is not JSON: {error}.") from error
    measure(found)
    return found


def _batch(budget: Budget, value: Any, width: Any) -> list[Any]:
    number_of = operations.whole(width)
    if number_of < 1:
        raise ExpressionError("batch takes a number of 1 or more.")
    items = _items(value)
    budget.charge(len(items))
    return [items[start : start + number_of] for start in range(0, len(items), number_of)]


def _truncate(budget: Budget, value: Any, length: Any = 255, end: Any = "…") -> str:
    text, tail = as_text(value, budget), as_text(end, budget)
    limit = operations.whole(length)
    if limit < len(tail):
        raise ExpressionError("truncate takes a length that is not shorter than its end.")
    return text if len(text) <= limit else text[: limit - len(tail)] + tail


def _abs(_budget: Budget, value: Any) -> Any:
    return abs(operations.numeric(value))


def _replace(budget: Budget, value: Any, old: Any, new: Any) -> str:
    return operations.replace(budget, as_text(value, budget), old, new)


FILTERS: Mapping[str, Callable[..., Any]] = {
    "abs": _abs,
    "batch": _batch,
    "capitalize": _textual(str.capitalize),
    "count": _length,
    "d": _default,
    "default": _default,
    "dictsort": _dictsort,
    "first": _first,
    "float": _float,
    "fromjson": _fromjson,
    "int": _int,
    "items": operations.pairs,
    "join": _join,
    "last": _last,
    "length": _length,
    "list": _list,
    "lower": _textual(str.lower),
    "map": _map,
    "max": _extreme(max),
    "min": _extreme(min),
    "reject": _choosing(wanted=False, by_attribute=False),
    "rejectattr": _choosing(wanted=False, by_attribute=True),
    "replace": _replace,
    "reverse": _reverse,
    "round": _round,
    "select": _choosing(wanted=True, by_attribute=False),
    "selectattr": _choosing(wanted=True, by_attribute=True),
    "sort": _sort,
    "split": operations.split,
    "string": _text,
    "sum": _sum,
    "title": _textual(str.title),
    "tojson": _tojson,
    "trim": _textual(str.strip),
    "truncate": _truncate,
    "unique": _unique,
    "upper": _textual(str.upper),
    "wordcount": lambda budget, value: len(operations.split(budget, value)),
}
