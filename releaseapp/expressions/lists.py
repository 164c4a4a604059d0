"""Filters of lists; a mapping is the list of its keys here, a text the list of its characters."""

from collections.abc import Callable
from typing import Any

import msgspec

from releaseapp.expressions import methods, operations
from releaseapp.expressions.budget import Budget, ExpressionError, check_items, check_text, measure, number, size
from releaseapp.expressions.operations import kind
from releaseapp.expressions.text import as_text

_LONGEST_PATH = 200
NOTHING = operations.Missing("")

Path = list[int | str]


def items_of(budget: Budget, value: Any) -> list[Any]:
    """The parts of a list, the keys of a mapping, or the characters of a text."""
    if isinstance(value, list):
        return value
    if not isinstance(value, (dict, str)):
        raise ExpressionError(f"A list is needed, not a {kind(value)}.")
    check_items(len(value))
    budget.charge(len(value))
    return list(value)


def path_of(attribute: Any) -> Path | None:
    """``"a.b.0"`` as the steps of a path; None when there is none."""
    if attribute is None:
        return None
    if isinstance(attribute, int) and not isinstance(attribute, bool):
        return [attribute]
    if not isinstance(attribute, str) or len(attribute) > _LONGEST_PATH:
        raise ExpressionError(f"An attribute is a text of at most {_LONGEST_PATH} characters, like 'a.b.0'.")
    return [int(step) if step.isascii() and step.isdigit() else step for step in attribute.split(".")]


def reach(budget: Budget, value: Any, path: Path | None, default: Any = NOTHING) -> Any:
    """What is at a path within a value, the value itself without one; raises ExpressionError for no default."""
    found = look(budget, value, path)
    if not isinstance(found, operations.Missing):
        return found
    if default is NOTHING:
        raise ExpressionError(found.sentence)
    return default


def look(budget: Budget, value: Any, path: Path | None) -> Any:
    """Like ``reach``, or a ``Missing``."""
    if path is None:
        return value
    budget.charge(1 + 2 * len(path))
    for step in path:
        value = operations.item(value, step)
    return value


def join(budget: Budget, value: Any, separator: Any = "", attribute: Any = None) -> str:
    """``join``: the parts as text, with a separator between them."""
    path = path_of(attribute)
    texts = []
    for item in items_of(budget, value):
        budget.charge()
        texts.append(as_text(reach(budget, item, path), budget))
    glue = as_text(separator, budget)
    long = sum(map(len, texts)) + len(glue) * max(0, len(texts) - 1)
    check_text(long)
    budget.charge(long // 32)
    return glue.join(texts)


def first(_budget: Budget, value: Any) -> Any:
    """``first``."""
    return _at(value, 0, "first")


def last(_budget: Budget, value: Any) -> Any:
    """``last``."""
    return _at(value, -1, "last")


def _at(value: Any, place: int, word: str) -> Any:
    if not isinstance(value, (list, str, dict)):
        raise ExpressionError(f"A list is needed, not a {kind(value)}.")
    if not value:
        raise ExpressionError(f"There is no {word} of nothing.")
    if isinstance(value, dict):
        return next(iter(value)) if place == 0 else next(reversed(value))
    return value[place]


def reverse(budget: Budget, value: Any) -> Any:
    """``reverse``: of a text, a text."""
    return value[::-1] if isinstance(value, str) else items_of(budget, value)[::-1]


def listed(budget: Budget, value: Any) -> list[Any]:
    """``list``."""
    items = items_of(budget, value)
    budget.charge(len(items))
    return list(items)


def batch(budget: Budget, value: Any, width: Any) -> list[Any]:
    """``batch``: lists of at most ``width`` items each."""
    number_of = operations.whole(width)
    if number_of < 1:
        raise ExpressionError("batch takes a number of 1 or more.")
    items = items_of(budget, value)
    budget.charge(len(items) + 2 * (len(items) // number_of))
    return [items[start : start + number_of] for start in range(0, len(items), number_of)]


def _keys(budget: Budget, items: list[Any], attribute: Any, *, case_sensitive: Any) -> list[Any]:
    """What items are put in order by: numbers, or texts. Lists would be compared part by part, again and again."""
    path = path_of(attribute)
    keys = []
    kinds = set()
    for item in items:
        key = reach(budget, item, path)
        budget.charge(size(key) if isinstance(key, str) else 1)
        kinds.add(kind(key))
        keys.append(key.lower() if isinstance(key, str) and not case_sensitive else key)
    if not any(kinds <= {alike} for alike in ("number", "text", "boolean")):
        found = " and ".join(sorted(kinds))
        raise ExpressionError(f"Only numbers, or only texts, have an order, not {found}; attribute= names what counts.")
    return keys


def sort(
    budget: Budget,
    value: Any,
    reverse: Any = None,
    case_sensitive: Any = None,
    attribute: Any = None,
) -> list[Any]:
    """``sort``: by the items, or by what is at a path in each."""
    items = items_of(budget, value)
    budget.charge(len(items) * len(items).bit_length() // 4)
    keys = _keys(budget, items, attribute, case_sensitive=case_sensitive)
    return [items[place] for place in sorted(range(len(items)), key=keys.__getitem__, reverse=bool(reverse))]


def dictsort(budget: Budget, value: Any, case_sensitive: Any = None, by: Any = "key") -> list[Any]:
    """``dictsort``: pairs of key and value, in the order of one of them."""
    if by not in ("key", "value"):
        raise ExpressionError("dictsort goes by 'key' or by 'value'.")
    return sort(budget, methods.pairs(budget, value), None, case_sensitive, 0 if by == "key" else 1)


def extreme(choose: Callable[..., Any]) -> Callable[..., Any]:
    """``min`` or ``max``."""

    def find(budget: Budget, value: Any, attribute: Any = None) -> Any:
        items = items_of(budget, value)
        if not items:
            raise ExpressionError("There is no smallest or largest of nothing.")
        keys = _keys(budget, items, attribute, case_sensitive=False)
        return items[choose(range(len(items)), key=keys.__getitem__)]

    return find


def unique(budget: Budget, value: Any, attribute: Any = None) -> list[Any]:
    """``unique``: the first of each; values are alike when their JSON is."""
    path = path_of(attribute)
    seen: set[bytes] = set()
    found = []
    for item in items_of(budget, value):
        budget.charge()
        part = reach(budget, item, path)
        measure(part, budget)
        mark = msgspec.json.encode(part)
        budget.charge(len(mark) // 64)
        if mark not in seen:
            seen.add(mark)
            found.append(item)
    return found


def total(budget: Budget, value: Any, attribute: Any = None, start: Any = 0) -> Any:
    """``sum``."""
    path = path_of(attribute)
    result = operations.numeric(start)
    for item in items_of(budget, value):
        budget.charge()
        result = number(result + operations.numeric(reach(budget, item, path)))
    return result
