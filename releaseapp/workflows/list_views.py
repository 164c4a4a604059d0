"""The list of workflows and the beginning of a new one, for browsers."""

from typing import Annotated, Any
from urllib.parse import urlencode

import msgspec
from msgspec import Meta
from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import Response

from releaseapp.errors import Invalid
from releaseapp.permissions import Permission
from releaseapp.steps import step_types
from releaseapp.web.bodies import read_form
from releaseapp.web.forms import FormState, refused
from releaseapp.web.messages import say
from releaseapp.web.paging import cursor
from releaseapp.web.request import Request
from releaseapp.web.shown import show
from releaseapp.web.views import page
from releaseapp.workflows import service, templates
from releaseapp.workflows.api import wanted
from releaseapp.workflows.listing import Found, Order, Standing, Wanted, after, find_workflows, page_key
from releaseapp.workflows.models import Action, HistoryEntry, Workflow
from releaseapp.workflows.names import account_names, agent_names, agents_to_choose
from releaseapp.workflows.resources import Workflows, store_of
from releaseapp.workflows.schemas import Name, TemplateKey
from releaseapp.workflows.store import By, Written
from releaseapp.workflows.workflow_settings import tags_of
from releaseapp.workflows.yaml_form import WorkflowForm, read_yaml, with_lines
from releaseapp.workspaces.resources import WorkspaceNode


class BeginForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which template to begin with, and how the workflow is called."""

    template: TemplateKey
    name: Annotated[Name, Meta(description="The template's own name is filled in.")]


@page(Workflows, Permission.WORKFLOWS_VIEW)
def workflows_page(context: Workflows, request: Request) -> Response:
    """The workflows of the workspace, or with ``?bin=1`` those in the bin; filters as over JSON."""
    asked, current = wanted(request), cursor(request)
    found = find_workflows(store_of(request), context.above(WorkspaceNode).id, asked)
    later = after(found.workflows, current.before, asked.order)[: current.limit + 1]
    listed = current.page(later, page_key(asked.order))
    return show(
        request,
        "workflows/list",
        ("rows",),
        workflows=listed.items,
        next_cursor=listed.next,
        first_page=_first_page(request) if "cursor" in request.GET else None,
        last_change=_last_change,
        **_about_list(context, request, asked, found),
        **_gallery(""),
    )


def _first_page(request: Request) -> str:
    kept = {name: value for name, value in request.GET.items() if name not in {"cursor", "fragment"}}
    return f"{request.path}?{urlencode(kept)}"


def _about_list(context: Workflows, request: Request, asked: Wanted, found: Found) -> dict[str, Any]:
    """What stands around the rows: what was asked for, what could be asked for, how many there are, and names."""
    workspace_id = context.above(WorkspaceNode).id
    known = agents_to_choose(request.db, workspace_id) if found.agent_ids or asked.agent_id else {}
    agent_name = agent_names(request.db, workspace_id, known)
    owners = {agent_id: name for agent_id, name in known.items() if agent_id in found.agent_ids}
    if asked.agent_id and asked.agent_id not in owners:
        owners[asked.agent_id] = agent_name(asked.agent_id) or "Another agent"
    return {
        "asked": asked,
        "in_bin": asked.deleted,
        "standings": list(Standing),
        "orders": list(Order),
        "tags": found.tags if not asked.tag or asked.tag in found.tags else [asked.tag, *found.tags],
        "owners": owners,
        "matched": len(found.workflows),
        "total": found.total,
        "agent_name": agent_name,
        "account_name": account_names(request.db),
    }


def _last_change(workflow: Workflow) -> HistoryEntry:
    """The newest entry that tells of a change; writing an export changes nothing."""
    changes = (entry for entry in reversed(workflow.history) if entry.action is not Action.EXPORTED)
    return next(changes, workflow.history[-1])


@page(Workflows, Permission.WORKFLOWS_EDIT, name="new")
def new_workflow_page(_context: Workflows, request: Request) -> Response:
    """Templates to begin with, those that have the text ``?q=``; and a box for YAML."""
    return _show_new(request, FormState({"yaml": templates.template_text(templates.FIRST)}))


@page(Workflows, Permission.WORKFLOWS_VIEW, name="templates")
def templates_page(context: Workflows, request: Request) -> Response:
    """To the page that offers them, for whoever follows the address of the list."""
    return HTTPSeeOther(request.resource_path(context, "new"))


@page(Workflows, Permission.WORKFLOWS_EDIT, "POST")
def create_workflow(context: Workflows, request: Request) -> Response:
    """Adds a workflow: of a template, and opens its draft; or of YAML, and goes to it."""
    if "template" in request.POST:
        return _begin(context, request)
    try:
        form = read_form(request, WorkflowForm)
        workflow = service.create_workflow(
            store_of(request),
            context.above(WorkspaceNode).id,
            Written(read_yaml(form.yaml), form.yaml),
            By(request.identity.account.id, form.change_summary),
            tags=tags_of(form.tags),
        )
    except Invalid as error:
        return _show_new(request, _with_tags(request, error))
    say(request, f"{workflow.shown.name} is a draft now.")
    return HTTPSeeOther(request.resource_path(context, workflow.id))


def _begin(context: Workflows, request: Request) -> Response:
    try:
        form = read_form(request, BeginForm)
        workflow = service.create_workflow(
            store_of(request),
            context.above(WorkspaceNode).id,
            templates.begin(form.template, form.name),
            By(request.identity.account.id, f"Begun with the template {form.template}"),
        )
    except Invalid as error:
        yaml = FormState({"yaml": templates.template_text(templates.FIRST)})
        return _show_new(request, yaml, refused(request, error))
    say(request, f"{workflow.shown.name} is a draft now.")
    return HTTPSeeOther(request.resource_path(context, workflow.id, "versions", "1", "edit"))


def _with_tags(request: Request, error: Invalid) -> FormState:
    """The form with its faults: those of tags at their field, those of the definition with their lines."""
    of_tags = [fault for fault in error.faults if fault.pointer.startswith("/tags")]
    state = with_lines(request, Invalid([fault for fault in error.faults if fault not in of_tags]))
    return FormState(state.values, {**state.errors, **refused(request, Invalid(of_tags)).errors}, state.general)


def _show_new(request: Request, form: FormState, begun: FormState | None = None) -> Response:
    return show(request, "workflows/new", form=form, begun=begun, **_gallery(request.GET.get("q", "")))


def _gallery(text: str) -> dict[str, Any]:
    return {
        "templates": templates.search_templates(text),
        "template_search": text,
        "step_titles": {key: kind.title for key, kind in step_types().items()},
    }
