"""Makes files out of workflows: what is kept here, without what means nothing elsewhere, and without secrets."""

import re
import unicodedata
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from releaseapp.workflows import yaml_text
from releaseapp.workflows.models import Action, HistoryEntry, Trigger, Version, Workflow
from releaseapp.workflows.transfer.authors import taken_apart
from releaseapp.workflows.transfer.bundle import (
    FORMAT,
    MARK,
    BundledEntry,
    BundledTrigger,
    BundledVersion,
    BundledWorkflow,
    Kind,
    plain,
)
from releaseapp.workflows.transfer.reading import Format

_OF_THIS_SERVER = frozenset({Action.IMPORTED, Action.EXPORTED})
_SECRET = re.compile(r"secret|token|password|api_?key|private", re.IGNORECASE)
_LONGEST_NAME = 60


class Names(msgspec.Struct, frozen=True):
    """How accounts and agents, which have other ids elsewhere, are called."""

    author: Callable[[str], str | None]
    agent: Callable[[str], str | None]


def all_of(workflows: Iterable[Workflow], names: Names, kind: Kind = "workflows") -> dict[str, Any]:
    """Workflows with their versions, history and triggers."""
    return _bundle(kind, [_workflow(one, names) for one in workflows])


def version_of(workflow: Workflow, version: Version, names: Names) -> dict[str, Any]:
    """One version alone; wherever it is brought it begins as a draft."""
    alone = BundledVersion(
        number=version.number,
        **_told(version.author, version.change_summary, names, "change_summary"),
        created_at=version.created_at,
        updated_at=version.updated_at,
        definition=version.data(),
    )
    head = BundledWorkflow(
        id=workflow.id,
        name=version.name,
        agent=_agent(workflow, names),
        tags=workflow.tags,
        versions=[plain(alone)],
    )
    return _bundle("version", [head])


def as_text(bundle: dict[str, Any], wanted: Format) -> str:
    """A file's text."""
    if wanted == "yaml":
        return yaml_text.dump(bundle)
    return msgspec.json.format(msgspec.json.encode(bundle), indent=2).decode() + "\n"


def file_name(name: str, wanted: Format, version: int | None = None) -> str:
    """A name for a file that every system takes."""
    plain_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain_name).strip("-")[:_LONGEST_NAME].strip("-")
    number = f"-v{version}" if version is not None else ""
    return f"{slug or 'workflow'}{number}.{wanted}"


def _bundle(kind: Kind, workflows: list[BundledWorkflow]) -> dict[str, Any]:
    return {MARK: {"format": FORMAT, "kind": kind}, "workflows": [plain(one) for one in workflows]}


def _workflow(workflow: Workflow, names: Names) -> BundledWorkflow:
    return BundledWorkflow(
        id=workflow.id,
        name=workflow.shown.name,
        status=workflow.status,
        agent=_agent(workflow, names),
        tags=workflow.tags,
        published_version=workflow.published_version,
        created_at=workflow.created_at,
        updated_at=workflow.updated_at,
        triggers=[plain(_trigger(one)) for one in workflow.triggers],
        versions=[plain(_version(one, names)) for one in workflow.versions],
        history=[plain(_entry(one, names)) for one in workflow.history if one.action not in _OF_THIS_SERVER],
    )


def _version(version: Version, names: Names) -> BundledVersion:
    return BundledVersion(
        number=version.number,
        status=version.status,
        **_told(version.author, version.change_summary, names, "change_summary"),
        base=version.base,
        created_at=version.created_at,
        updated_at=version.updated_at,
        definition=version.data(),
    )


def _entry(entry: HistoryEntry, names: Names) -> BundledEntry:
    told = _told(entry.author, entry.summary, names, "summary")
    return BundledEntry(at=entry.at, action=entry.action, version=entry.version, **told)


def _trigger(trigger: Trigger) -> BundledTrigger:
    return BundledTrigger(kind=trigger.kind, active=trigger.active, config=_without_secrets(trigger.config))


def _without_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_secrets(item) for name, item in value.items() if not _SECRET.search(name)}
    return [_without_secrets(item) for item in value] if isinstance(value, list) else value


def _told(account_id: str | None, summary: str, names: Names, field: str) -> dict[str, Any]:
    """Author and summary; an import may have kept the author's name in the summary."""
    if account_id is None:
        summary, author = taken_apart(summary)
    else:
        author = names.author(account_id)
    return {field: summary, "author": author}


def _agent(workflow: Workflow, names: Names) -> str | None:
    return names.agent(workflow.agent_id) if workflow.agent_id is not None else None
