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
    ACCOUNT_ENABLED = "account.enabled"
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
    MAINTENANCE_BEGAN = "maintenance.began"
    MAINTENANCE_ENDED = "maintenance.ended"
    MEMBER_ADDED = "member.added"
    MEMBER_REMOVED = "member.removed"
    MEMBER_UPDATED = "member.updated"
    MEMORY_CREATED = "memory.created"
    MEMORY_DELETED = "memory.deleted"
    MEMORY_UPDATED = "memory.updated"
    OPERATION_FINISHED = "operation.finished"
    OPERATION_PROGRESSED = "operation.progressed"
    OPERATION_STARTED = "operation.started"
    QUEUE_PUBLISHED = "queue.published"
    QUEUE_REMOVED = "queue.removed"
    RELEASE_ABANDONED = "release.abandoned"
    RELEASE_FINISHED = "release.finished"
    RELEASE_NOTED = "release.noted"
    RELEASE_PROMOTED = "release.promoted"
    RELEASE_ROLLED_BACK = "release.rolled_back"
    RELEASE_STARTED = "release.started"
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
    SECRET_ROTATED = "secret.rotated"  # noqa: S105 - the name of an event
    SESSION_ENDED = "session.ended"
    SESSION_STARTED = "session.started"
    SNAPSHOT_DELETED = "snapshot.deleted"
    SNAPSHOT_IMPORTED = "snapshot.imported"
    SNAPSHOT_MADE = "snapshot.made"
    SNAPSHOT_RESTORED = "snapshot.restored"
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
    "maintenance": None,
    "member": Permission.MEMBERS_VIEW,
    "memory": Permission.MEMORY_VIEW,
    "operation": None,
    "queue": Permission.RUNS_VIEW,
    "release": None,
    "run": Permission.RUNS_VIEW,
    "secret": None,
    "session": None,
    "snapshot": None,
    "step": Permission.RUNS_VIEW,
    "task": Permission.AGENTS_VIEW,
    "token": None,
    "version": Permission.WORKFLOWS_VIEW,
    "workflow": Permission.WORKFLOWS_VIEW,
    "workspace": Permission.WORKSPACE_VIEW,
}

_FOR_EVERYBODY = {"maintenance"}
"""Things of the server that concern everybody who is signed in."""

_FOR_OPERATORS = {"operation", "release", "secret", "snapshot"}
"""Things of the server, which operators see, whatever workspace they belong to."""


def is_for_operators(event_type: str) -> bool:
    """Whether events of this type are about the server itself, and so for its operators."""
    return event_type.partition(".")[0] in _FOR_OPERATORS


def is_for_everybody(event_type: str) -> bool:
    """Whether everybody who is signed in hears of events of this type."""
    return event_type.partition(".")[0] in _FOR_EVERYBODY


def permission_for(event_type: str, subject: str = "") -> Permission | None:
    """The permission that lets a member see events of this type in a workspace.

    None means that no role covers it: such events concern one account, the server (see
    :func:`is_for_operators`) or everybody (:func:`is_for_everybody`), and nobody else may read them.
    Editing is seen by those who may see what is edited: an agent, or (as without a ``subject``) a draft.
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
