"""What a workflow, a version and a history entry are, and how a version may move."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec


class WorkflowStatus(StrEnum):
    """Draft: nothing is published yet. Active: triggers fire. Paused: they do not. Archived: put away."""

    DRAFT = "draft"
    ACTIVE = "active"
    PAUSED = "paused"
    ARCHIVED = "archived"


class VersionStatus(StrEnum):
    """Where a version stands."""

    DRAFT = "draft"
    PUBLISHED = "published"
    ARCHIVED = "archived"


VERSION_TRANSITIONS: Mapping[VersionStatus, frozenset[VersionStatus]] = {
    VersionStatus.DRAFT: frozenset({VersionStatus.PUBLISHED, VersionStatus.ARCHIVED}),
    VersionStatus.PUBLISHED: frozenset({VersionStatus.ARCHIVED}),
    VersionStatus.ARCHIVED: frozenset(),
}


class Action(StrEnum):
    """What a history entry tells."""

    CREATED = "created"
    UPDATED = "updated"
    DUPLICATED = "duplicated"
    REVERTED = "reverted"
    PUBLISHED = "published"
    ARCHIVED = "archived"
    PAUSED = "paused"
    RESUMED = "resumed"
    IMPORTED = "imported"
    EXPORTED = "exported"
    DELETED = "deleted"
    RESTORED = "restored"


class Version(msgspec.Struct, frozen=True, omit_defaults=True):
    """One state of a definition. Only a draft may change; ``revision`` counts its changes.

    ``definition`` is JSON as it was written: it is not taken apart until
    somebody looks into it, so that a file of many versions stays quick.
    ``source`` is the YAML that somebody wrote for it, comments and all, where
    it says more than the definition alone.
    """

    number: int
    status: VersionStatus
    author: str | None
    change_summary: str
    base: int | None
    revision: int
    created_at: str
    updated_at: str
    name: str
    description: str
    definition: msgspec.Raw
    source: str | None = None

    def data(self) -> dict[str, Any]:
        """The definition as data, made anew at each call."""
        return msgspec.json.decode(self.definition)  # type: ignore[no-any-return]


class HistoryEntry(msgspec.Struct, frozen=True):
    """One thing that was done to a workflow; entries are only ever added."""

    id: str
    at: str
    action: Action
    author: str | None
    summary: str
    version: int | None


class TriggerKind(StrEnum):
    """What starts a workflow without a person."""

    CRON = "cron"
    EVENT = "event"
    QUEUE = "queue"
    WEBHOOK = "webhook"


class Trigger(msgspec.Struct, frozen=True):
    """Something that starts a workflow: its kind, what it is set to, and whether it is switched on."""

    id: str
    kind: TriggerKind
    config: dict[str, Any]
    active: bool


class Workflow(msgspec.Struct, frozen=True):
    """A workflow with all its versions and its history. ``deleted_at`` is set while it lies in the bin."""

    id: str
    workspace_id: str
    status: WorkflowStatus
    agent_id: str | None
    tags: list[str]
    published_version: int | None
    versions: list[Version]
    history: list[HistoryEntry]
    created_at: str
    updated_at: str
    deleted_at: str | None = None
    triggers: list[Trigger] = []

    def version(self, number: int) -> Version | None:
        """The version of that number, or None."""
        # A list asks this of a thousand workflows: where no number is missing, a version stands at its number.
        if 0 < number <= len(self.versions) and self.versions[number - 1].number == number:
            return self.versions[number - 1]
        return next((version for version in self.versions if version.number == number), None)

    def publishing(self, number: int) -> "Workflow":
        """The workflow with that version published and the one before it archived; one that is paused stays so."""

        def status(version: Version) -> VersionStatus:
            if version.number == number:
                return VersionStatus.PUBLISHED
            return VersionStatus.ARCHIVED if version.status is VersionStatus.PUBLISHED else version.status

        return msgspec.structs.replace(
            self,
            versions=[msgspec.structs.replace(one, status=status(one)) for one in self.versions],
            published_version=number,
            status=WorkflowStatus.PAUSED if self.status is WorkflowStatus.PAUSED else WorkflowStatus.ACTIVE,
        )

    @property
    def has_newer_draft(self) -> bool:
        """Is there a draft that goes beyond what is published?"""
        if self.published_version is None:
            return False
        for version in reversed(self.versions):
            if version.number <= self.published_version:
                return False
            if version.status is VersionStatus.DRAFT:
                return True
        return False

    @property
    def newest_draft(self) -> Version | None:
        """The draft with the highest number, or None."""
        return next((one for one in reversed(self.versions) if one.status is VersionStatus.DRAFT), None)

    @property
    def shown(self) -> Version:
        """The version whose name and description the workflow shows: the published one, else the newest draft."""
        published = self.version(self.published_version) if self.published_version is not None else None
        return published or self.newest_draft or self.versions[-1]
