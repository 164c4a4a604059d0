"""``transform``: makes a value out of others."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from releaseapp.steps.api import Context, Done, Preset, StepType


class Transform(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Makes a value out of others by expressions."""

    value: Annotated[Any, Meta(description="Text or JSON, with expressions wherever a value may stand.")]


def run(config: Transform, _context: Context) -> Done:
    """The value, which has been evaluated by now."""
    return Done(config.value)


TYPE = StepType(
    title="Transform",
    icon="spark",
    config=Transform,
    run=run,
    presets=(
        Preset("Write a text", {"value": "Hello {{ inputs.name }}"}),
        Preset("Make an object", {"value": {"name": "{{ inputs.name }}"}}),
    ),
)
