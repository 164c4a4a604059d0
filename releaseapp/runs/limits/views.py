"""Settings of workspaces and limits of workflows, for browsers."""

from collections.abc import Mapping

import msgspec
from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import Response

from releaseapp.errors import Fault, Invalid
from releaseapp.permissions import Permission
from releaseapp.runs.limits import service
from releaseapp.runs.limits.resources import SettingsNode
from releaseapp.runs.limits.schemas import MOST_AT_ONCE, MOST_DAYS, MOST_KEPT, SettingsChange, Typed
from releaseapp.runs.resources import runs_of
from releaseapp.web.bodies import read_form
from releaseapp.web.forms import FormState, refused
from releaseapp.web.messages import say
from releaseapp.web.request import Request
from releaseapp.web.shown import show
from releaseapp.web.views import page
from releaseapp.workflows.resources import WorkflowNode
from releaseapp.workspaces.resources import WorkspaceNode

_MOST = {
    "keep_days": ("Days", MOST_DAYS),
    "keep_runs": ("Runs", MOST_KEPT),
    "keep_megabytes": ("Megabytes", MOST_KEPT),
    "runs_at_once": ("Runs at work at once", MOST_AT_ONCE),
}


@page(SettingsNode, Permission.SETTINGS_MANAGE)
def settings_page(context: SettingsNode, request: Request) -> Response:
    """The form with what the workspace says, and the defaults beside it."""
    said = service.settings_of(request.db, context.above(WorkspaceNode).id)
    return _show(request, FormState(_shown(msgspec.structs.asdict(said))))


@page(SettingsNode, Permission.SETTINGS_MANAGE, "POST")
def save_settings(context: SettingsNode, request: Request) -> Response:
    """Saves what the form says; an empty field is the server's default."""
    try:
        given = numbers(msgspec.structs.asdict(read_form(request, Typed)))
    except Invalid as error:
        return _show(request, refused(request, error))
    workspace_id = context.above(WorkspaceNode).id
    change = SettingsChange(**given)
    service.change_settings(runs_of(request), workspace_id, change, actor=request.identity.account.id)
    say(request, "Saved.")
    return HTTPSeeOther(request.resource_path(context).rstrip("/"))


@page(WorkflowNode, Permission.WORKFLOWS_EDIT, name="limit")
def limit_page(context: WorkflowNode, request: Request) -> Response:
    """The form with the limit of the workflow."""
    own = service.find_limit(request.db, context.workflow.id)
    return _show_limit(context, request, FormState(_shown({"runs_at_once": own})))


@page(WorkflowNode, Permission.WORKFLOWS_EDIT, "POST", name="limit")
def save_limit(context: WorkflowNode, request: Request) -> Response:
    """Saves the limit; an empty field is the server's default."""
    try:
        given = numbers({"runs_at_once": read_form(request, Typed).runs_at_once})
    except Invalid as error:
        return _show_limit(context, request, refused(request, error))
    service.limit_workflow(runs_of(request), context.workflow, given["runs_at_once"], actor=request.identity.account.id)
    say(request, "Saved.")
    return HTTPSeeOther(request.resource_path(context, "settings"))


def numbers(typed: Mapping[str, str]) -> dict[str, int | None]:
    """What was typed as numbers, None for nothing; raises Invalid with every fault, at its field."""
    found: dict[str, int | None] = {}
    faults = []
    for name, text in typed.items():
        label, most = _MOST[name]
        digits = text.strip()
        if not digits:
            found[name] = None
        elif digits.isascii() and digits.isdigit() and int(digits) <= most:
            found[name] = int(digits)
        else:
            faults.append(Fault(f"/{name}", f"{label} must be a whole number from 0 to {most:,}, or empty."))
    if faults:
        raise Invalid(faults)
    return found


def _shown(said: Mapping[str, int | None]) -> dict[str, str]:
    return {name: "" if value is None else str(value) for name, value in said.items()}


def _show(request: Request, form: FormState) -> Response:
    return show(
        request, "workspaces/settings", form=form, defaults=msgspec.structs.asdict(service.defaults(request.settings))
    )


def _show_limit(context: WorkflowNode, request: Request, form: FormState) -> Response:
    default = request.settings.runs_at_once_per_workflow
    return show(request, "workflows/limit", workflow=context.workflow, form=form, default=default)
