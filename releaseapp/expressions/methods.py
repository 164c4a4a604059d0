"""What can be called with a dot on a text or a mapping; nothing else of Python can."""

from collections.abc import Callable, Mapping
from typing import Any

from releaseapp.expressions.budget import MOST_ITEMS, Budget, ExpressionError, check_items, check_text, size
from releaseapp.expressions.operations import kind

_MOST_STRIPPED = 100


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
    long = len(value) + found * (len(new) - len(old))
    check_text(long)
    budget.charge(1 + found // 4 + long // 32)
    return value.replace(old, new)


def _of_text(name: str) -> Callable[..., Any]:
    change = getattr(str, name)

    def call(budget: Budget, value: Any) -> str:
        return changed(budget, change, _letters_of(name, value))

    return call


def changed(budget: Budget, change: Callable[[str], str], text: str) -> str:
    """A text made upper, lower …, which may make it three times as long."""
    result = change(text)
    check_text(len(result))
    budget.charge(size(result))
    return result


def _letters_of(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise ExpressionError(f"{name} works on a text, and takes text.")
    return value


def _strip(budget: Budget, value: Any, characters: Any = None) -> str:
    text = _letters_of("strip", value)
    if characters is None:
        return text.strip()
    if len(_letters_of("strip", characters)) > _MOST_STRIPPED:
        raise ExpressionError(f"strip takes {_MOST_STRIPPED} characters at most.")
    # Each letter of the text may be compared with each of them.
    budget.charge(len(text) * len(characters) // 200)
    return text.strip(characters)


def _startswith(_budget: Budget, value: Any, start: Any) -> bool:
    return _letters_of("startswith", value).startswith(_letters_of("startswith", start))


def _endswith(_budget: Budget, value: Any, end: Any) -> bool:
    return _letters_of("endswith", value).endswith(_letters_of("endswith", end))


def _of_mapping(take: Callable[[dict[str, Any]], Any]) -> Callable[..., Any]:
    def call(budget: Budget, value: Any) -> Any:
        if not isinstance(value, dict):
            raise ExpressionError(f"A mapping is needed, not a {kind(value)}.")
        check_items(len(value))
        budget.charge(2 * len(value))
        return take(value)

    return call


def _get(_budget: Budget, value: Any, wanted: Any, default: Any = None) -> Any:
    if not isinstance(value, dict) or not isinstance(wanted, str):
        raise ExpressionError("get works on a mapping, and takes a text.")
    return value.get(wanted, default)


pairs = _of_mapping(lambda value: [[name, one] for name, one in value.items()])

METHODS: Mapping[str, Callable[..., Any]] = {
    "endswith": _endswith,
    "get": _get,
    "items": pairs,
    "keys": _of_mapping(list),
    "lower": _of_text("lower"),
    "replace": replace,
    "split": split,
    "startswith": _startswith,
    "strip": _strip,
    "title": _of_text("title"),
    "upper": _of_text("upper"),
    "values": _of_mapping(lambda value: list(value.values())),
}
