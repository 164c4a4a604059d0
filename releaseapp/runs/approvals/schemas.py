"""What a body about an approval may be."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

Comment = Annotated[str, Meta(max_length=4000)]


class Say(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What comes with a decision: a comment, and the answers to the form by name."""

    comment: Comment = ""
    values: dict[str, Any] = {}
