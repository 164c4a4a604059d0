"""Memory, for browsers."""

from typing import Annotated

import msgspec
from msgspec import Meta
from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import Response

from releaseapp.agents.memory import service
from releaseapp.agents.memory.models import MemoryType
from releaseapp.agents.memory.schemas import Key
from releaseapp.agents.resources import AgentNode, Memory, MemoryNode
from releaseapp.errors import Conflict, Invalid
from releaseapp.permissions import Permission
from releaseapp.web.bodies import read_form
from releaseapp.web.forms import FormState, as_typed, json_or_text, refused
from releaseapp.web.messages import say
from releaseapp.web.paging import choice, cursor
from releaseapp.web.request import Request
from releaseapp.web.shown import show
from releaseapp.web.views import page


class MemoryForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The memory form as a browser sends it: the value is JSON, or plain text."""

    key: Key
    value: Annotated[str, Meta(max_length=service.LARGEST_VALUE_BYTES)]
    type: MemoryType = MemoryType.FACT


@page(Memory, Permission.MEMORY_VIEW)
def memory_page(context: Memory, request: Request) -> Response:
    """What the agent remembers, to search and to add to."""
    return _show_memory(context, request, FormState({"type": MemoryType.FACT}))


def _show_memory(context: Memory, request: Request, form: FormState) -> Response:
    agent = context.above(AgentNode).agent
    current = cursor(request)
    item_type = choice(request, "type", MemoryType)
    search = request.GET.get("q", "")
    found = service.list_memory(
        request.db, agent.id, current.before, current.limit + 1, item_type=item_type, search=search
    )
    listed = current.page(found, lambda item: item.id)
    return show(
        request,
        "agents/memory",
        ("items",),
        agent=agent,
        items=listed.items,
        next_cursor=listed.next,
        as_typed=as_typed,
        form=form,
        types=list(MemoryType),
        chosen_type=item_type,
        search=search,
    )


@page(Memory, Permission.MEMORY_EDIT, "POST")
def create_memory(context: Memory, request: Request) -> Response:
    """Adds an item."""
    agent = context.above(AgentNode).agent
    try:
        given = read_form(request, MemoryForm)
        service.create_memory(
            request.db,
            agent,
            given.key,
            json_or_text(given.value),
            given.type,
            actor=request.identity.account.id,
        )
    except Invalid as error:
        return _show_memory(context, request, refused(request, error))
    except Conflict as error:
        return _show_memory(context, request, refused(request, Invalid.at("/key", str(error))))
    say(request, f"{agent.name} remembers {given.key.strip()}.")
    return HTTPSeeOther(request.resource_path(context).rstrip("/"))


@page(MemoryNode, Permission.MEMORY_EDIT)
def edit_memory_page(context: MemoryNode, request: Request) -> Response:
    """The form with the item as it is."""
    item = context.state.item
    values = {"key": item.key, "value": as_typed(item.value), "type": item.type}
    return _show_item(context, request, FormState(values))


def _show_item(context: MemoryNode, request: Request, form: FormState) -> Response:
    return show(
        request,
        "agents/memory_item",
        agent=context.above(AgentNode).agent,
        item=context.state.item,
        form=form,
        types=list(MemoryType),
    )


@page(MemoryNode, Permission.MEMORY_EDIT, "POST")
def change_memory(context: MemoryNode, request: Request) -> Response:
    """Saves the item."""
    try:
        given = read_form(request, MemoryForm)
        changes = {"key": given.key, "value": json_or_text(given.value), "type": given.type}
        service.change_memory(
            request.db,
            context.above(AgentNode).agent,
            context.state.item.id,
            changes,
            actor=request.identity.account.id,
        )
    except Invalid as error:
        return _show_item(context, request, refused(request, error))
    except Conflict as error:
        return _show_item(context, request, refused(request, Invalid.at("/key", str(error))))
    say(request, "Saved.")
    return HTTPSeeOther(request.resource_path(context.__parent__).rstrip("/"))


@page(MemoryNode, Permission.MEMORY_EDIT, "POST", name="delete")
def delete_memory(context: MemoryNode, request: Request) -> Response:
    """Forgets the item."""
    agent = context.above(AgentNode).agent
    service.delete_memory(request.db, agent, context.state.item.id, actor=request.identity.account.id)
    say(request, f"{agent.name} forgot {context.state.item.key}.")
    return HTTPSeeOther(request.resource_path(context.__parent__).rstrip("/"))
