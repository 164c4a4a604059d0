"""Import of workflows for browsers: a file, then what it will do, then the deed."""

import base64
import zlib
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import Response

from releaseapp.errors import Fault, Invalid, TooLarge
from releaseapp.permissions import Permission
from releaseapp.web.bodies import read_form
from releaseapp.web.forms import FormState
from releaseapp.web.messages import say
from releaseapp.web.request import Request
from releaseapp.web.shown import show
from releaseapp.web.views import page
from releaseapp.workflows.resources import Workflows, store_of
from releaseapp.workflows.store import By
from releaseapp.workflows.transfer import service
from releaseapp.workflows.transfer.service import Format, Incoming, Outcome, Plan
from releaseapp.workflows.transfer_api import BODY_LIMIT, check_may_publish, uploaded
from releaseapp.workspaces.resources import WorkspaceNode

_MOST_FAULTS_SHOWN = 100


class ImportForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file's text, typed or carried on from the plan, whose ``digest`` says that it was looked at."""

    text: str = ""
    carried: str = ""
    given: Annotated[str, Meta(pattern=r"^(json|yaml|)$")] = ""
    digest: Annotated[str, Meta(max_length=64)] = ""
    publish: Annotated[str, Meta(pattern=r"^(yes|)$")] = ""


@page(Workflows, Permission.WORKFLOWS_EDIT, name="import")
def import_page(_context: Workflows, request: Request) -> Response:
    """The form that takes a file."""
    return show(request, "workflows/import", form=FormState({}))


@page(Workflows, Permission.WORKFLOWS_EDIT, "POST", name="import", body_limit=BODY_LIMIT)
def import_workflows(context: Workflows, request: Request) -> Response:
    """Shows what the file will do; sent again from there, does it."""
    try:
        form = read_form(request, ImportForm)
        data, given = _file(request, form)
        incoming = service.read_incoming(data, given, service.OVER_HTTP)
    except (Invalid, TooLarge) as error:
        return _refused(request, error)
    if form.publish:
        check_may_publish(context, request)
    into = service.surroundings(request.db, context.above(WorkspaceNode).id)
    drafts, published = (
        service.plan_import(store_of(request), incoming, into, publish=publish) for publish in (False, True)
    )
    if form.digest != drafts.digest or drafts.faults:
        return _show_plan(request, form, incoming, (drafts, published), _carried(data, given))
    by = By(request.identity.account.id)
    done = service.import_workflows(store_of(request), incoming, into, by, publish=form.publish == "yes")
    say(request, _told(done))
    changed = [item.here for item in done.items if item.here is not None and item.outcome is not Outcome.UNCHANGED]
    return HTTPSeeOther(request.resource_path(context, *([changed[0].id] if len(changed) == 1 else [])).rstrip("/"))


def _show_plan(
    request: Request, form: ImportForm, incoming: Incoming, plans: tuple[Plan, Plan], carried: dict[str, Any]
) -> Response:
    drafts, published = plans
    again = bool(form.digest)
    if drafts.faults or again:
        request.response.status_int = 409 if again else 400
    told = [incoming.told(list(item.faults)) for item in drafts.items]
    return show(
        request,
        "workflows/import_plan",
        rows=[
            (item, with_publish.publishes, faults[:_MOST_FAULTS_SHOWN], len(faults) - _MOST_FAULTS_SHOWN)
            for item, with_publish, faults in zip(drafts.items, published.items, told, strict=True)
        ],
        refused=drafts.count(Outcome.REFUSED),
        changes=sum(
            Outcome.CREATED in pair or Outcome.MATCHED in pair
            for pair in ((one.outcome, other.outcome) for one, other in zip(drafts.items, published.items, strict=True))
        ),
        missing=msgspec.structs.asdict(drafts.missing),
        digest=drafts.digest,
        again=again,
        publish=form.publish,
        form=FormState({"text": form.text}),
        **carried,
    )


def _file(request: Request, form: ImportForm) -> tuple[bytes, Format | None]:
    given: Format | None = "json" if form.given == "json" else "yaml" if form.given == "yaml" else None
    if form.carried:
        return _brought_back(form.carried), given
    if form.text.strip():
        return form.text.encode("utf-8", "surrogatepass"), given
    return uploaded(request)


def _carried(data: bytes, given: Format | None) -> dict[str, Any]:
    """The file for the plan's form: packed, so that no browser changes a line end in it."""
    return {"carried": base64.b64encode(zlib.compress(data)).decode(), "given": given or ""}


def _brought_back(carried: str) -> bytes:
    unpacking = zlib.decompressobj()
    try:
        data = unpacking.decompress(base64.b64decode(carried, validate=True), service.OVER_HTTP.bytes + 1)
    except (ValueError, zlib.error) as error:
        raise Invalid.at("/file", "The file was lost on the way; choose it again.") from error
    if not unpacking.eof and len(data) <= service.OVER_HTTP.bytes:
        raise Invalid.at("/file", "The file was lost on the way; choose it again.")
    return data


def _refused(request: Request, error: Invalid | TooLarge) -> Response:
    request.response.status_int = 400 if isinstance(error, Invalid) else 413
    faults = error.faults if isinstance(error, Invalid) else (Fault("", str(error)),)
    at_file = " ".join(fault.detail for fault in faults if fault.pointer == "/file")
    general = [fault.detail for fault in faults if fault.pointer != "/file"][:_MOST_FAULTS_SHOWN]
    values: dict[str, Any] = {name: request.POST.get(name, "") for name in ("text", "publish")}
    return show(request, "workflows/import", form=FormState(values, {"file": at_file} if at_file else {}, general))


def _told(done: Plan) -> str:
    created, matched = done.count(Outcome.CREATED), done.count(Outcome.MATCHED)
    parts = [f"{created} new" if created else "", f"{matched} changed" if matched else ""]
    return f"Imported: {', '.join(filter(None, parts))}." if created or matched else "Everything in the file is here."
