"""What a body or form about agents may be."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from releaseapp.agents.models import AgentStatus, Limits, MemoryType

Name = Annotated[str, Meta(min_length=1, max_length=120, pattern=r"\S", description="What people call it")]
Description = Annotated[str, Meta(max_length=2000)]
Instructions = Annotated[str, Meta(max_length=50_000)]
Tag = Annotated[str, Meta(min_length=1, max_length=40, pattern=r"\S")]
Tags = Annotated[list[Tag], Meta(max_length=20)]
Title = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"\S")]
Key = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"\S")]


class AgentCreate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A new agent; all but the name have a default."""

    name: Name
    description: Description = ""
    status: AgentStatus = AgentStatus.LEARNING
    runtime: dict[str, Any] | None = None
    instructions: Instructions = ""
    tags: Tags = []
    limits: Limits = Limits()


class AgentChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to change of an agent; what is left out stays."""

    name: Name | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    status: AgentStatus | UnsetType = UNSET
    runtime: dict[str, Any] | UnsetType = UNSET
    instructions: Instructions | UnsetType = UNSET
    tags: Tags | UnsetType = UNSET
    limits: Limits | UnsetType = UNSET


class TaskCreate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A new task; ``input`` is any JSON."""

    title: Title
    input: Any = None


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
