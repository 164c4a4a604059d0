"""Every URL on one page: which node has which fixed children. Composes the domains; nobody imports it."""

from collections.abc import Mapping
from typing import Any, ClassVar

from pyramid.authorization import Allow, Authenticated

from releaseapp.agents.resources import AgentNode, Agents, AllAgents, Memory, Tasks
from releaseapp.auth.resources import AccountNode, Auth, Sessions, Tokens
from releaseapp.banner.resources import MaintenanceNode
from releaseapp.checks.resources import ChecksNode
from releaseapp.connections.resources import ConnectionsNode
from releaseapp.credentials.resources import Credentials
from releaseapp.releases.resources import OperationsNode, ReleasePage, Releases
from releaseapp.rolematrix.resources import RoleMatrixNode
from releaseapp.runs.approvals.resources import Approvals
from releaseapp.runs.limits.resources import SettingsNode
from releaseapp.runs.queues.resources import Queues
from releaseapp.runs.resources import RunNode, RunsNode, StepsNode
from releaseapp.snapshots.resources import Snapshots, Uploads
from releaseapp.web.request import Request
from releaseapp.web.resources import Resource
from releaseapp.web.statics import Static
from releaseapp.web.views import OPERATOR, PERSON, SIGNED_IN
from releaseapp.workflows.resources import Schemas, Versions, WorkflowNode, Workflows
from releaseapp.workspaces.resources import Activity, Members, Roles, WorkspaceNode, Workspaces


class Root(Resource):
    """``/``: what belongs to the person, and to operators, is open to them; everything else is opened further down."""

    __acl__: ClassVar[Any] = [(Allow, Authenticated, SIGNED_IN), (Allow, PERSON, PERSON), (Allow, OPERATOR, OPERATOR)]

    def __init__(self, request: Request) -> None:
        super().__init__(request, "", None)


TREE: Mapping[type[Resource], Mapping[str, type[Resource]]] = {
    Root: {
        "account": AccountNode,
        "agents": AllAgents,
        "auth": Auth,
        "maintenance": MaintenanceNode,
        "release": ReleasePage,
        "schemas": Schemas,
        "static": Static,
        "workspaces": Workspaces,
    },
    Auth: {
        "sessions": Sessions,
        "tokens": Tokens,
    },
    ReleasePage: {
        "checks": ChecksNode,
        "connections": ConnectionsNode,
        "operations": OperationsNode,
        "releases": Releases,
        "roles": RoleMatrixNode,
        "snapshots": Snapshots,
    },
    Snapshots: {
        "uploads": Uploads,
    },
    WorkspaceNode: {
        "activity": Activity,
        "agents": Agents,
        "approvals": Approvals,
        "credentials": Credentials,
        "members": Members,
        "queues": Queues,
        "roles": Roles,
        "runs": RunsNode,
        "settings": SettingsNode,
        "workflows": Workflows,
    },
    WorkflowNode: {
        "versions": Versions,
    },
    RunNode: {
        "steps": StepsNode,
    },
    AgentNode: {
        "memory": Memory,
        "tasks": Tasks,
    },
}


def includeme(config: Any) -> None:
    """Plants the tree."""
    config.registry.tree = TREE
    config.set_root_factory(Root)
