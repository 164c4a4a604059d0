"""Agents over JSON."""

from functools import partial

from pyramid.response import Response

from releaseapp.agents import service
from releaseapp.agents.models import AgentStatus
from releaseapp.agents.resources import AgentNode, Agents, AllAgents
from releaseapp.agents.schemas import AgentChange, AgentCreate
from releaseapp.permissions import Permission
from releaseapp.web.answers import created, entity, guard, json_answer, no_content
from releaseapp.web.bodies import read
from releaseapp.web.paging import choice, cursor
from releaseapp.web.request import Request
from releaseapp.web.views import SIGNED_IN, api
from releaseapp.workspaces.resources import WorkspaceNode


@api(AllAgents, SIGNED_IN)
def list_all_agents(_context: AllAgents, request: Request) -> Response:
    """Agents of every workspace of the caller: ``?q=``, ``?status=``, ``?limit=``, ``?cursor=``."""
    page = cursor(request)
    found = service.list_agents_of_workspaces(
        request.db,
        service.visible_workspaces(request.identity),
        page.before,
        page.limit + 1,
        status=choice(request, "status", AgentStatus),
        search=request.GET.get("q"),
    )
    return json_answer(page.page(found, lambda agent: agent.id))


@api(Agents, Permission.AGENTS_VIEW)
def list_agents(context: Agents, request: Request) -> Response:
    """Agents of one workspace: ``?q=``, ``?status=``, ``?limit=``, ``?cursor=``."""
    page = cursor(request)
    found = service.list_agents(
        request.db,
        context.above(WorkspaceNode).id,
        page.before,
        page.limit + 1,
        status=choice(request, "status", AgentStatus),
        search=request.GET.get("q"),
    )
    return json_answer(page.page(found, lambda agent: agent.id))


@api(Agents, Permission.AGENTS_EDIT, "POST")
def create_agent(context: Agents, request: Request) -> Response:
    """Adds an agent: 201 with its address and ETag."""
    given = read(request, AgentCreate)
    state = service.create_agent(request.db, context.above(WorkspaceNode).id, given, actor=request.identity.account.id)
    return created(state.agent, request.resource_url(context, state.agent.id), state.etag)


@api(AgentNode, Permission.AGENTS_VIEW)
def show_agent(context: AgentNode, request: Request) -> Response:
    """One agent."""
    return entity(request, context.agent, context.state.etag)


@api(AgentNode, Permission.AGENTS_EDIT, "PATCH")
def change_agent(context: AgentNode, request: Request) -> Response:
    """Changes what the body names."""
    state = service.change_agent(
        request.db,
        context.agent.workspace_id,
        context.agent.id,
        read(request, AgentChange),
        actor=request.identity.account.id,
        guard=partial(guard, request),
    )
    return json_answer(state.agent, etag=state.etag)


@api(AgentNode, Permission.AGENTS_EDIT, "DELETE")
def delete_agent(context: AgentNode, request: Request) -> Response:
    """Removes an agent with its tasks and memory."""
    service.delete_agent(
        request.db,
        context.agent.workspace_id,
        context.agent.id,
        actor=request.identity.account.id,
        guard=partial(guard, request),
    )
    return no_content()
