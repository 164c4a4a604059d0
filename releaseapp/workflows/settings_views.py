"""A workflow's settings, for browsers: the agent that owns it, and its tags."""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta
from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import Response

from releaseapp.errors import AppError, Conflict, Invalid
from releaseapp.permissions import Permission
from releaseapp.web.bodies import read_form
from releaseapp.web.forms import FormState, refused
from releaseapp.web.messages import say
from releaseapp.web.request import Request
from releaseapp.web.shown import show
from releaseapp.web.views import page
from releaseapp.workflows.models import Workflow
from releaseapp.workflows.names import agent_names, agents_to_choose
from releaseapp.workflows.resources import WorkflowNode, store_of
from releaseapp.workflows.schemas import WorkflowChange
from releaseapp.workflows.store import By
from releaseapp.workflows.workflow_settings import Guard, change_settings, settings_number, tags_of


class SettingsForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The settings as a browser sends them; ``number`` is that of the settings that the form was made from."""

    agent_id: Annotated[str, Meta(max_length=100)] = ""
    tags: Annotated[str, Meta(max_length=50_000)] = ""
    number: int | None = None


@page(WorkflowNode, Permission.WORKFLOWS_EDIT, name="settings")
def settings_page(context: WorkflowNode, request: Request) -> Response:
    """The form with the settings as they are."""
    return _show(context, request, FormState(_values(context.workflow)))


@page(WorkflowNode, Permission.WORKFLOWS_EDIT, "POST", name="settings")
def save_settings(context: WorkflowNode, request: Request) -> Response:
    """Saves what is different, unless somebody else saved meanwhile: then both are shown."""
    workflow = context.workflow
    try:
        form = read_form(request, SettingsForm)
        given = _given(form, workflow)
        by = By(request.identity.account.id)
        change_settings(store_of(request), workflow, given, by, guard=_unless_changed(form.number))
    except Invalid as error:
        return _show(context, request, refused(request, error))
    except _Overtaken as error:
        state = refused(request, Invalid.at("", str(error)))
        request.response.status_int = 409
        values = {**state.values, "number": str(settings_number(workflow))}
        return _show(context, request, FormState(values, state.errors, state.general), theirs=workflow)
    except AppError as error:
        say(request, str(error), "error")
    else:
        say(request, "Saved.")
    return HTTPSeeOther(request.resource_path(context).rstrip("/"))


class _Overtaken(Conflict):
    """Somebody else saved other settings since the form was made."""


def _unless_changed(number: int | None) -> Guard:
    def guard(present: int) -> None:
        if number is not None and number != present:
            raise _Overtaken(
                "Somebody else changed these settings while you did. What you chose is kept below; "
                "save again to replace theirs."
            )

    return guard


def _given(form: SettingsForm, workflow: Workflow) -> WorkflowChange:
    """What the form changes; what it shows unchanged is not given, for it may be older than the rules."""
    present = _values(workflow)
    return WorkflowChange(
        agent_id=UNSET if form.agent_id == present["agent_id"] else form.agent_id or None,
        tags=UNSET if form.tags == present["tags"] else tags_of(form.tags),
    )


def _values(workflow: Workflow) -> dict[str, str]:
    return {
        "agent_id": workflow.agent_id or "",
        "tags": ", ".join(workflow.tags),
        "number": str(settings_number(workflow)),
    }


def _show(context: WorkflowNode, request: Request, form: FormState, theirs: Workflow | None = None) -> Response:
    workspace_id = context.workflow.workspace_id
    agents = agents_to_choose(request.db, workspace_id)
    agent_name = agent_names(request.db, workspace_id, agents)
    owner = context.workflow.agent_id
    if owner is not None and owner not in agents:
        agents = {owner: agent_name(owner) or "An agent that was deleted", **agents}
    return show(
        request,
        "workflows/settings",
        workflow=context.workflow,
        agents=agents,
        agent_name=agent_name,
        form=form,
        theirs=theirs,
    )
