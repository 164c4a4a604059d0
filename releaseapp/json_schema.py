"""JSON Schema (draft 2020-12) whose patterns cannot hang: what a person wrote is not let run for as long as it likes.

The ``re`` module holds the interpreter while it searches, and some patterns take
it hours on a short text (``^(a+)+$``). Here each search has a limit of time.
"""

from collections.abc import Iterator
from typing import Any, Protocol

import regex
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend
from referencing import Registry

_SECONDS = 0.1


class _Validator(Protocol):
    schema: Any

    def is_type(self, instance: object, kind: str) -> bool: ...

    def descend(
        self, instance: object, schema: Any, path: str | None = None, schema_path: str | None = None
    ) -> Iterator[ValidationError]: ...


class _TakesTooLong(Exception):
    """A pattern did not come to an end in time."""


def _pattern(validator: _Validator, pattern: str, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    if not validator.is_type(instance, "string"):
        return
    try:
        if not _found(pattern, instance):
            yield ValidationError(f"{instance!r} does not match {pattern!r}")
    except _TakesTooLong:
        yield _too_long(pattern)


def _pattern_properties(
    validator: _Validator, patterns: dict[str, Any], instance: Any, _schema: Any
) -> Iterator[ValidationError]:
    if not validator.is_type(instance, "object"):
        return
    for pattern, schema in patterns.items():
        try:
            names = [name for name in instance if _found(pattern, name)]
        except _TakesTooLong:
            yield _too_long(pattern)
            return
        for name in names:
            yield from validator.descend(instance[name], schema, path=name, schema_path=pattern)


def _additional_properties(
    validator: _Validator, allowed: Any, instance: Any, schema: dict[str, Any]
) -> Iterator[ValidationError]:
    if not validator.is_type(instance, "object"):
        return
    patterns = schema.get("patternProperties", {})
    try:
        extras = [
            name
            for name in instance
            if name not in schema.get("properties", {}) and not any(_found(one, name) for one in patterns)
        ]
    except _TakesTooLong:
        # The keyword for the patterns themselves says so.
        return
    if validator.is_type(allowed, "object"):
        for name in extras:
            yield from validator.descend(instance[name], allowed, path=name)
    elif not allowed and extras:
        names = ", ".join(map(repr, extras))
        verb = "was" if len(extras) == 1 else "were"
        yield ValidationError(f"Additional properties are not allowed ({names} {verb} unexpected)")


def _unevaluated_properties(
    validator: _Validator, allowed: Any, instance: Any, schema: dict[str, Any]
) -> Iterator[ValidationError]:
    if _mentions(validator.schema, "patternProperties"):
        yield ValidationError("unevaluatedProperties cannot stand beside patternProperties here")
        return
    yield from Draft202012Validator.VALIDATORS["unevaluatedProperties"](validator, allowed, instance, schema)


_Extended: Any = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    {
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "additionalProperties": _additional_properties,
        "unevaluatedProperties": _unevaluated_properties,
    },
)


def validator_of(schema: Any, formats: FormatChecker | None = None) -> Draft202012Validator:
    """A validator that fetches nothing, wherever the schema refers to; without ``formats``, those of the draft.

    A pattern that takes too long is a fault of what was given.
    """
    checker = formats or Draft202012Validator.FORMAT_CHECKER
    found: Draft202012Validator = _Extended(schema, registry=Registry(), format_checker=checker)
    return found


def _found(pattern: str, text: str) -> bool:
    """Whether the pattern is found in the text; raises _TakesTooLong."""
    try:
        return regex.search(pattern, text, timeout=_SECONDS, concurrent=True) is not None
    except TimeoutError as error:
        raise _TakesTooLong from error


def _too_long(pattern: str) -> ValidationError:
    return ValidationError(f"it took too long to look for the pattern {pattern!r}; make the pattern simpler")


def _mentions(schema: Any, name: str) -> bool:
    waiting = [schema]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            if name in part:
                return True
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)
    return False
