"""What a body or form about tasks may be."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

Title = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"\S")]


class TaskCreate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A new task; ``input`` is any JSON."""

    title: Title
    input: Any = None
