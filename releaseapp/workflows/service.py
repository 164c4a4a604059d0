"""What can be done with workflows: draft, publish, archive, duplicate, revert, pause, delete and restore."""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from releaseapp import clock
from releaseapp.db.api import Reader
from releaseapp.errors import Conflict, NotFound
from releaseapp.events.models import EventType
from releaseapp.events.service import append
from releaseapp.workflows import queries
from releaseapp.workflows.file import Document
from releaseapp.workflows.listing import Wanted, find_workflows
from releaseapp.workflows.models import (
    VERSION_TRANSITIONS,
    Action,
    Version,
    VersionStatus,
    Workflow,
    WorkflowStatus,
)
from releaseapp.workflows.pending import settle
from releaseapp.workflows.store import By, Store, Written, change_workflow, entry_of, new_draft, write
from releaseapp.workflows.workflow_settings import check_agent, clean_tags
from releaseapp.workflows.yaml_keeping import keep

BIN_SECONDS = 30 * 24 * 3600


def list_workflows(store: Store, workspace_id: str) -> list[Workflow]:
    """The workflows of a workspace that are not in the bin, the one changed last first."""
    return find_workflows(store, workspace_id, Wanted()).workflows


def find_workflow(store: Store, workspace_id: str, workflow_id: str) -> Workflow | None:
    """One workflow of a workspace, also one in the bin, or None."""
    for workflow in store.file.read().workflows:
        if workflow.id == workflow_id and workflow.workspace_id == workspace_id:
            return workflow
    return None


def create_workflow(
    store: Store,
    workspace_id: str,
    written: Written | dict[str, Any],
    by: By,
    *,
    tags: Iterable[str] = (),
    agent_id: str | None = None,
) -> Workflow:
    """Adds a workflow with its first draft.

    Raises Invalid with every fault of the definition, and for tags or an agent
    that a workflow of this workspace cannot have.
    """
    kept_tags = clean_tags(tags)
    if agent_id is not None:
        check_agent(store.db, workspace_id, agent_id)
    written = written if isinstance(written, Written) else Written(written)
    draft = new_draft(1, written, By(by.account_id, by.summary.strip() or "First draft"), base=None)
    now = clock.now_text()
    workflow = Workflow(
        id=clock.new_id("wfl"),
        workspace_id=workspace_id,
        status=WorkflowStatus.DRAFT,
        agent_id=agent_id,
        tags=kept_tags,
        published_version=None,
        versions=[draft],
        history=[entry_of(Action.CREATED, By(by.account_id, draft.change_summary), 1)],
        created_at=now,
        updated_at=now,
    )

    def add(document: Document) -> tuple[Document, list[Workflow]]:
        kept = [one for one in document.workflows if not _past_its_time(one)]
        return msgspec.structs.replace(document, workflows=[*kept, workflow]), [workflow]

    return write(store, Action.CREATED, add)[0]


def add_draft(store: Store, workflow: Workflow, number: int, action: Action, by: By) -> Workflow:
    """Adds a draft with the definition of version ``number``: a duplicate, or a revert to it; raises NotFound."""
    told = by.summary.strip() or f"{'Revert to' if action is Action.REVERTED else 'Copy of'} version {number}"
    by = By(by.account_id, told)
    return change_workflow(store, workflow, action, by, lambda present: _with_copy(present, number, by))


def edit_draft(
    store: Store,
    workflow: Workflow,
    number: int,
    edit: Callable[[dict[str, Any], int], Written | dict[str, Any]],
    by: By,
) -> Workflow:
    """Has ``edit`` make a draft's next definition of its present one and its revision.

    A YAML text that was kept follows what is changed in another way. Raises
    Invalid with every fault, Conflict for a version that is no draft, NotFound,
    and what ``edit`` raises.
    """

    def change(present: Workflow) -> Workflow:
        version = get_version(present, number)
        if version.status is not VersionStatus.DRAFT:
            raise Conflict(
                f"Version {number} is {version.status} and cannot be changed; duplicate it to go on from it."
            )
        before = version.data()
        written = edit(before, version.revision)
        if not isinstance(written, Written):
            kept = keep(version.source, before, written) if version.source is not None else None
            written = Written(written, kept)
        said = By(by.account_id, by.summary.strip() or version.change_summary)
        draft = new_draft(number, written, said, base=version.base)
        changed = msgspec.structs.replace(
            draft, revision=version.revision + 1, created_at=version.created_at, author=version.author
        )
        return _with(present, changed)

    return change_workflow(store, workflow, Action.UPDATED, by, change, version=number)


def change_draft(
    store: Store,
    workflow: Workflow,
    number: int,
    written: Written | dict[str, Any],
    by: By,
    guard: Callable[[int], None] | None = None,
) -> Workflow:
    """Replaces what a draft says; raises as :func:`edit_draft`, and what ``guard`` does with its revision."""

    def edit(_present: dict[str, Any], revision: int) -> Written | dict[str, Any]:
        if guard is not None:
            guard(revision)
        return written

    return edit_draft(store, workflow, number, edit, by)


class Overtaken(Conflict):
    """Another version was published since a draft was begun, or the one that was is put away; ``published`` is now."""

    def __init__(self, sentence: str, draft: Version, published: Version | None) -> None:
        super().__init__(sentence)
        self.draft = draft
        self.published = published


def publish(store: Store, workflow: Workflow, number: int, by: By, *, anyway: bool = False) -> Workflow:
    """Makes a draft the published version and archives the one published before.

    Raises Conflict when the version is no draft, and Overtaken when another
    version was published since it was begun, unless told to go ahead ``anyway``.
    """

    def change(present: Workflow) -> Workflow:
        version = get_version(present, number)
        _check_move(version, VersionStatus.PUBLISHED)
        if version.base != present.published_version and not anyway:
            since = f"version {present.published_version}" if present.published_version else "nothing"
            sentence = (
                f"Version {number} was begun when another version was published; now it is {since}. "
                "Compare them, and publish anyway if this one is right."
            )
            published = present.version(present.published_version) if present.published_version else None
            raise Overtaken(sentence, version, published)
        return present.publishing(number)

    return change_workflow(store, workflow, Action.PUBLISHED, by, change, version=number)


def revert_and_publish(store: Store, workflow: Workflow, number: int, by: By) -> Workflow:
    """In an emergency: a new draft with the definition of version ``number``, published at once."""
    by = By(by.account_id, by.summary.strip() or f"Back to version {number}")

    def change(present: Workflow) -> Workflow:
        after = _with_copy(present, number, by)
        return after.publishing(after.versions[-1].number)

    return change_workflow(store, workflow, Action.PUBLISHED, by, change)


def archive_version(store: Store, workflow: Workflow, number: int, by: By) -> Workflow:
    """Puts a version away; a published one leaves nothing published. Raises Conflict for an archived one."""

    def change(present: Workflow) -> Workflow:
        version = get_version(present, number)
        _check_move(version, VersionStatus.ARCHIVED)
        archived = _with(present, msgspec.structs.replace(version, status=VersionStatus.ARCHIVED))
        if present.published_version != number:
            return archived
        return msgspec.structs.replace(archived, published_version=None, status=WorkflowStatus.DRAFT)

    return change_workflow(store, workflow, Action.ARCHIVED, by, change, version=number)


def pause(store: Store, workflow: Workflow, by: By) -> Workflow:
    """Has triggers fire no more; raises Conflict unless the workflow is active."""
    return _move(store, workflow, WorkflowStatus.ACTIVE, WorkflowStatus.PAUSED, Action.PAUSED, by)


def resume(store: Store, workflow: Workflow, by: By) -> Workflow:
    """Has triggers fire again; raises Conflict unless the workflow is paused."""
    return _move(store, workflow, WorkflowStatus.PAUSED, WorkflowStatus.ACTIVE, Action.RESUMED, by)


def delete_workflow(store: Store, workflow: Workflow, by: By) -> Workflow:
    """Puts a workflow into the bin, where it stays for 30 days; raises Conflict when it is there."""

    def change(present: Workflow) -> Workflow:
        if present.deleted_at is not None:
            raise Conflict("This workflow is in the bin already.")
        return msgspec.structs.replace(present, deleted_at=clock.now_text())

    return change_workflow(store, workflow, Action.DELETED, by, change)


def restore_workflow(store: Store, workflow: Workflow, by: By) -> Workflow:
    """Takes a workflow out of the bin; raises Conflict when it is not there."""

    def change(present: Workflow) -> Workflow:
        if present.deleted_at is None:
            raise Conflict("This workflow is not in the bin.")
        return msgspec.structs.replace(present, deleted_at=None)

    return change_workflow(store, workflow, Action.RESTORED, by, change)


def known_revision(db: Reader) -> int:
    """The revision of the workflow file that the database has heard of last; 0 when there never was a change."""
    return queries.last_file_revision(db)


def reconcile(store: Store) -> bool:
    """At the start: tells of a change whose event a crash has swallowed; returns whether there was one.

    A snapshot that was put back into the database, and not yet into the file, is put there first.
    """
    settle(store.db, store.file)
    revision = store.file.read().revision
    with store.db.transaction() as tx:
        known = queries.last_file_revision(tx)
        if revision <= known:
            return False
        data = {"revision": revision, "note": "changes up to here were found in the file without their event"}
        append(tx, EventType.WORKFLOW_FOUND, "workflows", data=data)
    return True


def _move(
    store: Store, workflow: Workflow, before: WorkflowStatus, after: WorkflowStatus, action: Action, by: By
) -> Workflow:
    def change(present: Workflow) -> Workflow:
        if present.status is not before:
            raise Conflict(f"The workflow is {present.status}, not {before}.")
        return msgspec.structs.replace(present, status=after)

    return change_workflow(store, workflow, action, by, change)


def _with(workflow: Workflow, version: Version) -> Workflow:
    versions = [version if one.number == version.number else one for one in workflow.versions]
    return msgspec.structs.replace(workflow, versions=versions)


def get_version(workflow: Workflow, number: int) -> Version:
    """The version of that number; raises NotFound."""
    version = workflow.version(number)
    if version is None:
        raise NotFound(f"There is no version {number}.")
    return version


def _with_copy(workflow: Workflow, number: int, by: By) -> Workflow:
    """The workflow with one more draft, which says what version ``number`` says; raises NotFound."""
    source = get_version(workflow, number)
    written = Written(source.definition, source.source)
    draft = new_draft(workflow.versions[-1].number + 1, written, by, base=workflow.published_version)
    return msgspec.structs.replace(workflow, versions=[*workflow.versions, draft])


def _check_move(version: Version, to: VersionStatus) -> None:
    if to not in VERSION_TRANSITIONS[version.status]:
        raise Conflict(f"Version {version.number} is {version.status} and cannot become {to}.")


def _past_its_time(workflow: Workflow) -> bool:
    return workflow.deleted_at is not None and workflow.deleted_at < clock.later_text(-BIN_SECONDS)
