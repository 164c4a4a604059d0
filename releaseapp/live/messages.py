"""What a client may say on the live channel, and nothing else."""

from typing import Annotated

import msgspec
from msgspec import Meta

SubjectId = Annotated[str, Meta(pattern=r"\A(?:agt_[0-9a-z]{1,32}|wfl_[0-9a-z]{1,32}/[1-9][0-9]{0,5})\Z")]
"""An agent, or a draft as ``<workflow id>/<version number>``."""

AccountId = Annotated[str, Meta(min_length=1, max_length=40)]
LONGEST_REASON = 300


class Unreadable(Exception):
    """A text message that is not one of ours; the connection may go on."""


class _Said(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type"):
    """Any message of a client."""


class Pong(_Said, frozen=True, tag="pong"):
    """The answer to a ping."""


class _About(_Said, frozen=True):
    """A message about a subject."""

    subject: SubjectId


class Watch(_About, frozen=True, tag="watch"):
    """I look at this; tell me who else does."""


class Leave(_About, frozen=True, tag="leave"):
    """I look elsewhere."""


class Lock(_About, frozen=True, tag="lock"):
    """I begin to edit."""


class Unlock(_About, frozen=True, tag="unlock"):
    """I do not edit any more."""


class Ask(_About, frozen=True, tag="ask"):
    """I should like to edit; whoever does, please let me."""


class HandOver(_About, frozen=True, tag="hand_over"):
    """To the one who asked: go on."""

    to: AccountId


class Decline(_About, frozen=True, tag="decline"):
    """To the one who asked: not now."""

    to: AccountId


class Force(_About, frozen=True, tag="force"):
    """I take over, and say why."""

    reason: Annotated[str, Meta(max_length=LONGEST_REASON)]


OfPresence = Watch | Leave | Lock | Unlock | Ask | HandOver | Decline | Force
Said = Pong | OfPresence

_DECODER: msgspec.json.Decoder[Said] = msgspec.json.Decoder(Said)


def read_message(text: str) -> Said:
    """A client's message; raises Unreadable, with a sentence that names the field, for what is none of ours."""
    try:
        return _DECODER.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Unreadable(f"This is not a message that the server knows: {error}.") from error
