"""What is different between two JSON Schemas of inputs, property by property."""

from collections.abc import Iterator
from typing import Any, Literal

from msgspec import UNSET

from releaseapp.workflows.differences.effort import Effort
from releaseapp.workflows.differences.models import InputChange
from releaseapp.workflows.differences.values import Place, compare_keys, compare_values, keys_of

Schema = dict[str, Any]
_DEEPEST = 60


def compare_inputs(before: Any, after: Any, effort: Effort) -> Iterator[InputChange]:
    """The changes of the inputs: those of each property, and of the schema as a whole under the name ""."""
    if isinstance(before, dict) and isinstance(after, dict):
        yield from _compare_schemas(before, after, "", effort)
        return
    fields = list(compare_values(before, after, Place("inputs", "/inputs"), effort))
    if fields:
        yield InputChange("", "changed", fields=fields)


def _compare_schemas(before: Schema, after: Schema, name: str, effort: Effort, depth: int = 0) -> Iterator[InputChange]:
    """The changes of a schema itself, then those of what is in it. ``before`` or ``after`` may be empty."""
    whole = [part for part in ("properties", "required") if not (_fits(before, part) and _fits(after, part))]
    inner = not whole and depth < _DEEPEST
    apart = {"properties", "required"} if inner else set()
    rows = inner and _has_properties(before.get("items")) and _has_properties(after.get("items"))
    apart |= {"items"} if rows else set()
    own, other = ({key: schema[key] for key in schema if key not in apart} for schema in (before, after))
    fields = list(compare_keys(own, other, Place(), effort))
    if fields:
        yield InputChange(name, "changed", fields=fields)
    if inner:
        yield from _compare_properties(before, after, name, effort, depth)
    if rows:
        yield from _compare_schemas(before["items"], after["items"], f"{name}[]", effort, depth + 1)


def _compare_properties(
    before: Schema, after: Schema, parent: str, effort: Effort, depth: int
) -> Iterator[InputChange]:
    mine, theirs = before.get("properties", {}), after.get("properties", {})
    needed, needed_after = before.get("required", []), after.get("required", [])
    for name in keys_of([*mine, *needed], [*theirs, *needed_after]):
        path = f"{parent}.{name}" if parent else name
        schema, other = mine.get(name, UNSET), theirs.get(name, UNSET)
        was, now = name in needed, name in needed_after
        if (schema is UNSET) != (other is UNSET):
            kind: Literal["added", "removed"] = "added" if schema is UNSET else "removed"
            fields = list(compare_keys(_as_schema(schema), _as_schema(other), Place(), effort))
            yield InputChange(path, kind, was if kind == "removed" else now, fields=fields)
            continue
        became: Literal["required", "optional"] | None = None if was == now else "required" if now else "optional"
        inner = list(_compare_schemas(_as_schema(schema), _as_schema(other), path, effort, depth + 1))
        own = inner.pop(0).fields if inner and inner[0].name == path else []
        if own or became:
            yield InputChange(path, "changed", now, became, own)
        yield from inner


def _fits(schema: Schema, part: str) -> bool:
    """Whether the part can be looked into: properties that are a mapping, required that is a list of names."""
    found = schema.get(part)
    if part == "properties":
        return found is None or isinstance(found, dict)
    return found is None or (isinstance(found, list) and all(isinstance(name, str) for name in found))


def _has_properties(schema: Any) -> bool:
    return isinstance(schema, dict) and isinstance(schema.get("properties"), dict)


def _as_schema(value: Any) -> Schema:
    """A schema may also be true or false, which has no keys."""
    if value is UNSET:
        return {}
    return value if isinstance(value, dict) else {"schema": value}
