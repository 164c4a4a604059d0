"""``fail``: ends the run."""

from typing import Annotated, Never

import msgspec
from msgspec import Meta

from releaseapp.steps.api import Context, Preset, StepFailed, StepType
from releaseapp.steps.fields import Text


class Fail(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Ends the run as failed, with a reason."""

    message: Annotated[Text, Meta(description="The reason.")]


def run(config: Fail, _context: Context) -> Never:
    """Fails with the message, and is not tried again."""
    raise StepFailed(config.message, retryable=False)


TYPE = StepType(title="Fail", icon="ban", config=Fail, run=run, presets=(Preset("End with a reason", {"message": ""}),))
