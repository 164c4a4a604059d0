"""What a body or form about memory may be."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from releaseapp.agents.memory.models import MemoryType

Key = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"\S")]


class MemoryCreate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A new memory item; ``value`` is any JSON."""

    key: Key
    value: Any
    type: MemoryType = MemoryType.FACT


class MemoryChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to change of a memory item; what is left out stays."""

    key: Key | UnsetType = UNSET
    value: Any = UNSET
    type: MemoryType | UnsetType = UNSET
