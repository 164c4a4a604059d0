"""The nodes of the tree that stand for approvals."""

from releaseapp.runs.approvals import service
from releaseapp.runs.approvals.models import Approval
from releaseapp.web.request import Request
from releaseapp.web.resources import Resource
from releaseapp.workspaces.resources import WorkspaceNode


class Approvals(Resource):
    """``/workspaces/{…}/approvals``."""

    def child(self, name: str) -> Resource:
        """An approval of this workspace by id."""
        approval = service.find_approval(self.request.db, self.above(WorkspaceNode).id, name)
        if approval is None:
            raise KeyError(name)
        return ApprovalNode(self.request, name, self, approval)


class ApprovalNode(Resource):
    """``/workspaces/{…}/approvals/{id}``."""

    def __init__(self, request: Request, name: str, parent: Resource, approval: Approval) -> None:
        super().__init__(request, name, parent)
        self.approval = approval
