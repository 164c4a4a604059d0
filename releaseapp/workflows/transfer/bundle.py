"""The format of an exported file: what is declared here is what ``docs/transfer.md`` tells."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from releaseapp.workflows.models import Action, TriggerKind, VersionStatus, WorkflowStatus

FORMAT = 1
MARK = "releaseapp"
"""The key by which an exported file is told from a definition written by hand."""

Kind = Literal["workflows", "workflow", "version"]
Number = Annotated[int, Meta(ge=1, le=999_999_999)]
Moment = Annotated[str, Meta(max_length=40)]
Person = Annotated[str, Meta(min_length=1, max_length=400)]
Sentence = Annotated[str, Meta(max_length=2000)]


class Marker(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Says that this is an export, of which format, and of what."""

    format: int
    kind: Kind


class BundledVersion(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """A version; its author is an e-mail, or the name of an account that is gone."""

    number: Number
    status: VersionStatus = VersionStatus.DRAFT
    author: Person | None = None
    change_summary: Sentence = ""
    base: Number | None = None
    created_at: Moment | None = None
    updated_at: Moment | None = None
    definition: dict[str, Any]


class BundledTrigger(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A trigger, without the id that it has here and without what is secret."""

    kind: TriggerKind
    active: bool = False
    config: dict[str, Any] = {}


class BundledEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """An entry of the history."""

    at: Moment
    action: Action
    author: Person | None = None
    version: Number | None = None
    summary: Sentence = ""


class BundledWorkflow(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """A workflow. ``id`` lets a later import find it again; the agent goes by name."""

    id: Annotated[str, Meta(pattern=r"^wfl_[0-9a-z]{24}$")] | None = None
    name: Annotated[str, Meta(max_length=200)] = ""
    status: WorkflowStatus = WorkflowStatus.DRAFT
    agent: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    tags: Annotated[list[Annotated[str, Meta(min_length=1, max_length=1000)]], Meta(max_length=500)] = []
    published_version: Number | None = None
    created_at: Moment | None = None
    updated_at: Moment | None = None
    triggers: Annotated[list[dict[str, Any]], Meta(max_length=1000)] = []
    versions: Annotated[list[dict[str, Any]], Meta(min_length=1)]
    history: list[dict[str, Any]] = []


class Bundle(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An exported file."""

    releaseapp: Marker
    workflows: Annotated[list[dict[str, Any]], Meta(max_length=100_000)]


def plain(value: msgspec.Struct) -> dict[str, Any]:
    """A part of a bundle as JSON's data, in the order of its fields."""
    data: dict[str, Any] = msgspec.to_builtins(value)
    return data
