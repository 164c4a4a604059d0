"""What an event is, and the catalogue of all types."""

from enum import StrEnum
from typing import Any

import msgspec

from releaseapp.permissions import Permission


class EventType(StrEnum):
    """Every type of event, alphabetised: ``<thing>.<what happened>``."""

    AGENT_CREATED = "agent.created"
    AGENT_DELETED = "agent.deleted"
    AGENT_UPDATED = "agent.updated"
    ACCOUNT_CREATED = "account.created"
    ACCOUNT_DISABLED = "account.disabled"
    ACCOUNT_UPDATED = "account.updated"
    APPROVAL_DECIDED = "approval.decided"
    APPROVAL_EXPIRED = "approval.expired"
    APPROVAL_REQUESTED = "approval.requested"
    APPROVAL_WITHDRAWN = "approval.withdrawn"
    CREDENTIAL_CREATED = "credential.created"
    CREDENTIAL_DELETED = "credential.deleted"
    CREDENTIAL_ROTATED = "credential.rotated"
    CREDENTIAL_UPDATED = "credential.updated"
    EDIT_FORCED = "edit.forced"
    EDIT_LOCKED = "edit.locked"
    EDIT_UNLOCKED = "edit.unlocked"
    MEMBER_ADDED = "member.added"
    MEMBER_REMOVED = "member.removed"
    MEMBER_UPDATED = "member.updated"
    MEMORY_CREATED = "memory.created"
    MEMORY_DELETED = "memory.deleted"
    MEMORY_UPDATED = "memory.updated"
    QUEUE_PUBLISHED = "queue.published"
    QUEUE_REMOVED = "queue.removed"
    RUN_CANCELLED = "run.cancelled"
    RUN_FAILED = "run.failed"
    RUN_PRUNED = "run.pruned"
    RUN_QUEUED = "run.queued"
    RUN_RECOVERED = "run.recovered"
    RUN_RELEASED = "run.released"
    RUN_RESUMED = "run.resumed"
    RUN_STARTED = "run.started"
    RUN_SUCCEEDED = "run.succeeded"
    RUN_WAITING = "run.waiting"
    SESSION_ENDED = "session.ended"
    SESSION_STARTED = "session.started"
    STEP_CANCELLED = "step.cancelled"
    STEP_FAILED = "step.failed"
    STEP_LATE = "step.late"
    STEP_RETRYING = "step.retrying"
    STEP_SKIPPED = "step.skipped"
    STEP_STARTED = "step.started"
    STEP_STREAM = "step.stream"
    STEP_SUCCEEDED = "step.succeeded"
    STEP_WAITING = "step.waiting"
    TASK_CANCELLED = "task.cancelled"
    TASK_COMPLETED = "task.completed"
    TASK_CREATED = "task.created"
    TASK_FAILED = "task.failed"
    TASK_RECOVERED = "task.recovered"
    TASK_STARTED = "task.started"
    TASK_STREAM = "task.stream"
    TOKEN_CREATED = "token.created"  # noqa: S105 - the name of an event
    TOKEN_REVOKED = "token.revoked"  # noqa: S105 - the name of an event
    VERSION_PUBLISHED = "version.published"
    VERSION_SAVED = "version.saved"
    WORKFLOW_CREATED = "workflow.created"
    WORKFLOW_DELETED = "workflow.deleted"
    WORKFLOW_FOUND = "workflow.found"
    WORKFLOW_UPDATED = "workflow.updated"
    WORKSPACE_CREATED = "workspace.created"
    WORKSPACE_ROLES_CHANGED = "workspace.roles_changed"
    WORKSPACE_UPDATED = "workspace.updated"


_PERMISSION_BY_THING: dict[str, Permission | None] = {
    "account": None,
    "agent": Permission.AGENTS_VIEW,
    "approval": Permission.RUNS_VIEW,
    "credential": Permission.CREDENTIALS_VIEW,
    "edit": Permission.WORKFLOWS_VIEW,
    "member": Permission.MEMBERS_VIEW,
    "memory": Permission.MEMORY_VIEW,
    "queue": Permission.RUNS_VIEW,
    "run": Permission.RUNS_VIEW,
    "session": None,
    "step": Permission.RUNS_VIEW,
    "task": Permission.AGENTS_VIEW,
    "token": None,
    "version": Permission.WORKFLOWS_VIEW,
    "workflow": Permission.WORKFLOWS_VIEW,
    "workspace": Permission.WORKSPACE_VIEW,
}


def permission_for(event_type: str, subject: str = "") -> Permission | None:
    """The permission that lets a member see events of this type in a workspace.

    None means that no role covers it: such events concern one account, and
    only the audit trail and that account may read them. Editing is seen by those
    who may see what is edited: an agent, or (as without a ``subject``) a draft.
    Raises KeyError for a type whose thing is not in the catalogue.
    """
    thing = event_type.partition(".")[0]
    return _PERMISSION_BY_THING["agent" if thing == "edit" and subject.startswith("agt_") else thing]


class Event(msgspec.Struct, frozen=True):
    """One thing that happened.

    ``id`` grows with commit order and is never used twice; ``workspace_id`` is
    None for what belongs to an account or the server; ``subject`` is the id of
    the thing; ``actor`` the id of the account that did it, None for the server
    itself; ``at`` RFC 3339 UTC; ``data`` small, JSON, and free of secrets.
    """

    id: int
    workspace_id: str | None
    type: str
    subject: str
    actor: str | None
    at: str
    data: dict[str, Any]
