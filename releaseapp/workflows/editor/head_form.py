"""The form of what stands beside the steps: name, description, inputs, output."""

from typing import Any

import msgspec
from msgspec import UNSET

from releaseapp.errors import Invalid
from releaseapp.web.forms import Posted, as_typed, json_or_text
from releaseapp.workflows.editor.boxes import Box, Field, lines, read

OUTPUT = Field(
    "output", Box.DATA, "What the run gives back: text or JSON, with expressions.", required=False, default=None
)
INPUTS = Field("inputs", Box.JSON, "The JSON Schema of what a run is started with.", required=False, default={})
TYPES = ("string", "number", "integer", "boolean", "array", "object")
_ROW_KEYS = {"type", "properties", "required", "additionalProperties", "title", "description"}


class InputRow(msgspec.Struct, frozen=True):
    """One input as a row; ``was`` is its name before it is renamed, empty for a new one."""

    was: str = ""
    name: str = ""
    type: str = "string"
    description: str = ""
    default: str = ""
    required: bool = False


def rows_of_inputs(schema: Any) -> list[InputRow] | None:
    """The inputs as rows, or None where the schema says more than rows can show."""
    if not isinstance(schema, dict) or not set(schema) <= _ROW_KEYS or schema.get("type", "object") != "object":
        return None
    properties, required = schema.get("properties", {}), schema.get("required", [])
    if not isinstance(properties, dict) or not isinstance(required, list):
        return None
    rows = []
    for name, one in properties.items():
        if not isinstance(one, dict) or one.get("type") not in TYPES:
            return None
        default = _typed_default(one)
        told = one.get("description", "")
        if not isinstance(told, str):
            return None
        rows.append(InputRow(name, name, one["type"], told, default, name in required))
    return rows


def read_head(form: Posted, before: dict[str, Any]) -> dict[str, Any]:
    """The head that a form says, over the one it was filled with; raises Invalid for rows that cannot be kept."""
    head = {**before, "name": lines(form.get("name", ""))}
    description = lines(form.get("description", ""))
    if description or "description" in before:
        head["description"] = description
    inputs = _read_inputs(form, before.get("inputs", {}))
    if inputs or "inputs" in before:
        head["inputs"] = inputs
    output = read(OUTPUT, "output", form, before.get("output", UNSET))
    if output is UNSET:
        head.pop("output", None)
    else:
        head["output"] = output
    return head


def posted_rows(form: Posted) -> list[InputRow]:
    """The rows of inputs as they were sent, also those that cannot be kept."""
    columns = [form.getall(f"inputs.{name}") for name in ("was", "name", "type", "description", "default", "required")]
    return [
        InputRow(was, name.strip(), kind, told.strip(), default, required == "yes")
        for was, name, kind, told, default, required in zip(*columns, strict=False)
        if any(text.strip() for text in (name, told, default))
    ]


def _read_inputs(form: Posted, before: Any) -> Any:
    if "inputs.name" not in form:
        found = read(INPUTS, "inputs", form, before)
        return {} if found is UNSET else found
    known = before.get("properties", {}) if isinstance(before, dict) else {}
    properties: dict[str, Any] = {}
    required = []
    for row in posted_rows(form):
        if not row.name:
            raise Invalid.at("/inputs", "An input needs a name.")
        if row.name in properties:
            raise Invalid.at("/inputs", f"There are two inputs with the name {row.name!r}.")
        properties[row.name] = _property(row, known.get(row.was, {}))
        if row.required:
            required.append(row.name)
    if not properties and not known:
        return before
    after = {**before, "type": "object", "properties": properties, "required": required}
    if not required and "required" not in before:
        del after["required"]
    return after


def _property(row: InputRow, before: dict[str, Any]) -> dict[str, Any]:
    after = {**before, "type": row.type}
    if row.description:
        after["description"] = row.description
    else:
        after.pop("description", None)
    if lines(row.default) != _typed_default(before):
        after.pop("default", None)
        if row.default.strip():
            after["default"] = lines(row.default) if row.type == "string" else json_or_text(lines(row.default))
    return after


def _typed_default(one: dict[str, Any]) -> str:
    if "default" not in one:
        return ""
    default = one["default"]
    return default if one.get("type", "string") == "string" and isinstance(default, str) else as_typed(default)
