"""What a person may be allowed to do.

The naming law: ``<plural noun of the thing>.<verb>``, in code the same in
capitals with an underscore. Views, ACLs, event types and templates all use
these members and nothing else. Members are in alphabetical order.
"""

from collections.abc import Mapping
from enum import StrEnum


class Permission(StrEnum):
    """One row of the role matrix."""

    ACTIVITY_VIEW = "activity.view"
    AGENTS_EDIT = "agents.edit"
    AGENTS_RUN = "agents.run"
    AGENTS_VIEW = "agents.view"
    APPROVALS_DECIDE = "approvals.decide"
    CREDENTIALS_MANAGE = "credentials.manage"
    CREDENTIALS_VIEW = "credentials.view"
    MEMBERS_MANAGE = "members.manage"
    MEMBERS_VIEW = "members.view"
    MEMORY_EDIT = "memory.edit"
    MEMORY_VIEW = "memory.view"
    OWNERS_MANAGE = "owners.manage"
    ROLES_MANAGE = "roles.manage"
    RUNS_CONTROL = "runs.control"
    RUNS_VIEW = "runs.view"
    SETTINGS_MANAGE = "settings.manage"
    TRIGGERS_SECRETS = "triggers.secrets"
    WORKFLOWS_EDIT = "workflows.edit"
    WORKFLOWS_PUBLISH = "workflows.publish"
    WORKFLOWS_RUN = "workflows.run"
    WORKFLOWS_VIEW = "workflows.view"
    WORKSPACE_DELETE = "workspace.delete"
    WORKSPACE_VIEW = "workspace.view"


class Role(StrEnum):
    """Roles from low to high; their order is their rank."""

    VIEWER = "viewer"
    EDITOR = "editor"
    ADMIN = "admin"
    OWNER = "owner"

    @property
    def rank(self) -> int:
        """0 for the lowest role."""
        return list(Role).index(self)


RoleMatrix = Mapping[Role, frozenset[Permission]]

_VIEWER = frozenset(
    {
        Permission.WORKSPACE_VIEW,
        Permission.AGENTS_VIEW,
        Permission.MEMBERS_VIEW,
        Permission.ACTIVITY_VIEW,
    }
)
_EDITOR = _VIEWER | {
    Permission.AGENTS_EDIT,
    Permission.AGENTS_RUN,
    Permission.WORKFLOWS_VIEW,
    Permission.WORKFLOWS_EDIT,
    Permission.WORKFLOWS_PUBLISH,
    Permission.WORKFLOWS_RUN,
    Permission.RUNS_VIEW,
    Permission.RUNS_CONTROL,
    Permission.APPROVALS_DECIDE,
    Permission.CREDENTIALS_VIEW,
}
_ADMIN = _EDITOR | {
    Permission.MEMORY_VIEW,
    Permission.MEMORY_EDIT,
    Permission.CREDENTIALS_MANAGE,
    Permission.MEMBERS_MANAGE,
    Permission.SETTINGS_MANAGE,
    Permission.TRIGGERS_SECRETS,
}

DEFAULT_MATRIX: RoleMatrix = {
    Role.VIEWER: _VIEWER,
    Role.EDITOR: _EDITOR,
    Role.ADMIN: _ADMIN,
    Role.OWNER: frozenset(Permission),
}
