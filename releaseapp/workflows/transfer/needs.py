"""What definitions need of the workspace in which they shall run: credentials, agents, other workflows, by name."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

_FIELDS = {"credential": None, "agent": "agent.task", "workflow": "workflow.run"}
"""The field of a config that names something, and the only type of step in which it does (None: any)."""


class Needs(msgspec.Struct, frozen=True):
    """Names, each with the workflows that need it."""

    credentials: dict[str, list[str]]
    agents: dict[str, list[str]]
    workflows: dict[str, list[str]]


def needs_of(definitions: Iterable[tuple[str, dict[str, Any]]]) -> Needs:
    """What workflows need, given by name and definition; a name that an expression will make is not known yet."""
    needs = Needs({}, {}, {})
    for workflow, definition in definitions:
        for field, name in _named(definition):
            by = getattr(needs, f"{field}s").setdefault(name, [])
            if workflow not in by:
                by.append(workflow)
    return needs


def _named(definition: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for step in definition["steps"]:
        for field, kind in _FIELDS.items():
            name = step.get("config", {}).get(field)
            if isinstance(name, str) and "{{" not in name and kind in {None, step["type"]}:
                yield field, name
