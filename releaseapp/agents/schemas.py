"""What a body or form about agents may be."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from releaseapp.agents.models import AgentStatus, Limits

Name = Annotated[str, Meta(min_length=1, max_length=120, pattern=r"\S", description="What people call it")]
Description = Annotated[str, Meta(max_length=2000)]
Instructions = Annotated[str, Meta(max_length=50_000)]
Tag = Annotated[str, Meta(min_length=1, max_length=40, pattern=r"\S")]
Tags = Annotated[list[Tag], Meta(max_length=20)]


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
