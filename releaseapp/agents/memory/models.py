"""What a memory item is."""

from enum import StrEnum
from typing import Any

import msgspec


class MemoryType(StrEnum):
    """What kind of thing is remembered."""

    FACT = "fact"
    PREFERENCE = "preference"
    SKILL = "skill"
    CONTEXT = "context"


class MemoryItem(msgspec.Struct, frozen=True):
    """One thing that an agent remembers, under a key of its own."""

    id: str
    agent_id: str
    key: str
    value: Any
    type: MemoryType
    created_at: str
    updated_at: str


class MemoryState(msgspec.Struct, frozen=True):
    """A memory item with the number of times that it was changed."""

    item: MemoryItem
    revision: int
