"""``message.send``: tells somebody something."""

from typing import Annotated

import msgspec
from msgspec import Meta

from releaseapp.steps.api import Context, Preset, Result, StepFailed, StepType
from releaseapp.steps.fields import Reference, Text


class MessageSend(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Sends a message to a Slack-compatible webhook, or an e-mail."""

    credential: Annotated[Reference, Meta(description="The name of a webhook's or mail server's credential.")]
    text: Annotated[Text, Meta(description="What the message says.", extra={"box": "lines"})]
    to: Annotated[list[Text], Meta(description="Addresses of e-mail, one a line; left out for a webhook.")] = []
    subject: Annotated[str, Meta(description="Of an e-mail.")] = ""


def run(_config: MessageSend, _context: Context) -> Result:
    """Sends it."""
    raise StepFailed("This server cannot send messages yet.", retryable=False)


TYPE = StepType(
    title="Message",
    icon="mail",
    config=MessageSend,
    run=run,
    output={"sent": True},
    presets=(
        Preset("Tell a channel", {"credential": "", "text": ""}),
        Preset("Send an e-mail", {"credential": "", "to": ["somebody@example.com"], "subject": "", "text": ""}),
    ),
    outside=True,
    has_effects=True,
)
