"""The nodes of the tree that stand for workflows and their versions."""

from releaseapp.web.request import Request
from releaseapp.web.resources import Resource
from releaseapp.workflows import service
from releaseapp.workflows.models import Version, Workflow
from releaseapp.workflows.store import Store
from releaseapp.workspaces.resources import WorkspaceNode

_LONGEST_NUMBER = 9


def store_of(request: Request) -> Store:
    """Where this server keeps workflows."""
    return Store(request.db, request.registry.workflow_file)


class Schemas(Resource):
    """``/schemas``: what editors check and complete by."""


class Workflows(Resource):
    """``/workspaces/{…}/workflows``."""

    def child(self, name: str) -> Resource:
        """A workflow of this workspace by id, also one in the bin."""
        workflow = service.find_workflow(store_of(self.request), self.above(WorkspaceNode).id, name)
        if workflow is None:
            raise KeyError(name)
        return WorkflowNode(self.request, name, self, workflow)


class WorkflowNode(Resource):
    """``/workspaces/{…}/workflows/{id}``."""

    def __init__(self, request: Request, name: str, parent: Resource, workflow: Workflow) -> None:
        super().__init__(request, name, parent)
        self.workflow = workflow


class Versions(Resource):
    """``/workspaces/{…}/workflows/{id}/versions``."""

    def child(self, name: str) -> Resource:
        """A version by number."""
        known = name.isascii() and name.isdigit() and len(name) <= _LONGEST_NUMBER
        version = self.above(WorkflowNode).workflow.version(int(name)) if known else None
        if version is None:
            raise KeyError(name)
        return VersionNode(self.request, name, self, version)


class VersionNode(Resource):
    """``/workspaces/{…}/workflows/{id}/versions/{n}``."""

    def __init__(self, request: Request, name: str, parent: Resource, version: Version) -> None:
        super().__init__(request, name, parent)
        self.version = version
