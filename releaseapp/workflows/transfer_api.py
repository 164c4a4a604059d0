"""Import of workflows for programs."""

from pyramid.response import Response

from releaseapp.errors import Invalid, NotAllowed, UnsupportedMediaType
from releaseapp.permissions import Permission
from releaseapp.web.answers import json_answer
from releaseapp.web.bodies import raw
from releaseapp.web.request import Request
from releaseapp.web.views import api
from releaseapp.workflows.resources import Workflows, store_of
from releaseapp.workflows.schemas import LONGEST_SUMMARY
from releaseapp.workflows.store import By
from releaseapp.workflows.transfer import service
from releaseapp.workflows.transfer.service import Format
from releaseapp.workspaces.resources import WorkspaceNode

BODY_LIMIT = service.OVER_HTTP.bytes + 65_536
"""The file, and what a form puts around it."""

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


@api(Workflows, Permission.WORKFLOWS_EDIT, "POST", name="import", body_limit=BODY_LIMIT)
def import_workflows(context: Workflows, request: Request) -> Response:
    """Imports a file: ``?dry_run=1`` only tells what would be done, ``?publish=1`` publishes, ``?change_summary=``."""
    dry_run, publish = flag(request, "dry_run"), flag(request, "publish")
    if publish:
        check_may_publish(context, request)
    summary = request.GET.get("change_summary", "")
    if len(summary) > LONGEST_SUMMARY:
        raise Invalid.at("/change_summary", f"change_summary must be at most {LONGEST_SUMMARY} characters long.")
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
