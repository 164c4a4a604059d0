"""The nodes of the tree that stand for queues and their messages."""

from releaseapp.runs.queues import service
from releaseapp.runs.queues.models import Message
from releaseapp.web.request import Request
from releaseapp.web.resources import Resource
from releaseapp.workspaces.resources import WorkspaceNode


class Queues(Resource):
    """``/workspaces/{…}/queues``."""

    def child(self, name: str) -> Resource:
        """A queue by name; one without messages is there, too: it is made by the first message."""
        if not service.is_name(name):
            raise KeyError(name)
        return QueueNode(self.request, name, self, name)


class QueueNode(Resource):
    """``/workspaces/{…}/queues/{name}``."""

    def __init__(self, request: Request, name: str, parent: Resource, queue: str) -> None:
        super().__init__(request, name, parent)
        self.queue = queue

    def child(self, name: str) -> Resource:
        """A message of this queue by id."""
        workspace_id = self.above(WorkspaceNode).id
        message = service.find_message(self.request.db, workspace_id, self.queue, name)
        if message is None:
            raise KeyError(name)
        return MessageNode(self.request, name, self, message)


class MessageNode(Resource):
    """``/workspaces/{…}/queues/{name}/{id}``."""

    def __init__(self, request: Request, name: str, parent: Resource, message: Message) -> None:
        super().__init__(request, name, parent)
        self.message = message
