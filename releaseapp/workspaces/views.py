"""Workspaces, members, roles and activity, for browsers."""

from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import Response

from releaseapp.auth.resources import Tokens
from releaseapp.auth.schemas import TokenCreate
from releaseapp.auth.views import show_account
from releaseapp.errors import AppError, Conflict, Invalid, NotAllowed
from releaseapp.permissions import Permission, Role
from releaseapp.web.bodies import read_form
from releaseapp.web.forms import FormState, refused
from releaseapp.web.messages import say
from releaseapp.web.paging import FIRST, cursor
from releaseapp.web.request import Request
from releaseapp.web.shown import show
from releaseapp.web.views import PERSON, SIGNED_IN, page
from releaseapp.workspaces import service
from releaseapp.workspaces.activity import list_activity
from releaseapp.workspaces.api import make_token
from releaseapp.workspaces.resources import Activity, MemberNode, Members, Roles, WorkspaceNode, Workspaces
from releaseapp.workspaces.schemas import MemberChange, MemberInvite

_MOST_MEMBERS = 1000


@page(Workspaces, SIGNED_IN)
def list_workspaces(_context: Workspaces, request: Request) -> Response:
    """The workspaces of the caller, to choose from."""
    return show(request, "workspaces/list")


@page(Tokens, PERSON, "POST")
def create_token(_context: Tokens, request: Request) -> Response:
    """Makes a token for a program and shows it this once."""
    try:
        kept, token = make_token(request, read_form(request, TokenCreate))
    except Invalid as error:
        return show_account(request, token_form=refused(request, error))
    except NotAllowed as error:
        return show_account(request, token_form=refused(request, Invalid.at("/role", str(error))))
    return show_account(request, new_token={"name": kept.name, "token": token})


@page(Members, Permission.MEMBERS_VIEW)
def members_page(context: Members, request: Request) -> Response:
    """The people of the workspace, and the form that adds one."""
    return _show_members(context, request, FormState({"role": Role.VIEWER}))


def _show_members(context: Any, request: Request, form: FormState) -> Response:
    node = context.above(WorkspaceNode)
    members = service.list_members(request.db, node.id, FIRST, _MOST_MEMBERS)
    order = sorted(members, key=lambda member: (-member.role.rank, member.name.lower()))
    reachable = [role for role in Role if role.rank <= node.membership.role.rank]
    if Permission.OWNERS_MANAGE not in node.membership.permissions:
        reachable = [role for role in reachable if role is not Role.OWNER]
    return show(request, "workspaces/members", ("members",), members=order, form=form, roles=reachable)


@page(Members, Permission.MEMBERS_MANAGE, "POST")
def invite_member(context: Members, request: Request) -> Response:
    """Adds a person."""
    node = context.above(WorkspaceNode)
    try:
        given = read_form(request, MemberInvite)
        member = service.invite_member(request.db, node.id, given.email, given.role, request.identity)
    except Invalid as error:
        return _show_members(context, request, refused(request, error))
    except (Conflict, NotAllowed) as error:
        return _show_members(context, request, refused(request, Invalid.at("/email", str(error))))
    say(request, f"{member.name} is {member.role} of {node.membership.name} now.")
    return HTTPSeeOther(request.resource_path(context).rstrip("/"))


@page(MemberNode, Permission.MEMBERS_MANAGE, "POST")
def change_member(context: MemberNode, request: Request) -> Response:
    """Gives a person another role."""
    node = context.above(WorkspaceNode)
    try:
        given = read_form(request, MemberChange)
        member = service.change_role(request.db, node.id, context.member.id, given.role, request.identity)
        say(request, f"{member.name} is {member.role} now.")
    except AppError as error:
        say(request, str(error), "error")
    return HTTPSeeOther(request.resource_path(node, "members"))


@page(MemberNode, Permission.MEMBERS_MANAGE, "POST", name="remove")
def remove_member(context: MemberNode, request: Request) -> Response:
    """Ends a membership."""
    node = context.above(WorkspaceNode)
    try:
        service.remove_member(request.db, node.id, context.member.id, request.identity)
    except AppError as error:
        say(request, str(error), "error")
        return HTTPSeeOther(request.resource_path(node, "members"))
    if context.member.id == request.identity.account.id:
        return HTTPSeeOther("/")
    say(request, f"{context.member.name} is no member of {node.membership.name} any more.")
    return HTTPSeeOther(request.resource_path(node, "members"))


@page(Roles, Permission.MEMBERS_VIEW)
def roles_page(context: Roles, request: Request) -> Response:
    """The role matrix as a table."""
    matrix = service.get_matrix(request.db, context.above(WorkspaceNode).id)
    return show(request, "workspaces/roles", matrix=matrix, roles=list(Role), permissions=list(Permission))


@page(Activity, Permission.ACTIVITY_VIEW)
def activity_page(context: Activity, request: Request) -> Response:
    """What happened, newest first."""
    membership = context.above(WorkspaceNode).membership
    current = cursor(request)
    found = current.page(list_activity(request.db, membership, current), lambda event: str(event.id))
    return show(request, "workspaces/activity", ("events",), events=found.items, next_cursor=found.next)
