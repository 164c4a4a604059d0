"""The page that starts a run of a workflow, or tries one of its versions."""

from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import Response

from releaseapp.errors import Conflict, Fault, Invalid, NotFound
from releaseapp.permissions import Permission
from releaseapp.runs import service
from releaseapp.runs.models import TriggerType
from releaseapp.runs.pages import start_form
from releaseapp.runs.resources import runs_of
from releaseapp.web.bodies import posted
from releaseapp.web.forms import FormState, refused
from releaseapp.web.paging import whole
from releaseapp.web.request import Request
from releaseapp.web.shown import show
from releaseapp.web.views import page
from releaseapp.workflows.models import Version, Workflow
from releaseapp.workflows.resources import WorkflowNode
from releaseapp.workspaces.resources import WorkspaceNode

_HIGHEST = 1_000_000_000


@page(WorkflowNode, Permission.WORKFLOWS_RUN, name="run")
def start_page(context: WorkflowNode, request: Request) -> Response:
    """The form; with ``?version=`` for a test of that version, else for what is published."""
    version, is_test = _version(context.workflow, request)
    state = start_form.suggested(version.data()) if version else FormState({})
    return _show(context, request, version, state, is_test=is_test)


@page(WorkflowNode, Permission.WORKFLOWS_RUN, "POST", name="run")
def start_run(context: WorkflowNode, request: Request) -> Response:
    """Starts it, and goes to it."""
    version, is_test = _version(context.workflow, request)
    if version is None:
        return _show(context, request, None, FormState({}), is_test=is_test)
    definition = version.data()
    workspace = context.above(WorkspaceNode)
    try:
        start = _start(request, definition, version, is_test=is_test)
        run = service.start_run(runs_of(request), workspace.id, context.workflow.id, start)
    except Invalid as error:
        state = refused(request, start_form.at_fields(definition, error))
        return _show(context, request, version, state, is_test=is_test)
    except Conflict as error:
        state = refused(request, Invalid.at("", str(error)))
        request.response.status_int = 409
        return _show(context, request, version, state, is_test=is_test)
    return HTTPSeeOther(request.resource_path(workspace, "runs", run.id))


def _start(request: Request, definition: dict[str, Any], version: Version, *, is_test: bool) -> service.Start:
    """What was typed; raises Invalid with every fault of inputs and pins."""
    fields, account = posted(request), request.identity.account
    inputs: dict[str, Any] = {}
    pins: dict[str, Any] = {}
    faults: list[Fault] = []
    try:
        inputs = start_form.read_inputs(definition, fields)
    except Invalid as error:
        faults += error.faults
    try:
        pins = start_form.read_pins(definition, fields) if is_test else {}
    except Invalid as error:
        faults += error.faults
    if faults:
        raise Invalid(faults)
    return service.Start(
        inputs=inputs,
        trigger_type=TriggerType.TEST if is_test else TriggerType.MANUAL,
        by=account.id,
        email=account.email,
        version=version.number,
        pins=pins,
        effects=not (is_test and fields.get("effects") == "off"),
        only_step=start_form.read_only_step(fields) if is_test else None,
    )


def _version(workflow: Workflow, request: Request) -> tuple[Version | None, bool]:
    """The version that is to run (None where nothing is published), and whether as a test."""
    if "version" in request.GET:
        number = whole(request, "version", default=1, low=1, high=_HIGHEST)
        version = workflow.version(number)
        if version is None:
            raise NotFound("There is no such version.")
        return version, True
    return (workflow.version(workflow.published_version) if workflow.published_version is not None else None), False


def _show(
    context: WorkflowNode, request: Request, version: Version | None, form: FormState, *, is_test: bool
) -> Response:
    definition = version.data() if version else {"steps": []}
    return show(
        request,
        "runs/start",
        workflow=context.workflow,
        version=version,
        is_test=is_test,
        form=form,
        fields=start_form.input_fields(definition),
        takes_more=start_form.takes_more(definition),
        pins=start_form.pin_boxes(definition) if is_test else [],
        only_steps=start_form.only_steps(definition) if is_test else [],
        draft=context.workflow.newest_draft,
    )
