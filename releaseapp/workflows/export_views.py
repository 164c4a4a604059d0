"""Export of workflows: a file to download, the same for browsers and programs.

GET writes nothing; POST gives the same file and tells of it in the history.
"""

from collections.abc import Callable
from typing import Any

from pyramid.response import Response

from releaseapp.errors import Invalid
from releaseapp.permissions import Permission
from releaseapp.web.request import Request
from releaseapp.web.views import api, page
from releaseapp.workflows.resources import VersionNode, WorkflowNode, Workflows, store_of
from releaseapp.workflows.store import By
from releaseapp.workflows.transfer import service
from releaseapp.workspaces.resources import WorkspaceNode

View = Callable[[Any, Request], Response]


def _export_of(context: type) -> Callable[[View], View]:
    """Declares one view for every way in which a file may be asked for."""

    def declare(view: View) -> View:
        for representation in (api, page):
            for method in ("GET", "POST"):
                representation(context, Permission.WORKFLOWS_VIEW, method, name="export")(view)
        return view

    return declare


@_export_of(Workflows)
def export_all(context: Workflows, request: Request) -> Response:
    """All workflows of the workspace."""
    store, workspace = store_of(request), context.above(WorkspaceNode)
    if request.method == "POST":
        found = service.exportable(store, workspace.id)
        service.note_export(store, found, By(request.identity.account.id, "With all others"))
    return _download(request, service.export_all(store, workspace.id), f"{workspace.membership.slug} workflows")


@_export_of(WorkflowNode)
def export_workflow(context: WorkflowNode, request: Request) -> Response:
    """One workflow with its versions and history."""
    store, workflow = store_of(request), context.workflow
    if request.method == "POST":
        service.note_export(store, [workflow], By(request.identity.account.id))
    return _download(request, service.export_workflow(store, workflow), workflow.shown.name)


@_export_of(VersionNode)
def export_version(context: VersionNode, request: Request) -> Response:
    """One version alone."""
    store, workflow, version = store_of(request), context.above(WorkflowNode).workflow, context.version
    if request.method == "POST":
        service.note_export(store, [workflow], By(request.identity.account.id), version.number)
    return _download(request, service.export_version(store, workflow, version), version.name, version.number)


def _download(request: Request, bundle: dict[str, Any], name: str, version: int | None = None) -> Response:
    """The file as ``?format=json`` or ``yaml``: YAML for browsers and JSON for programs when nothing is said."""
    wanted = request.GET.get("format", "yaml" if request.representation == "html" else "json")
    if wanted not in {"json", "yaml"}:
        raise Invalid.at("/format", "format must be json or yaml.")
    response = Response(service.as_text(bundle, wanted).encode(), content_type=f"application/{wanted}", charset=None)
    file_name = service.file_name(name, wanted, version)
    response.headers["Content-Disposition"] = f'attachment; filename="{file_name}"'
    return response
