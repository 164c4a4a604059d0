"""Credentials over JSON. What goes in as a secret never comes out."""

from functools import partial
from typing import Any

import msgspec
from pyramid.response import Response

from releaseapp.credentials import service, testers
from releaseapp.credentials.models import CredentialState, CredentialType, Use
from releaseapp.credentials.resources import CredentialNode, Credentials
from releaseapp.credentials.schemas import LARGEST_BODY_BYTES, CredentialChange, CredentialCreate, CredentialTest
from releaseapp.credentials.uses import Uses, find_uses, visible
from releaseapp.permissions import Permission
from releaseapp.web.answers import created, entity, guard, json_answer, no_content
from releaseapp.web.bodies import read, read_optional
from releaseapp.web.paging import Page, choice, cursor
from releaseapp.web.request import Request
from releaseapp.web.resources import Resource
from releaseapp.web.views import api
from releaseapp.workspaces.resources import WorkspaceNode


@api(Credentials, Permission.CREDENTIALS_VIEW)
def list_credentials(context: Credentials, request: Request) -> Response:
    """Credentials of a workspace: ``?q=``, ``?type=``, ``?limit=``, ``?cursor=``."""
    page = cursor(request)
    workspace_id = context.above(WorkspaceNode).id
    found = service.list_credentials(
        request.db,
        workspace_id,
        page.before,
        page.limit + 1,
        type_=choice(request, "type", CredentialType),
        search=request.GET.get("q"),
    )
    listed = page.page(found, lambda state: state.credential.id)
    uses = uses_in(context)
    return json_answer(Page([_shown(context, state, uses.of(state.credential)) for state in listed.items], listed.next))


@api(Credentials, Permission.CREDENTIALS_MANAGE, "POST", body_limit=LARGEST_BODY_BYTES)
def create_credential(context: Credentials, request: Request) -> Response:
    """Adds a credential: 201 with its address and ETag."""
    given = read(request, CredentialCreate)
    state = service.create_credential(
        request.db, context.vault, context.above(WorkspaceNode).id, given, actor=request.identity.account.id
    )
    shown = _shown(context, state, uses_in(context).of(state.credential))
    return created(shown, request.resource_url(context, state.credential.id), _etag(state, shown))


@api(CredentialNode, Permission.CREDENTIALS_VIEW)
def show_credential(context: CredentialNode, request: Request) -> Response:
    """One credential: what may be shown, and who names it."""
    shown = _shown(context, context.state, uses_of(context))
    return entity(request, shown, _etag(context.state, shown))


@api(CredentialNode, Permission.CREDENTIALS_MANAGE, "PATCH", body_limit=LARGEST_BODY_BYTES)
def change_credential(context: CredentialNode, request: Request) -> Response:
    """Changes what the body names; a new name that would break what uses the old one needs ``?force=1``."""
    change = read(request, CredentialChange)
    refuse_breaking_rename(context, request, change)
    state = service.change_credential(
        request.db,
        context.vault,
        context.credential,
        change,
        actor=request.identity.account.id,
        guard=partial(guard, request),
    )
    shown = _shown(context, state, uses_in(context).of(state.credential))
    return json_answer(shown, etag=_etag(state, shown))


@api(CredentialNode, Permission.CREDENTIALS_MANAGE, "DELETE")
def delete_credential(context: CredentialNode, request: Request) -> Response:
    """Removes a credential; one that is in use needs ``?force=1``."""
    guard(request, context.state.revision)
    _refuse_breaking(context, request, uses_of(context), "Deleting this credential")
    service.delete_credential(
        request.db, context.credential, actor=request.identity.account.id, guard=partial(guard, request)
    )
    return no_content()


@api(CredentialNode, Permission.CREDENTIALS_MANAGE, "POST", name="test", idempotent=False)
def test_credential(context: CredentialNode, request: Request) -> Response:
    """Tries it: ``{"ok": …, "detail": a sentence}``. Of an HTTP credential ``url`` says where."""
    given = read_optional(request, CredentialTest)
    return json_answer(testers.try_out(context.vault, request.db, request.settings, context.credential, given.url))


def uses_in(context: Resource) -> Uses:
    """Who names what in this workspace."""
    return find_uses(context.request.registry.users_of_credentials(context.above(WorkspaceNode).id))


def uses_of(context: CredentialNode) -> list[Use]:
    """Who names this credential."""
    return uses_in(context).of(context.credential)


def refuse_breaking_rename(context: CredentialNode, request: Request, change: CredentialChange) -> None:
    """Raises Conflict when the change takes away a name by which it is used, unless the request has ``?force=1``."""
    name = change.name
    if not isinstance(name, msgspec.UnsetType) and not service.is_same_name(name, context.credential.name):
        named = [use for use in uses_of(context) if use.by_name]
        _refuse_breaking(context, request, named, "Another name")


def _refuse_breaking(context: CredentialNode, request: Request, uses: list[Use], doing: str) -> None:
    seen = visible(uses, context.above(WorkspaceNode).membership)
    service.refuse_breaking(seen, len(uses), doing, force=request.GET.get("force") == "1")


def _shown(context: Resource, state: CredentialState, uses: list[Use]) -> dict[str, Any]:
    seen = visible(uses, context.above(WorkspaceNode).membership)
    used_by = [{"kind": use.kind, "id": use.id, "name": use.name} for use in seen]
    return {**msgspec.to_builtins(state.credential), "used_by": used_by, "uses": len(uses)}


def _etag(state: CredentialState, shown: dict[str, Any]) -> str:
    return state.etag([shown["used_by"], shown["uses"]])
