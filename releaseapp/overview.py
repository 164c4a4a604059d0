"""Where one arrives: the sign-in page or the workspace last used, and a workspace at a glance."""

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import Response
from pyramid.view import view_config

import releaseapp
from releaseapp.agents.service import count_agents
from releaseapp.agents.tasks.service import count_workspace_tasks, list_running_tasks, list_workspace_tasks
from releaseapp.auth.service import remember_workspace
from releaseapp.permissions import Permission
from releaseapp.runs.pages.service import glance
from releaseapp.tree import Root
from releaseapp.web.answers import json_answer
from releaseapp.web.paging import FIRST, Cursor
from releaseapp.web.problems import answer, sign_in_first
from releaseapp.web.request import Request
from releaseapp.web.shown import show
from releaseapp.web.views import OPEN, page
from releaseapp.workspaces.activity import list_activity
from releaseapp.workspaces.models import Identity
from releaseapp.workspaces.resources import WorkspaceNode
from releaseapp.workspaces.service import count_members

_A_DAY = 24 * 3600
_RUNNING_SHOWN = 20
_RECENT_SHOWN = 10
_EVENTS_SHOWN = 15


@page(Root, OPEN)
def arrive(_context: Root, request: Request) -> Response:
    """Sends nobody to the sign-in page, and a person to the workspace last used."""
    identity: Identity | None = request.identity
    if identity is None:
        return sign_in_first(request)
    last = identity.memberships.get(identity.account.last_workspace_id or "")
    if last is None and len(identity.memberships) == 1:
        last = next(iter(identity.memberships.values()))
    return HTTPSeeOther(f"/workspaces/{last.slug}" if last else "/workspaces")


@view_config(context=Root, permission=OPEN, request_method="GET", representation="json")
def describe(_context: Root, _request: Request) -> Response:
    """What answers here, for programs."""
    return json_answer({"name": "releaseapp", "version": releaseapp.__version__})


@view_config(context=Root, name="ws", permission=OPEN, request_method="GET")
def no_live_channel_here(_context: Root, request: Request) -> Response:
    """``/ws`` where the server that runs this application cannot hold connections open (waitress)."""
    sentence = "This server has no live channel; send /ws to the one that runs [server:live]."
    response = answer(request, 426, "Upgrade required", sentence)
    response.headers["Upgrade"] = "websocket"
    return response


@page(WorkspaceNode, Permission.WORKSPACE_VIEW)
def overview_page(context: WorkspaceNode, request: Request) -> Response:
    """The workspace at a glance: counts, what runs now, what happened."""
    identity: Identity = request.identity
    if identity.account.last_workspace_id != context.id and identity.token_name is None:
        remember_workspace(request.db, identity.account.id, context.id)
    may = context.membership.permissions
    sees_agents = Permission.AGENTS_VIEW in may
    events = list_activity(request.db, context.membership, Cursor(FIRST, _EVENTS_SHOWN - 1))
    return show(
        request,
        "workspaces/overview",
        ("tiles", "runs", "running", "recent", "feed"),
        glance=glance(request.db, context.id) if Permission.RUNS_VIEW in may else None,
        agent_counts=count_agents(request.db, context.id) if sees_agents else {},
        task_counts=count_workspace_tasks(request.db, context.id, _A_DAY) if sees_agents else {},
        member_count=count_members(request.db, context.id),
        running=list_running_tasks(request.db, context.id, _RUNNING_SHOWN) if sees_agents else [],
        recent=list_workspace_tasks(request.db, context.id, FIRST, _RECENT_SHOWN) if sees_agents else [],
        events=events if Permission.ACTIVITY_VIEW in may else [],
    )
