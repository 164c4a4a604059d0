"""Queues over JSON."""

from pyramid.response import Response

from releaseapp.permissions import Permission
from releaseapp.runs.queues import service
from releaseapp.runs.queues.models import Message, Queue
from releaseapp.runs.queues.resources import MessageNode, QueueNode, Queues
from releaseapp.web.answers import json_answer, no_content
from releaseapp.web.paging import FIRST, Page, cursor
from releaseapp.web.request import Request
from releaseapp.web.views import api
from releaseapp.workspaces.resources import WorkspaceNode


@api(Queues, Permission.RUNS_VIEW)
def list_queues(context: Queues, request: Request) -> Response:
    """Queues by name, with how many messages wait (counted up to 10,000) and since when the oldest does."""
    return json_answer(queues_of(context, request))


@api(QueueNode, Permission.RUNS_VIEW)
def list_messages(context: QueueNode, request: Request) -> Response:
    """Messages of a queue, newest first; a large one without what is in it, which its own address gives."""
    return json_answer(messages_of(context, request))


@api(MessageNode, Permission.RUNS_VIEW)
def show_message(context: MessageNode, _request: Request) -> Response:
    """One message, whole."""
    return json_answer(context.message)


@api(MessageNode, Permission.RUNS_CONTROL, "DELETE")
def remove_message(context: MessageNode, request: Request) -> Response:
    """Takes a message out for good."""
    workspace_id = context.above(WorkspaceNode).id
    service.remove_message(request.db, workspace_id, context.message, actor=request.identity.account.id)
    return no_content()


def queues_of(context: Queues, request: Request) -> Page[Queue]:
    """The page of queues that the query string asks for."""
    page = cursor(request)
    after = "" if page.before == FIRST else page.before
    found = service.list_queues(request.db, context.above(WorkspaceNode).id, after, page.limit + 1)
    return page.page(found, lambda queue: queue.name)


def messages_of(context: QueueNode, request: Request) -> Page[Message]:
    """The page of messages that the query string asks for."""
    page = cursor(request)
    workspace_id = context.above(WorkspaceNode).id
    found = service.list_messages(request.db, workspace_id, context.queue, page.before, page.limit + 1)
    return page.page(found, lambda message: message.id)
