"""``condition``: decides by an expression."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from releaseapp.steps.api import Context, Done, Preset, StepType


class Condition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Decides by an expression; its output is true or false."""

    test: Annotated[Any, Meta(description="What decides, such as {{ inputs.amount > 100 }}.", extra={"box": "text"})]


def run(config: Condition, _context: Context) -> Done:
    """True for everything that an expression holds for true."""
    return Done(bool(config.test))


TYPE = StepType(
    title="Condition",
    icon="split",
    config=Condition,
    run=run,
    output=True,
    presets=(Preset("Branch on a value", {"test": "{{ inputs.amount > 100 }}"}),),
)
