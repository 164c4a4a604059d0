"""``queue.publish``: puts a message into a queue."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from releaseapp.steps.api import Context, Preset, Publish, StepType


class QueuePublish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Puts a message into a queue of the workspace."""

    queue: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$", description="Lower case, such as new-orders.")]
    message: Annotated[Any, Meta(description="Text, or JSON.")] = None


def run(config: QueuePublish, _context: Context) -> Publish:
    """Asks for the message, which is written in the transaction that records the step, and so exactly once."""
    return Publish(config.queue, config.message)


TYPE = StepType(
    title="Queue message",
    icon="lines",
    config=QueuePublish,
    run=run,
    output={"id": "msg_1"},
    presets=(Preset("Put into a queue", {"queue": "new-orders"}),),
    has_effects=True,
)
