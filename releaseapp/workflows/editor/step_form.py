"""The form of a step: what every step has, and the config of its type."""

from typing import Any

import msgspec
from msgspec import UNSET

from releaseapp.errors import Fault, Invalid
from releaseapp.steps import step_types
from releaseapp.web.forms import Posted
from releaseapp.workflows.definition import Backoff, OnError
from releaseapp.workflows.editor.boxes import Box, Field, box_for, fields_of, lines, read, rows_of, typed
from releaseapp.workflows.editor.parts import Step

WHEN = Field("when", Box.TEXT, "The step is left out unless this is true.", required=False, default=None)
FOR_EACH = Field(
    "for_each", Box.DATA, "The step is done once for each item of this list.", required=False, default=None
)
MAX_PARALLEL = Field("max_parallel", Box.NUMBER, "So many items at once.", required=False, default=10)
TIMEOUT = Field("timeout_seconds", Box.NUMBER, "One try may take this long.", required=False, default=None)
ATTEMPTS = Field("max_attempts", Box.NUMBER, "How often it is tried in all.", required=False, default=1)
PAUSE = Field("interval_seconds", Box.NUMBER, "Seconds until the next try.", required=False, default=1.0)
BACKOFF = Field(
    "backoff", Box.CHOICE, "How the pause grows.", required=False, default="exponential", choices=tuple(Backoff)
)
ON_ERROR = Field(
    "on_error", Box.CHOICE, "What a failure means for the run.", required=False, default="fail", choices=tuple(OnError)
)
FLOW = (WHEN, FOR_EACH, MAX_PARALLEL)
FAILURE = (TIMEOUT, ON_ERROR)
RETRY = (ATTEMPTS, BACKOFF, PAUSE)


class Shown(msgspec.Struct, frozen=True):
    """A field as the page shows it: its name in the form, the box, and what stands in it."""

    field: Field
    name: str
    box: Box
    text: str
    rows: list[tuple[str, str]]


def shown(field: Field, name: str, value: Any, form: Posted | None = None) -> Shown:
    """A field with its value, or with what was typed when the form was refused."""
    box = box_for(field, value)
    if form is None:
        text = typed(field, field.default if value is UNSET and box in {Box.CHOICE, Box.YES_NO} else value)
        return Shown(field, name, box, text, rows_of(field, value) if box is Box.ROWS else [])
    rows = list(zip(form.getall(f"{name}.key"), form.getall(f"{name}.value"), strict=False))
    return Shown(field, name, box, lines(form.get(name, "")), [row for row in rows if any(row)])


def boxes_of(step: Step, form: Posted | None = None) -> dict[str, list[Shown]]:
    """The boxes of a step's form, in groups: config, flow, retry, failure."""
    kind = step_types().get(str(step.get("type")))
    config = step["config"] if isinstance(step.get("config"), dict) else {}
    retry = step["retry"] if isinstance(step.get("retry"), dict) else {}
    fields = fields_of(kind.config) if kind else []
    return {
        "config": [shown(field, f"config.{field.name}", config.get(field.name, UNSET), form) for field in fields],
        "flow": [shown(field, field.name, step.get(field.name, UNSET), form) for field in FLOW],
        "retry": [shown(field, f"retry.{field.name}", retry.get(field.name, UNSET), form) for field in RETRY],
        "failure": [shown(field, field.name, step.get(field.name, UNSET), form) for field in FAILURE],
    }


def read_step(form: Posted, before: Step) -> Step:
    """The step that a form says, over the one it was filled with: what the form does not know stays.

    Raises Invalid with every row that cannot be kept.
    """
    faults: list[Fault] = []
    step: Step = {**before, "id": form.get("step_id", "").strip()}
    _put(step, "name", lines(form.get("name", "")).strip() or UNSET)
    kind = step_types().get(str(before.get("type")))
    if kind:
        known = before["config"] if isinstance(before.get("config"), dict) else {}
        config = _read_fields(fields_of(kind.config), "config.", form, known, faults)
        _put(step, "config", config or before.get("config", UNSET))
    if form.get("needs_mode") == "chosen":
        _put(step, "needs", _read_needs(form, before.get("needs")))
    else:
        step.pop("needs", None)
    for field in (*FLOW, *FAILURE):
        _put(step, field.name, read(field, field.name, form, before.get(field.name, UNSET)))
    known = before["retry"] if isinstance(before.get("retry"), dict) else {}
    _put(step, "retry", _read_fields(RETRY, "retry.", form, known, faults) or UNSET)
    if faults:
        raise Invalid(faults)
    return step


def _read_needs(form: Posted, before: Any) -> list[str]:
    chosen = form.getall("needs")
    # The boxes stand in the order of the steps; who wrote the ids in another order keeps it.
    return before if isinstance(before, list) and set(map(str, before)) == set(chosen) else chosen


def _read_fields(fields: Any, prefix: str, form: Posted, before: dict[str, Any], faults: list[Fault]) -> dict[str, Any]:
    found = {**before}
    for field in fields:
        try:
            value = read(field, prefix + field.name, form, before.get(field.name, UNSET))
        except Invalid as error:
            faults.extend(error.faults)
        else:
            _put(found, field.name, value)
    return found


def _put(target: dict[str, Any], name: str, value: Any) -> None:
    """Sets a key where it stands, or takes it away."""
    if value is UNSET:
        target.pop(name, None)
    else:
        target[name] = value
