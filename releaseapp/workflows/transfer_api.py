"""Export and import of workflows for programs."""

from typing import Any

from pyramid.response import Response

from releaseapp.errors import Invalid, NotAllowed, UnsupportedMediaType
from releaseapp.permissions import Permission
from releaseapp.web.answers import json_answer
from releaseapp.web.bodies import raw
from releaseapp.web.request import Request
from releaseapp.web.views import api
from releaseapp.workflows.resources import VersionNode, WorkflowNode, Workflows, store_of
from releaseapp.workflows.store import By
from releaseapp.workflows.transfer import service
from releaseapp.workflows.transfer.service import Format
from releaseapp.workspaces.resources import WorkspaceNode

BODY_LIMIT = service.OVER_HTTP.bytes + 65_536
"""The file, and what a form puts around it."""

_LONGEST_SUMMARY = 500
_FORMATS: dict[str, Format | None] = {
    "": None,
    "application/json": "json",
    "application/octet-stream": None,
    "application/x-yaml": "yaml",
    "application/yaml": "yaml",
    "text/plain": None,
    "text/x-yaml": "yaml",
    "text/yaml": "yaml",
}


@api(Workflows, Permission.WORKFLOWS_VIEW, name="export")
def show_all(context: Workflows, request: Request) -> Response:
    """All workflows of the workspace as a file: ``?format=json`` or ``yaml``."""
    return all_as_file(context, request, "json")


@api(Workflows, Permission.WORKFLOWS_VIEW, "POST", name="export")
def export_all(context: Workflows, request: Request) -> Response:
    """The same, with an entry in the history of each workflow."""
    note_all(context, request)
    return all_as_file(context, request, "json")


@api(WorkflowNode, Permission.WORKFLOWS_VIEW, name="export")
def show_workflow(context: WorkflowNode, request: Request) -> Response:
    """One workflow with its versions and history as a file."""
    return workflow_as_file(context, request, "json")


@api(WorkflowNode, Permission.WORKFLOWS_VIEW, "POST", name="export")
def export_workflow(context: WorkflowNode, request: Request) -> Response:
    """The same, with an entry in its history."""
    note_workflow(context, request)
    return workflow_as_file(context, request, "json")


@api(VersionNode, Permission.WORKFLOWS_VIEW, name="export")
def show_version(context: VersionNode, request: Request) -> Response:
    """One version as a file."""
    return version_as_file(context, request, "json")


@api(VersionNode, Permission.WORKFLOWS_VIEW, "POST", name="export")
def export_version(context: VersionNode, request: Request) -> Response:
    """The same, with an entry in the workflow's history."""
    note_version(context, request)
    return version_as_file(context, request, "json")


@api(Workflows, Permission.WORKFLOWS_EDIT, "POST", name="import", body_limit=BODY_LIMIT)
def import_workflows(context: Workflows, request: Request) -> Response:
    """Imports a file: ``?dry_run=1`` only tells what would be done, ``?publish=1`` publishes, ``?change_summary=``."""
    dry_run, publish = flag(request, "dry_run"), flag(request, "publish")
    if publish:
        check_may_publish(context, request)
    summary = request.GET.get("change_summary", "")
    if len(summary) > _LONGEST_SUMMARY:
        raise Invalid.at("/change_summary", f"change_summary must be at most {_LONGEST_SUMMARY} characters long.")
    store, into = store_of(request), service.surroundings(request.db, context.above(WorkspaceNode).id)
    incoming = service.read_incoming(*_body(request), service.OVER_HTTP)
    if dry_run:
        plan = service.plan_import(store, incoming, into, publish=publish)
    else:
        by = By(request.identity.account.id, summary)
        plan = service.import_workflows(store, incoming, into, by, publish=publish)
    return json_answer({"dry_run": dry_run, "publish": publish, **service.shown(plan, incoming)})


def check_may_publish(context: Workflows, request: Request) -> None:
    """Raises NotAllowed for who may bring drafts only."""
    if not request.has_permission(Permission.WORKFLOWS_PUBLISH, context):
        raise NotAllowed("Your role does not allow publishing; import without publish, and drafts are made.")


def flag(request: Request, name: str) -> bool:
    """Whether ``?name=1`` stands in the address; raises Invalid for anything but 1 and 0."""
    values = {"": False, "0": False, "false": False, "1": True, "true": True}
    given = request.GET.get(name, "")
    if given not in values:
        raise Invalid.at(f"/{name}", f"{name} must be 1 or 0.")
    return values[given]


def all_as_file(context: Workflows, request: Request, usual: Format) -> Response:
    """All workflows as a download."""
    workspace = context.above(WorkspaceNode)
    bundle = service.export_all(store_of(request), workspace.id)
    return _download(request, bundle, f"{workspace.membership.slug} workflows", usual)


def workflow_as_file(context: WorkflowNode, request: Request, usual: Format) -> Response:
    """One workflow as a download."""
    bundle = service.export_workflow(store_of(request), context.workflow)
    return _download(request, bundle, context.workflow.shown.name, usual)


def version_as_file(context: VersionNode, request: Request, usual: Format) -> Response:
    """One version as a download."""
    bundle = service.export_version(store_of(request), context.above(WorkflowNode).workflow, context.version)
    return _download(request, bundle, context.version.name, usual, context.version.number)


def note_all(context: Workflows, request: Request) -> None:
    """Tells in each history that everything was exported."""
    found = service.exportable(store_of(request), context.above(WorkspaceNode).id)
    service.note_export(store_of(request), found, By(request.identity.account.id, "With all others"))


def note_workflow(context: WorkflowNode, request: Request) -> None:
    """Tells in the history that the workflow was exported."""
    service.note_export(store_of(request), [context.workflow], By(request.identity.account.id))


def note_version(context: VersionNode, request: Request) -> None:
    """Tells in the history that the version was exported."""
    workflow = context.above(WorkflowNode).workflow
    service.note_export(store_of(request), [workflow], By(request.identity.account.id), context.version.number)


def _download(
    request: Request, bundle: dict[str, Any], name: str, usual: Format, version: int | None = None
) -> Response:
    wanted = request.GET.get("format", usual)
    if wanted not in {"json", "yaml"}:
        raise Invalid.at("/format", "format must be json or yaml.")
    response = Response(service.as_text(bundle, wanted).encode(), content_type=f"application/{wanted}", charset=None)
    file_name = service.file_name(name, wanted, version)
    response.headers["Content-Disposition"] = f'attachment; filename="{file_name}"'
    return response


def _body(request: Request) -> tuple[bytes, Format | None]:
    kind = request.content_type
    if kind == "multipart/form-data":
        return uploaded(request)
    if kind.endswith("+json"):
        return raw(request), "json"
    if kind not in _FORMATS:
        raise UnsupportedMediaType(f"The body is {kind}; send application/yaml, application/json or a form's file.")
    return raw(request), _FORMATS[kind]


def uploaded(request: Request) -> tuple[bytes, Format | None]:
    """A form's file, and the format that its name says; raises Invalid without one."""
    field = request.POST.get("file")
    if field is None or isinstance(field, (str, bytes)):
        raise Invalid.at("/file", "Choose a file.")
    ending = str(field.filename or "").lower().rpartition(".")[2]
    given: Format | None = "yaml" if ending in {"yaml", "yml"} else "json" if ending == "json" else None
    return field.file.read(service.OVER_HTTP.bytes + 1), given
