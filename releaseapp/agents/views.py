"""Agents, their tasks and their memory, for browsers."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta
from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import Response

from releaseapp.agents import runtimes, service
from releaseapp.agents.models import Agent, AgentStatus, Limits
from releaseapp.agents.resources import AgentNode, Agents, AllAgents
from releaseapp.agents.schemas import AgentChange, AgentCreate, Description, Instructions, Name
from releaseapp.agents.tasks import service as tasks
from releaseapp.errors import Conflict, Fault, Invalid, Malformed
from releaseapp.permissions import Permission
from releaseapp.web import json_text
from releaseapp.web.bodies import fit, read_form
from releaseapp.web.forms import FormState, refused
from releaseapp.web.messages import say
from releaseapp.web.paging import Page, choice, cursor
from releaseapp.web.request import Request
from releaseapp.web.shown import show
from releaseapp.web.views import SIGNED_IN, page
from releaseapp.workspaces.resources import WorkspaceNode

_LONGEST_SCRIPT = 200_000


class AgentForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The agent form as a browser sends it: text everywhere, the script as JSON."""

    name: Name
    description: Description = ""
    status: AgentStatus = AgentStatus.LEARNING
    instructions: Instructions = ""
    tags: Annotated[str, Meta(max_length=1000)] = ""
    runtime: Annotated[str, Meta(max_length=_LONGEST_SCRIPT)] = ""
    seconds: Annotated[int, Meta(ge=1, le=3600)] = 300
    log_lines: Annotated[int, Meta(ge=1, le=100_000)] = 1000
    revision: int | None = None


@page(AllAgents, SIGNED_IN)
def all_agents_page(_context: AllAgents, request: Request) -> Response:
    """Agents of every workspace of the caller."""
    current = cursor(request)
    status = choice(request, "status", AgentStatus)
    search = request.GET.get("q", "")
    found = service.list_agents_of_workspaces(
        request.db,
        service.visible_workspaces(request.identity),
        current.before,
        current.limit + 1,
        status=status,
        search=search,
    )
    return _show_list(request, current.page(found, lambda agent: agent.id), status, search)


@page(Agents, Permission.AGENTS_VIEW)
def agents_page(context: Agents, request: Request) -> Response:
    """Agents of one workspace."""
    current = cursor(request)
    status = choice(request, "status", AgentStatus)
    search = request.GET.get("q", "")
    found = service.list_agents(
        request.db, context.above(WorkspaceNode).id, current.before, current.limit + 1, status=status, search=search
    )
    return _show_list(request, current.page(found, lambda agent: agent.id), status, search)


def _show_list(request: Request, found: Page[Agent], status: AgentStatus | None, search: str) -> Response:
    slugs = {membership.workspace_id: membership for membership in request.identity.memberships.values()}
    return show(
        request,
        "agents/list",
        ("cards",),
        agents=found.items,
        next_cursor=found.next,
        status=status,
        search=search,
        statuses=list(AgentStatus),
        homes=slugs,
    )


@page(Agents, Permission.AGENTS_EDIT, name="new")
def new_agent_page(_context: Agents, request: Request) -> Response:
    """The form for a new agent, with a script that works as it stands."""
    runtime = _pretty(runtimes.default_runtime())
    values = {"status": AgentStatus.LEARNING, "runtime": runtime, "seconds": "300", "log_lines": "1000"}
    return show(request, "agents/new", form=FormState(values), statuses=list(AgentStatus))


@page(Agents, Permission.AGENTS_EDIT, "POST")
def create_agent(context: Agents, request: Request) -> Response:
    """Adds the agent and goes to it."""
    try:
        given = fit(_read_agent_form(request), AgentCreate)
        state = service.create_agent(
            request.db, context.above(WorkspaceNode).id, given, actor=request.identity.account.id
        )
    except Invalid as error:
        return show(request, "agents/new", form=refused(request, error), statuses=list(AgentStatus))
    say(request, f"{state.agent.name} is ready for tasks.")
    return HTTPSeeOther(request.resource_path(context, state.agent.id))


@page(AgentNode, Permission.AGENTS_VIEW)
def agent_page(context: AgentNode, request: Request) -> Response:
    """The agent with its newest tasks and the form that gives it one."""
    return show_agent(context, request, FormState({"input": ""}))


def show_agent(context: AgentNode, request: Request, form: FormState) -> Response:
    """The agent's page, with the task form as it stands."""
    current = cursor(request)
    found = tasks.list_tasks(request.db, context.agent.id, current.before, current.limit + 1)
    listed = current.page(found, lambda task: task.id)
    return show(
        request,
        "agents/show",
        ("head", "tasks"),
        agent=context.agent,
        tasks=listed.items,
        next_cursor=listed.next,
        form=form,
    )


@page(AgentNode, Permission.AGENTS_VIEW, name="about")
def about_page(context: AgentNode, request: Request) -> Response:
    """What the agent is: instructions, script, limits."""
    return show(request, "agents/about", ("head",), agent=context.agent, runtime=_pretty(context.agent.runtime))


@page(AgentNode, Permission.AGENTS_EDIT, name="edit")
def edit_page(context: AgentNode, request: Request) -> Response:
    """The form with the agent as it is."""
    return _show_edit(context, request, FormState(_form_values(context)))


@page(AgentNode, Permission.AGENTS_EDIT, "POST", name="edit")
def change_agent(context: AgentNode, request: Request) -> Response:
    """Saves the form, unless somebody else saved meanwhile: then both are shown."""
    try:
        form = read_form(request, AgentForm)
        change = fit(_read_agent_form(request), AgentChange)
        service.change_agent(
            request.db,
            context.agent.workspace_id,
            context.agent.id,
            change,
            actor=request.identity.account.id,
            guard=_unless_changed(form.revision),
        )
    except Invalid as error:
        return _show_edit(context, request, refused(request, error))
    except Conflict as error:
        state = refused(request, Invalid.at("", str(error)))
        request.response.status_int = 409
        values = {**state.values, "revision": str(context.state.revision)}
        return _show_edit(context, request, FormState(values, state.errors, state.general), theirs=context.agent)
    say(request, "Saved.")
    return HTTPSeeOther(request.resource_path(context).rstrip("/"))


def _show_edit(context: AgentNode, request: Request, form: FormState, theirs: Agent | None = None) -> Response:
    return show(request, "agents/edit", agent=context.agent, form=form, statuses=list(AgentStatus), theirs=theirs)


def _unless_changed(revision: int | None) -> Any:
    def guard(present: int) -> None:
        if revision is not None and revision != present:
            raise Conflict(
                "Somebody else changed this agent while you did. Your text is kept below; save again to replace theirs."
            )

    return guard


@page(AgentNode, Permission.AGENTS_EDIT, name="delete")
def delete_page(context: AgentNode, request: Request) -> Response:
    """Asks, and names what will be lost."""
    number = tasks.count_tasks(request.db, context.agent.id)
    return show(request, "agents/delete", agent=context.agent, task_count=number)


@page(AgentNode, Permission.AGENTS_EDIT, "POST", name="delete")
def delete_agent(context: AgentNode, request: Request) -> Response:
    """Removes the agent with its tasks and memory."""
    service.delete_agent(request.db, context.agent.workspace_id, context.agent.id, actor=request.identity.account.id)
    say(request, f"{context.agent.name} is deleted.")
    return HTTPSeeOther(request.resource_path(context.__parent__).rstrip("/"))


def _read_agent_form(request: Request) -> dict[str, Any]:
    """The form in the shape of the JSON body; raises Invalid with every fault of both."""
    form = read_form(request, AgentForm)
    value: dict[str, Any] = {
        "name": form.name,
        "description": form.description,
        "status": form.status,
        "instructions": form.instructions,
        "tags": [tag.strip() for tag in form.tags.split(",") if tag.strip()],
        "limits": msgspec.to_builtins(Limits(form.seconds, form.log_lines)),
    }
    if form.runtime.strip():
        value["runtime"] = _read_runtime(form.runtime)
    return value


def _read_runtime(text: str) -> Any:
    try:
        return json_text.decode(text.encode())
    except Malformed as error:
        raise Invalid([Fault("/runtime", str(error).replace("The body", "The script", 1))]) from error


def _form_values(context: AgentNode) -> dict[str, str]:
    agent = context.agent
    return {
        "name": agent.name,
        "description": agent.description,
        "status": agent.status,
        "instructions": agent.instructions,
        "tags": ", ".join(agent.tags),
        "runtime": _pretty(agent.runtime),
        "seconds": str(agent.limits.seconds),
        "log_lines": str(agent.limits.log_lines),
        "revision": str(context.state.revision),
    }


def _pretty(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
