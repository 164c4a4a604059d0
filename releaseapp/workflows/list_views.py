"""The list of workflows and the beginning of a new one, for browsers."""

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import Response

from releaseapp.errors import Invalid
from releaseapp.permissions import Permission
from releaseapp.web.bodies import read_form
from releaseapp.web.forms import FormState
from releaseapp.web.messages import say
from releaseapp.web.request import Request
from releaseapp.web.shown import show
from releaseapp.web.views import page
from releaseapp.workflows import service
from releaseapp.workflows.resources import Workflows, store_of
from releaseapp.workflows.store import By, Written
from releaseapp.workflows.templates import FIRST, template_text
from releaseapp.workflows.yaml_form import WorkflowForm, read_yaml, with_lines
from releaseapp.workspaces.resources import WorkspaceNode


@page(Workflows, Permission.WORKFLOWS_VIEW)
def workflows_page(context: Workflows, request: Request) -> Response:
    """The workflows of the workspace, or with ``?bin=1`` those in the bin."""
    in_bin = request.GET.get("bin") == "1"
    search = request.GET.get("q", "")
    found = service.list_workflows(store_of(request), context.above(WorkspaceNode).id, search=search, deleted=in_bin)
    return show(request, "workflows/list", ("rows",), workflows=found, search=search, in_bin=in_bin)


@page(Workflows, Permission.WORKFLOWS_EDIT, name="new")
def new_workflow_page(_context: Workflows, request: Request) -> Response:
    """The form for a new workflow, with a definition that is right as it stands."""
    return show(request, "workflows/new", form=FormState({"yaml": template_text(FIRST)}))


@page(Workflows, Permission.WORKFLOWS_EDIT, "POST")
def create_workflow(context: Workflows, request: Request) -> Response:
    """Adds the workflow and goes to it."""
    try:
        form = read_form(request, WorkflowForm)
        workflow = service.create_workflow(
            store_of(request),
            context.above(WorkspaceNode).id,
            Written(read_yaml(form.yaml), form.yaml),
            By(request.identity.account.id, form.change_summary),
            tags=[tag.strip() for tag in form.tags.split(",") if tag.strip()],
        )
    except Invalid as error:
        return show(request, "workflows/new", form=with_lines(request, error))
    say(request, f"{workflow.shown.name} is a draft now.")
    return HTTPSeeOther(request.resource_path(context, workflow.id))
