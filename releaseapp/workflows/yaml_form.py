"""A definition that somebody writes as YAML into a form, and the lines of its faults."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from releaseapp.errors import Fault, Invalid
from releaseapp.web.forms import FormState, refused
from releaseapp.web.request import Request
from releaseapp.workflows import yaml_text
from releaseapp.workflows.schemas import Summary

_LONGEST_YAML = 1_048_576


class WorkflowForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A definition as YAML, with what one says of the change."""

    yaml: Annotated[str, Meta(max_length=_LONGEST_YAML)]
    change_summary: Summary = ""
    tags: Annotated[str, Meta(max_length=1000)] = ""
    revision: int | None = None


def read_yaml(text: str) -> dict[str, Any]:
    """The definition that a YAML text holds; raises Invalid at ``/yaml`` with the line."""
    try:
        value, _ = yaml_text.load(text)
    except Invalid as error:
        raise Invalid([Fault("/yaml", fault.detail) for fault in error.faults]) from error
    if not isinstance(value, dict):
        raise Invalid.at("/yaml", "A definition is a mapping with a name and steps.")
    return value


def with_lines(request: Request, error: Invalid) -> FormState:
    """The form with its faults; those of the definition with the line of the YAML that they are in."""
    state = refused(request, Invalid([fault for fault in error.faults if fault.pointer.startswith("/yaml")]))
    rest = [fault for fault in error.faults if not fault.pointer.startswith("/yaml")]
    lines = lines_of(state.values.get("yaml", "")) if rest else {}
    told = [f"Line {yaml_text.line_of(lines, fault.pointer)}: {fault.detail}" for fault in rest]
    return FormState(state.values, state.errors, [*state.general, *told])


def lines_of(text: str) -> dict[str, int]:
    """The line of each pointer of a YAML text; nothing for what is not YAML."""
    try:
        return yaml_text.load(text)[1]
    except Invalid:
        return {}
