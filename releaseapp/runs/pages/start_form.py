"""The form that starts a run: fields out of the inputs' JSON Schema, boxes to pin outputs in a test."""

from typing import Any

import msgspec

from releaseapp.errors import Fault, Invalid, Malformed, pointer_part
from releaseapp.runs.approvals.fields import Field, fields_of, values_of
from releaseapp.runs.approvals.values import takes_others
from releaseapp.runs.pages.steps_part import definition_steps
from releaseapp.runs.pages.timeline import Planned
from releaseapp.steps import step_types
from releaseapp.web import json_text
from releaseapp.web.forms import FormState, Posted

MOST_PINS = 50
"""Boxes on the page; of longer workflows the first steps have one."""
EVERY_STEP = "every step"
"""No step is called so: their ids have no spaces."""
_PIN = "pin-"
_LONGEST_EXAMPLE = 2_000


class PinBox(msgspec.Struct, frozen=True):
    """A box for the output that stands for a step."""

    key: str
    step: Planned
    has_effects: bool
    sample: str


def input_fields(definition: dict[str, Any]) -> list[Field]:
    """The fields of the inputs of a definition, in the order of its schema."""
    return fields_of(_schema(definition))


def takes_more(definition: dict[str, Any]) -> bool:
    """Whether there may be inputs that the schema does not name."""
    return takes_others(_opened(definition))


def suggested(definition: dict[str, Any]) -> FormState:
    """The form before anything is typed: defaults, and examples where there is no default."""
    schema = _schema(definition)
    properties = schema.get("properties", {})
    filled = {**schema, "properties": {name: _with_example(one) for name, one in properties.items()}}
    return FormState({field.key: field.shown for field in fields_of(filled)})


def read_inputs(definition: dict[str, Any], posted: Posted) -> dict[str, Any]:
    """The inputs that were typed; raises Invalid by the keys of the fields."""
    return values_of(_opened(definition), posted)


def pin_boxes(definition: dict[str, Any]) -> list[PinBox]:
    """A box for each of the first steps."""
    steps = definition_steps(definition)[:MOST_PINS]
    return [_pin_box(number, step) for number, step in enumerate(steps)]


def read_pins(definition: dict[str, Any], posted: Posted) -> dict[str, Any]:
    """The outputs that were typed into boxes, by step; raises Invalid by the keys of the boxes."""
    pins: dict[str, Any] = {}
    faults = []
    for box in pin_boxes(definition):
        text = posted.get(box.key, "").strip()
        if not text:
            continue
        try:
            pins[box.step.step_id] = json_text.decode(text.encode())
        except Malformed as error:
            faults.append(Fault(f"/{box.key}", f'{box.step.label} must be JSON, such as "text" or {{"a": 1}}. {error}'))
    if faults:
        raise Invalid(faults)
    return pins


def only_steps(definition: dict[str, Any]) -> list[str]:
    """What may be done of a test: every step, or one of them."""
    return [EVERY_STEP, *(step.step_id for step in definition_steps(definition))]


def read_only_step(posted: Posted) -> str | None:
    """The one step that is to be done; None for every step."""
    chosen = posted.get("only_step", EVERY_STEP)
    return None if chosen == EVERY_STEP else chosen


def at_fields(definition: dict[str, Any], error: Invalid) -> Invalid:
    """Faults of a start, by the keys of the fields that show them."""
    keys = {f"/inputs/{pointer_part(field.name)}": field for field in input_fields(definition)}
    pins = {f"/pins/{pointer_part(box.step.step_id)}": box.key for box in pin_boxes(definition)}
    return Invalid([_at_field(keys, pins, fault) for fault in error.faults])


def _at_field(fields: dict[str, Field], pins: dict[str, str], fault: Fault) -> Fault:
    place = "/".join(fault.pointer.split("/")[:3])
    if place in fields:
        field = fields[place]
        detail = fault.detail
        if detail.startswith(f"{field.name}:"):
            detail = f"{field.label}{detail.removeprefix(field.name)}"
        return Fault(f"/{field.key}", detail)
    if place in pins:
        return Fault(f"/{pins[place]}", fault.detail)
    if fault.pointer.startswith("/inputs"):
        return Fault("", fault.detail)
    return fault


def _pin_box(number: int, step: Planned) -> PinBox:
    kind = step_types().get(step.type)
    sample = "" if kind is None or kind.output is None else msgspec.json.encode(kind.output).decode()
    return PinBox(f"{_PIN}{number}", step, kind is not None and kind.has_effects, sample)


def _with_example(schema: Any) -> Any:
    if not isinstance(schema, dict) or "default" in schema:
        return schema
    examples = schema.get("examples")
    if not isinstance(examples, list) or not examples:
        return schema
    if len(msgspec.json.encode(examples[0])) > _LONGEST_EXAMPLE:
        return schema
    return {**schema, "default": examples[0]}


def _opened(definition: dict[str, Any]) -> dict[str, Any]:
    # Unlike the form of an approval, inputs may have more than their schema names unless it says otherwise.
    return {"additionalProperties": True, **_schema(definition)}


def _schema(definition: dict[str, Any]) -> dict[str, Any]:
    found = definition.get("inputs")
    return found if isinstance(found, dict) else {}
