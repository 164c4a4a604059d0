"""Who one is, and workspaces, members, roles and activity over JSON."""

from typing import Any

import msgspec
from pyramid.response import Response

from releaseapp.auth import service as auth
from releaseapp.auth.api import AccountShown, caller_of, shown
from releaseapp.auth.resources import Auth, Tokens
from releaseapp.auth.schemas import SignIn, TokenCreate
from releaseapp.errors import Invalid, NotAllowed
from releaseapp.events.models import Event
from releaseapp.permissions import Permission, Role
from releaseapp.web.answers import created, json_answer, no_content
from releaseapp.web.bodies import read
from releaseapp.web.paging import Page, cursor
from releaseapp.web.request import Request
from releaseapp.web.views import OPEN, PERSON, SIGNED_IN, api
from releaseapp.workspaces import service
from releaseapp.workspaces.activity import list_activity
from releaseapp.workspaces.models import Identity, Membership
from releaseapp.workspaces.resources import Activity, MemberNode, Members, Roles, WorkspaceNode, Workspaces
from releaseapp.workspaces.schemas import MemberChange, MemberInvite


class MembershipShown(msgspec.Struct, frozen=True):
    """A workspace with what the caller may do there."""

    id: str
    slug: str
    name: str
    role: Role
    permissions: list[str]


class SignedInShown(msgspec.Struct, frozen=True):
    """The answer to a sign-in."""

    token: str
    expires_at: str
    user: AccountShown
    workspaces: list[MembershipShown]


class WhoAmI(msgspec.Struct, frozen=True):
    """The caller and the workspaces of the caller."""

    user: AccountShown
    workspaces: list[MembershipShown]


@api(Auth, OPEN, "POST", name="login", require_csrf=False, idempotent=False, during_maintenance=True)
def sign_in(_context: Auth, request: Request) -> Response:
    """E-mail and password for a token. It sets no cookie, so no other site can sign a browser in with it."""
    given = read(request, SignIn)
    signed_in = auth.sign_in(request.db, request.settings, given.email, given.password, caller_of(request))
    identity = service.identify(request.db, request.settings, signed_in.token)
    # Until the password is changed, every workspace is shut.
    due = signed_in.account.must_change_password
    return json_answer(
        SignedInShown(
            token=signed_in.token,
            expires_at=signed_in.expires_at,
            user=shown(signed_in.account),
            workspaces=[] if due else _memberships(identity),
        )
    )


@api(Auth, SIGNED_IN, name="me")
def who_am_i(_context: Auth, request: Request) -> Response:
    """The caller, and what the caller may do where."""
    return json_answer(WhoAmI(shown(request.identity.account), _memberships(request.identity)))


@api(Tokens, PERSON, "POST", idempotent=False)
def create_token(context: Tokens, request: Request) -> Response:
    """Makes a token for a program, shown this once: 201 with it."""
    kept, token = make_token(request, read(request, TokenCreate))
    return created({**msgspec.to_builtins(kept), "token": token}, request.resource_url(context, kept.id))


def make_token(request: Request, given: TokenCreate) -> tuple[Any, str]:
    """A token for a workspace of the caller; raises Invalid for another, NotAllowed above the own role."""
    identity: Identity = request.identity
    for membership in identity.memberships.values():
        if given.workspace in {membership.slug, membership.workspace_id}:
            if given.role.rank > membership.role.rank:
                raise NotAllowed(f"Your role there is {membership.role}; a token cannot have a higher one.")
            return auth.create_api_token(
                request.db,
                identity.account.id,
                membership.workspace_id,
                given.name,
                role=given.role,
                days=given.expires_in_days,
            )
    raise Invalid.at("/workspace", "workspace must be the slug or id of a workspace that you belong to.")


@api(Workspaces, SIGNED_IN)
def list_workspaces(_context: Workspaces, request: Request) -> Response:
    """The workspaces of the caller, by name."""
    return json_answer(Page(_memberships(request.identity)))


@api(WorkspaceNode, Permission.WORKSPACE_VIEW)
def show_workspace(context: WorkspaceNode, _request: Request) -> Response:
    """One workspace."""
    workspace = context.workspace
    return json_answer(
        {**msgspec.to_builtins(workspace), "role": context.membership.role}, etag=str(workspace.revision)
    )


@api(Members, Permission.MEMBERS_VIEW)
def list_members(context: Members, request: Request) -> Response:
    """The people of a workspace: ``?limit=``, ``?cursor=``."""
    page = cursor(request)
    found = service.list_members(request.db, context.above(WorkspaceNode).id, page.before, page.limit + 1)
    return json_answer(page.page(found, lambda member: member.id))


@api(Members, Permission.MEMBERS_MANAGE, "POST")
def invite_member(context: Members, request: Request) -> Response:
    """Makes an account a member: 201 with its address."""
    given = read(request, MemberInvite)
    member = service.invite_member(
        request.db, context.above(WorkspaceNode).id, given.email, given.role, request.identity
    )
    return created(member, request.resource_url(context, member.id))


@api(MemberNode, Permission.MEMBERS_VIEW)
def show_member(context: MemberNode, _request: Request) -> Response:
    """One person of a workspace."""
    return json_answer(context.member)


@api(MemberNode, Permission.MEMBERS_MANAGE, "PATCH")
def change_member(context: MemberNode, request: Request) -> Response:
    """Gives a member another role."""
    given = read(request, MemberChange)
    workspace_id = context.above(WorkspaceNode).id
    return json_answer(service.change_role(request.db, workspace_id, context.member.id, given.role, request.identity))


@api(MemberNode, Permission.MEMBERS_MANAGE, "DELETE")
def remove_member(context: MemberNode, request: Request) -> Response:
    """Ends a membership."""
    service.remove_member(request.db, context.above(WorkspaceNode).id, context.member.id, request.identity)
    return no_content()


@api(Roles, Permission.MEMBERS_VIEW)
def show_roles(context: Roles, request: Request) -> Response:
    """The role matrix: each permission with the roles that have it."""
    matrix = service.get_matrix(request.db, context.above(WorkspaceNode).id)
    items = [
        {"permission": permission, "roles": [role for role in Role if permission in matrix[role]]}
        for permission in Permission
    ]
    return json_answer({"items": items, "next": None})


@api(Activity, Permission.ACTIVITY_VIEW)
def show_activity(context: Activity, request: Request) -> Response:
    """What happened, newest first, as far as the caller's role may see: ``?limit=``, ``?cursor=``."""
    page = cursor(request)
    found = list_activity(request.db, context.above(WorkspaceNode).membership, page)
    return json_answer(page.page(found, _event_key))


def _event_key(event: Event) -> str:
    return str(event.id)


def _memberships(identity: Identity) -> list[MembershipShown]:
    shown_memberships = [_shown(membership) for membership in identity.memberships.values()]
    return sorted(shown_memberships, key=lambda membership: membership.name.lower())


def _shown(membership: Membership) -> MembershipShown:
    return MembershipShown(
        id=membership.workspace_id,
        slug=membership.slug,
        name=membership.name,
        role=membership.role,
        permissions=sorted(membership.permissions),
    )
