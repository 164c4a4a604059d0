"""What people can be present at: agents, and drafts of workflows."""

from collections.abc import Callable

import msgspec

from releaseapp.agents import service as agents
from releaseapp.db.api import Reader
from releaseapp.permissions import Permission
from releaseapp.workflows import service as workflows
from releaseapp.workflows.models import VersionStatus
from releaseapp.workflows.store import Store
from releaseapp.workspaces.models import Identity

Drafts = Callable[[str, str, int], str | None]
"""The name of the draft with that number of a workflow in a workspace; None when there is none."""


class Subject(msgspec.Struct, frozen=True):
    """Something to look at and to edit, with the permissions that either needs."""

    id: str
    workspace_id: str
    name: str
    view: Permission
    edit: Permission


def find_subject(db: Reader, drafts: Drafts, identity: Identity, subject_id: str) -> Subject | None:
    """The subject, when there is one that the identity may see; a foreign one is as none. May raise Busy."""
    workflow_id, _, number = subject_id.partition("/")
    view, edit = Permission.AGENTS_VIEW, Permission.AGENTS_EDIT
    if number:
        view, edit = Permission.WORKFLOWS_VIEW, Permission.WORKFLOWS_EDIT
    for workspace_id in identity.memberships:
        if not identity.allows(workspace_id, view):
            continue
        name = drafts(workspace_id, workflow_id, int(number)) if number else _agent(db, workspace_id, subject_id)
        if name is not None:
            return Subject(subject_id, workspace_id, name, view, edit)
    return None


def is_deleted(db: Reader, subject: Subject) -> bool:
    """Whether it is an agent that was deleted: of which nothing more is to be told."""
    return subject.edit is Permission.AGENTS_EDIT and _agent(db, subject.workspace_id, subject.id) is None


def drafts_of(store: Store) -> Drafts:
    """Looks drafts up in the store; those of a workflow in the bin are none."""

    def find(workspace_id: str, workflow_id: str, number: int) -> str | None:
        workflow = workflows.find_workflow(store, workspace_id, workflow_id)
        if workflow is None or workflow.deleted_at is not None:
            return None
        version = workflow.version(number)
        return version.name if version is not None and version.status is VersionStatus.DRAFT else None

    return find


def no_drafts(_workspace_id: str, _workflow_id: str, _number: int) -> None:
    """For a server without workflows."""


def _agent(db: Reader, workspace_id: str, agent_id: str) -> str | None:
    state = agents.find_agent(db, workspace_id, agent_id)
    return state.agent.name if state else None
