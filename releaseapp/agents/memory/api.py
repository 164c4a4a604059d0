"""Memory over JSON."""

from functools import partial
from typing import Any

import msgspec
from pyramid.response import Response

from releaseapp.agents.memory import service
from releaseapp.agents.memory.models import MemoryType
from releaseapp.agents.memory.schemas import MemoryChange, MemoryCreate
from releaseapp.agents.resources import AgentNode, Memory, MemoryNode
from releaseapp.permissions import Permission
from releaseapp.web.answers import created, entity, guard, json_answer, no_content
from releaseapp.web.bodies import read
from releaseapp.web.paging import choice, cursor
from releaseapp.web.request import Request
from releaseapp.web.views import api


@api(Memory, Permission.MEMORY_VIEW)
def list_memory(context: Memory, request: Request) -> Response:
    """What an agent remembers: ``?q=``, ``?type=``, ``?limit=``, ``?cursor=``."""
    page = cursor(request)
    found = service.list_memory(
        request.db,
        context.above(AgentNode).agent.id,
        page.before,
        page.limit + 1,
        item_type=choice(request, "type", MemoryType),
        search=request.GET.get("q"),
    )
    return json_answer(page.page(found, lambda item: item.id))


@api(Memory, Permission.MEMORY_EDIT, "POST")
def create_memory(context: Memory, request: Request) -> Response:
    """Adds a memory item: 201 with its address and ETag."""
    given = read(request, MemoryCreate)
    agent = context.above(AgentNode).agent
    item = service.create_memory(
        request.db, agent, given.key, given.value, given.type, actor=request.identity.account.id
    )
    return created(item, request.resource_url(context, item.id), "1")


@api(MemoryNode, Permission.MEMORY_VIEW)
def show_memory(context: MemoryNode, request: Request) -> Response:
    """One memory item."""
    return entity(request, context.state.item, str(context.state.revision))


@api(MemoryNode, Permission.MEMORY_EDIT, "PATCH")
def change_memory(context: MemoryNode, request: Request) -> Response:
    """Changes what the body names."""
    state = service.change_memory(
        request.db,
        context.above(AgentNode).agent,
        context.state.item.id,
        given_fields(read(request, MemoryChange)),
        actor=request.identity.account.id,
        guard=partial(guard, request),
    )
    return json_answer(state.item, etag=str(state.revision))


@api(MemoryNode, Permission.MEMORY_EDIT, "DELETE")
def delete_memory(context: MemoryNode, request: Request) -> Response:
    """Forgets one item."""
    service.delete_memory(
        request.db,
        context.above(AgentNode).agent,
        context.state.item.id,
        actor=request.identity.account.id,
        guard=partial(guard, request),
    )
    return no_content()


def given_fields(change: MemoryChange) -> dict[str, Any]:
    """The fields that a change names."""
    return {name: value for name, value in msgspec.structs.asdict(change).items() if value is not msgspec.UNSET}
