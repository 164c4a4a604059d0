"""Settings of workspaces and limits of workflows over JSON."""

from typing import Any

from pyramid.response import Response

from releaseapp.permissions import Permission
from releaseapp.runs.limits import service
from releaseapp.runs.limits.models import RunSettings
from releaseapp.runs.limits.resources import SettingsNode
from releaseapp.runs.limits.schemas import LimitChange, SettingsChange
from releaseapp.runs.resources import runs_of
from releaseapp.web.answers import json_answer
from releaseapp.web.bodies import plain, read
from releaseapp.web.request import Request
from releaseapp.web.views import api
from releaseapp.workflows.resources import WorkflowNode
from releaseapp.workspaces.resources import WorkspaceNode


@api(SettingsNode, Permission.SETTINGS_MANAGE)
def show_settings(context: SettingsNode, request: Request) -> Response:
    """What the workspace says of its runs (null: the server's default), and the defaults."""
    said = service.settings_of(request.db, context.above(WorkspaceNode).id)
    return json_answer(_with_defaults(said, request))


@api(SettingsNode, Permission.SETTINGS_MANAGE, "PATCH")
def change_settings(context: SettingsNode, request: Request) -> Response:
    """Changes what the body names."""
    change = read(request, SettingsChange)
    workspace_id = context.above(WorkspaceNode).id
    said = service.change_settings(runs_of(request), workspace_id, change, actor=request.identity.account.id)
    return json_answer(_with_defaults(said, request))


@api(WorkflowNode, Permission.WORKFLOWS_VIEW, name="limit")
def show_limit(context: WorkflowNode, request: Request) -> Response:
    """How many runs of the workflow may be at work at once (null: the server's default), and the default."""
    return json_answer(_limit(context, request))


@api(WorkflowNode, Permission.WORKFLOWS_EDIT, "PATCH", name="limit")
def change_limit(context: WorkflowNode, request: Request) -> Response:
    """Says how many runs of the workflow may be at work at once."""
    given = read(request, LimitChange)
    actor = request.identity.account.id
    service.limit_workflow(runs_of(request), context.workflow, given.runs_at_once, actor=actor)
    return json_answer(_limit(context, request))


def _with_defaults(said: RunSettings, request: Request) -> dict[str, Any]:
    return {**plain(said), "defaults": service.defaults(request.settings)}


def _limit(context: WorkflowNode, request: Request) -> dict[str, Any]:
    return {
        "runs_at_once": service.find_limit(request.db, context.workflow.id),
        "defaults": {"runs_at_once": request.settings.runs_at_once_per_workflow},
    }
