"""What is wrong with an answer, said to the person who gave it."""

from typing import Any

import msgspec
from jsonschema.exceptions import ValidationError

_KINDS = {
    "string": "a text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}
_FORMATS = {
    "date": "a date such as 2030-01-31",
    "date-time": "a time such as 2030-01-31T08:00:00Z",
    "email": "an e-mail address",
    "uri": "an address such as https://example.com",
}
_LIMITS = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "exclusiveMinimum": "more than {}",
    "exclusiveMaximum": "less than {}",
    "multipleOf": "a multiple of {}",
    "minLength": "at least {} characters long",
    "maxLength": "at most {} characters long",
    "pattern": "of the form {}",
}
_MOST_CHOICES = 12
_LONGEST = 300


def sentence_for(error: ValidationError) -> str:
    """A sentence with the name of the answer in front."""
    name = ".".join(str(part) for part in error.absolute_path) or "values"
    wanted: Any = error.validator_value
    if error.validator in _LIMITS:
        return f"{name} must be {_LIMITS[error.validator].format(wanted)}."
    if error.validator == "type":
        kinds = [wanted] if isinstance(wanted, str) else wanted
        return f"{name} must be {' or '.join(_KINDS.get(kind, kind) for kind in kinds)}."
    if error.validator == "format":
        return f"{name} must be {_FORMATS.get(wanted, f'of the format {wanted}')}."
    if error.validator == "enum":
        shown = ", ".join(_plain(choice) for choice in wanted[:_MOST_CHOICES])
        return f"{name} must be one of {shown}{' …' if len(wanted) > _MOST_CHOICES else ''}."
    if error.validator == "const":
        return f"{name} must be {_plain(wanted)}."
    text = error.message if len(error.message) <= _LONGEST else f"{error.message[:_LONGEST]}…"
    return f"{name}: {text}."


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
