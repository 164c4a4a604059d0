"""What a body about workflows may be."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

LONGEST_SUMMARY = 500
MOST_TAGS = 20
LONGEST_TAG = 40

Summary = Annotated[str, Meta(max_length=LONGEST_SUMMARY)]
Name = Annotated[str, Meta(min_length=1, max_length=120, pattern=r"\S")]
TemplateKey = Annotated[str, Meta(min_length=1, max_length=100)]
AgentId = Annotated[str, Meta(min_length=1, max_length=100)]
Tags = Annotated[
    list[Annotated[str, Meta(min_length=1, max_length=LONGEST_TAG, pattern=r"\S")]], Meta(max_length=MOST_TAGS)
]


class WorkflowCreate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A new workflow: its definition, as an object or as YAML text, or a template with a name of one's own."""

    definition: dict[str, Any] | UnsetType = UNSET
    yaml: str | UnsetType = UNSET
    template: TemplateKey | UnsetType = UNSET
    name: Name | UnsetType = UNSET
    agent_id: AgentId | None = None
    tags: Tags = []
    change_summary: Summary = ""


class WorkflowChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is set of a workflow beside its definition; what is left out stays as it is."""

    agent_id: AgentId | UnsetType | None = UNSET
    tags: Tags | UnsetType = UNSET


class DraftChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a draft shall say, as an object or as YAML text."""

    definition: dict[str, Any] | UnsetType = UNSET
    yaml: str | UnsetType = UNSET
    change_summary: Summary = ""


class Publication(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``anyway`` publishes a draft that was begun before another version was published."""

    anyway: bool = False
    change_summary: Summary = ""


class Deed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one says of something done."""

    change_summary: Summary = ""
