"""Queues, for browsers."""

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import Response

from releaseapp.errors import AppError
from releaseapp.permissions import Permission
from releaseapp.runs.queues import service
from releaseapp.runs.queues.api import messages_of, queues_of
from releaseapp.runs.queues.models import MOST_COUNTED
from releaseapp.runs.queues.resources import MessageNode, QueueNode, Queues
from releaseapp.web.forms import as_typed
from releaseapp.web.messages import say
from releaseapp.web.request import Request
from releaseapp.web.shown import show
from releaseapp.web.views import page
from releaseapp.workspaces.resources import WorkspaceNode


@page(Queues, Permission.RUNS_VIEW)
def queues_page(context: Queues, request: Request) -> Response:
    """Which queues there are, and how many messages wait in each."""
    listed = queues_of(context, request)
    return show(
        request, "queues/list", ("rows",), queues=listed.items, next_cursor=listed.next, most_counted=MOST_COUNTED
    )


@page(QueueNode, Permission.RUNS_VIEW)
def queue_page(context: QueueNode, request: Request) -> Response:
    """The messages of a queue, newest first."""
    listed = messages_of(context, request)
    return show(
        request,
        "queues/show",
        ("messages",),
        queue=context.queue,
        messages_waiting=listed.items,
        next_cursor=listed.next,
        as_typed=as_typed,
    )


@page(MessageNode, Permission.RUNS_VIEW)
def message_page(context: MessageNode, request: Request) -> Response:
    """One message, whole."""
    return show(request, "queues/message", message=context.message, as_typed=as_typed)


@page(MessageNode, Permission.RUNS_CONTROL, "POST", name="delete")
def remove_message(context: MessageNode, request: Request) -> Response:
    """Takes a message out for good."""
    workspace_id = context.above(WorkspaceNode).id
    try:
        service.remove_message(request.db, workspace_id, context.message, actor=request.identity.account.id)
    except AppError as error:
        say(request, str(error), "error")
    else:
        say(request, "The message is deleted.")
    return HTTPSeeOther(request.resource_path(context.__parent__).rstrip("/"))
