"""Values written into text."""

from typing import Any

import msgspec

from releaseapp.expressions.budget import Budget, check_text, measure, number, size


def as_text(value: Any, budget: Budget) -> str:
    """None as nothing, true and false as JSON writes them, lists and mappings as compact JSON, text as it is."""
    if isinstance(value, str):
        budget.charge(size(value))
        return value
    if value is None:
        return ""
    if isinstance(value, (dict, list)):
        measure(value, budget)
    else:
        number(value)
    text = msgspec.json.encode(value).decode()
    check_text(len(text))
    budget.charge(size(text))
    return text
