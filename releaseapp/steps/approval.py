"""``approval``: asks people."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from releaseapp.steps.api import Ask, Context, Preset, StepType
from releaseapp.steps.fields import Reference, Text


class Approval(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Waits until somebody decides."""

    title: Annotated[Text, Meta(description="What is asked.")]
    description: Annotated[str, Meta(description="What one should know to decide.", extra={"box": "lines"})] = ""
    form: Annotated[
        dict[str, Any], Meta(description="A JSON Schema of what else is asked.", extra={"box": "json"})
    ] = {}
    deciders: Annotated[list[Reference], Meta(description="E-mail or role of who may decide, one a line.")] = []
    not_the_requester: Annotated[bool, Meta(description="Must somebody else decide than who started the run?")] = False
    deadline_seconds: Annotated[
        Annotated[int, Meta(ge=1)] | None, Meta(description="After this many seconds it counts as refused.")
    ] = None


def run(config: Approval, _context: Context) -> Ask:
    """Asks; the run goes on when somebody has decided, or the deadline has passed."""
    return Ask(**msgspec.structs.asdict(config))


TYPE = StepType(
    title="Approval",
    icon="shield",
    config=Approval,
    run=run,
    output={"decision": "approved", "by": "avery.owner@example.com", "comment": "", "values": {}},
    presets=(
        Preset("Ask before going on", {"title": "Go on?", "deadline_seconds": 86_400}),
        Preset("Two pairs of eyes", {"title": "Is this right?", "not_the_requester": True}),
    ),
)
