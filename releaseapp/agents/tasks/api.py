"""Tasks over JSON."""

from pyramid.response import Response

from releaseapp.agents.resources import AgentNode, TaskNode, Tasks
from releaseapp.agents.tasks import service
from releaseapp.agents.tasks.models import TaskStatus
from releaseapp.agents.tasks.schemas import TaskCreate
from releaseapp.permissions import Permission
from releaseapp.web.answers import created, json_answer
from releaseapp.web.bodies import read
from releaseapp.web.paging import choice, cursor, whole
from releaseapp.web.request import Request
from releaseapp.web.views import api

_MOST_LINES = 1000
_LAST_LINE = 10_000_000


@api(Tasks, Permission.AGENTS_VIEW)
def list_tasks(context: Tasks, request: Request) -> Response:
    """An agent's tasks: ``?status=``, ``?limit=``, ``?cursor=``."""
    page = cursor(request)
    found = service.list_tasks(
        request.db,
        context.above(AgentNode).agent.id,
        page.before,
        page.limit + 1,
        status=choice(request, "status", TaskStatus),
    )
    return json_answer(page.page(found, lambda task: task.id))


@api(Tasks, Permission.AGENTS_RUN, "POST")
def give_task(context: Tasks, request: Request) -> Response:
    """Gives the agent a task: 201 with its address."""
    given = read(request, TaskCreate)
    agent = context.above(AgentNode).agent
    task = service.give_task(
        request.db, request.registry.wake, agent, given.title, given.input, actor=request.identity.account.id
    )
    return created(task, request.resource_url(context, task.id))


@api(TaskNode, Permission.AGENTS_VIEW)
def show_task(context: TaskNode, _request: Request) -> Response:
    """One task with the first lines of its log."""
    return json_answer(context.task)


@api(TaskNode, Permission.AGENTS_VIEW, name="log")
def show_log(context: TaskNode, request: Request) -> Response:
    """The lines of a task's log behind ``?after=``, at most ``?limit=`` of them."""
    after = whole(request, "after", default=0, low=0, high=_LAST_LINE)
    limit = whole(request, "limit", default=_MOST_LINES, low=1, high=_MOST_LINES)
    return json_answer({"items": service.list_log(request.db, context.task.id, after, limit)})


@api(TaskNode, Permission.AGENTS_RUN, "POST", name="cancel")
def cancel_task(context: TaskNode, request: Request) -> Response:
    """Ends a task that is not over."""
    task = service.cancel_task(request.db, context.task.agent_id, context.task.id, actor=request.identity.account.id)
    return json_answer(task)


@api(TaskNode, Permission.AGENTS_RUN, "POST", name="run")
def run_task_again(context: TaskNode, request: Request) -> Response:
    """Gives the agent the same task anew: 201 with the new task's address."""
    agent = context.above(AgentNode).agent
    task = service.give_task(
        request.db,
        request.registry.wake,
        agent,
        context.task.title,
        context.task.input,
        actor=request.identity.account.id,
    )
    return created(task, request.resource_url(context.__parent__, task.id))
