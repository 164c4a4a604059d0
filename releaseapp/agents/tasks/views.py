"""Tasks, for browsers."""

from typing import Annotated

import msgspec
from msgspec import Meta
from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import Response

from releaseapp.agents.resources import AgentNode, TaskNode, Tasks
from releaseapp.agents.tasks import service
from releaseapp.agents.tasks.schemas import Title
from releaseapp.agents.views import show_agent
from releaseapp.errors import Conflict, Invalid
from releaseapp.permissions import Permission
from releaseapp.web.bodies import read_form
from releaseapp.web.forms import as_typed, json_or_text, refused
from releaseapp.web.messages import say
from releaseapp.web.request import Request
from releaseapp.web.shown import show
from releaseapp.web.views import page


class TaskForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The task form as a browser sends it: the input is JSON, or plain text."""

    title: Title
    input: Annotated[str, Meta(max_length=service.LARGEST_INPUT_BYTES)] = ""


@page(Tasks, Permission.AGENTS_VIEW)
def tasks_page(context: Tasks, request: Request) -> Response:
    """An agent's tasks are on its own page."""
    return HTTPSeeOther(request.resource_path(context.__parent__).rstrip("/"))


@page(Tasks, Permission.AGENTS_RUN, "POST")
def give_task(context: Tasks, request: Request) -> Response:
    """Gives the agent a task and goes to it."""
    node = context.above(AgentNode)
    try:
        form = read_form(request, TaskForm)
        value = json_or_text(form.input) if form.input.strip() else None
        task = service.give_task(
            request.db, request.registry.wake, node.agent, form.title, value, actor=request.identity.account.id
        )
    except Invalid as error:
        return show_agent(node, request, refused(request, error))
    except Conflict as error:
        state = refused(request, Invalid.at("", str(error)))
        request.response.status_int = 409
        return show_agent(node, request, state)
    return HTTPSeeOther(request.resource_path(context, task.id))


@page(TaskNode, Permission.AGENTS_VIEW)
def task_page(context: TaskNode, request: Request) -> Response:
    """One task with its log, which grows while one looks."""
    task = context.task
    return show(
        request,
        "agents/task",
        ("task_state",),
        agent=context.above(AgentNode).agent,
        task=task,
        shown_input=as_typed(task.input),
        shown_output=as_typed(task.output),
    )


@page(TaskNode, Permission.AGENTS_RUN, "POST", name="cancel")
def cancel_task(context: TaskNode, request: Request) -> Response:
    """Ends the task."""
    try:
        service.cancel_task(request.db, context.task.agent_id, context.task.id, actor=request.identity.account.id)
    except Conflict as error:
        say(request, str(error), "error")
    return HTTPSeeOther(request.resource_path(context).rstrip("/"))


@page(TaskNode, Permission.AGENTS_RUN, "POST", name="run")
def run_task_again(context: TaskNode, request: Request) -> Response:
    """Gives the agent the same task anew."""
    node = context.above(AgentNode)
    try:
        task = service.give_task(
            request.db,
            request.registry.wake,
            node.agent,
            context.task.title,
            context.task.input,
            actor=request.identity.account.id,
        )
    except Conflict as error:
        say(request, str(error), "error")
        return HTTPSeeOther(request.resource_path(context).rstrip("/"))
    return HTTPSeeOther(request.resource_path(context.__parent__, task.id))
