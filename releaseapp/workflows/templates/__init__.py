"""Workflows to begin with: whole definitions that run offline, or against addresses that their inputs name.

Each is a file beside this one, right as it stands; ``releaseapp workflows check`` reads it like any other.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from releaseapp.errors import Invalid
from releaseapp.workflows import yaml_text
from releaseapp.workflows.templates.demo import DEMO

__all__ = [
    "BLANK",
    "DEMO",
    "FIRST",
    "Template",
    "begin",
    "find_template",
    "list_templates",
    "search_templates",
    "template_text",
]

BLANK = "blank"
FIRST = "daily-digest"

_ICONS: Mapping[str, str] = {
    BLANK: "plus",
    FIRST: "lines",
    "webhook-relay": "globe",
    "http-sync": "again",
    "approval-before-sending": "shield",
    "fan-out-with-agents": "agent",
    "release-checklist": "check",
}
"""In the order in which they are offered."""


class Template(msgspec.Struct, frozen=True):
    """A definition to begin with: its key, what it is for, its types of step in order, and inputs to try it with."""

    key: str
    title: str
    summary: str
    icon: str
    step_types: list[str]
    sample_inputs: dict[str, Any]
    definition: dict[str, Any]


@cache
def list_templates() -> tuple[Template, ...]:
    """All templates, the blank one first."""
    return tuple(_read(key, icon) for key, icon in _ICONS.items())


def find_template(key: str) -> Template | None:
    """The template of that key, or None."""
    return next((one for one in list_templates() if one.key == key), None)


def begin(key: str, name: str = "") -> dict[str, Any]:
    """The definition of a template, under a name of one's own unless that is blank; raises Invalid for another key."""
    template = find_template(key)
    if template is None:
        keys = ", ".join(one.key for one in list_templates())
        raise Invalid.at("/template", f"There is no template of that key; there are {keys}.")
    return {**template.definition, "name": name.strip() or template.title}


def search_templates(text: str) -> list[Template]:
    """The templates that have a text in their title, their summary or a type of step; all of them for no text."""
    wanted = text.strip().casefold()
    return [
        one
        for one in list_templates()
        if any(wanted in part.casefold() for part in (one.title, one.summary, *one.step_types))
    ]


def template_text(key: str) -> str:
    """The YAML of a template as it was written; raises KeyError when there is none."""
    if key not in _ICONS:
        raise KeyError(key)
    return (Path(__file__).parent / f"{key}.yaml").read_text(encoding="utf-8")


def _read(key: str, icon: str) -> Template:
    definition, _ = yaml_text.load(template_text(key))
    samples = definition.get("inputs", {}).get("examples", [{}])
    return Template(
        key=key,
        title=definition["name"],
        summary=definition["description"],
        icon=icon,
        step_types=list(dict.fromkeys(step["type"] for step in definition["steps"])),
        sample_inputs=samples[0],
        definition=definition,
    )
