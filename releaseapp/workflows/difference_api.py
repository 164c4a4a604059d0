"""The difference between two versions, for programs: by meaning as JSON, or as a unified diff."""

from typing import Any

from pyramid.response import Response

from releaseapp.errors import Invalid
from releaseapp.permissions import Permission
from releaseapp.web.answers import json_answer
from releaseapp.web.request import Request
from releaseapp.web.views import api
from releaseapp.workflows.differences import summary, texts_of, unified
from releaseapp.workflows.differences.sides import Side, difference_of, find_side, usual_side
from releaseapp.workflows.names import account_names
from releaseapp.workflows.resources import VersionNode, WorkflowNode, store_of
from releaseapp.workspaces.resources import WorkspaceNode


@api(VersionNode, Permission.WORKFLOWS_VIEW, name="difference")
def show_difference(context: VersionNode, request: Request) -> Response:
    """From the version that ``?against=`` names to this one; ``?format=text`` gives a unified diff of the YAML."""
    after = side_of(context)
    before = before_of(request, after)
    if before is None:
        raise Invalid.at(
            "/against", "This workflow has one version; against must name one of another workflow: wfl_…/2."
        )
    if wants_text(request):
        return as_text(before, after)
    found = difference_of(request.db, before, after)
    return json_answer(
        {
            "before": _shown(request, before),
            "after": _shown(request, after),
            "same": found.same,
            "summary": summary(found),
            "difference": found,
        }
    )


def side_of(context: VersionNode) -> Side:
    """The version that the address names."""
    place = context.above(WorkspaceNode).membership
    return Side(place, context.above(WorkflowNode).workflow, context.version)


def before_of(request: Request, after: Side) -> Side | None:
    """The version that ``?against=`` names, else the usual one; None when there is none. Raises as ``find_side``."""
    text = request.GET.get("against", "").strip()
    return find_side(store_of(request), request.identity, after, text) if text else usual_side(after)


def wants_text(request: Request) -> bool:
    """Whether ``?format=`` asks for a unified diff; raises Invalid for anything but text."""
    if "format" not in request.GET:
        return False
    if request.GET["format"] != "text":
        raise Invalid.at("/format", "format must be text, or left out.")
    return True


def as_text(before: Side, after: Side) -> Response:
    """A unified diff of the two as YAML."""
    names = tuple(f"{side.title}\t{side.version.updated_at}" for side in (before, after))
    text = unified(*texts_of(before.version, after.version), (names[0], names[1]))
    return Response(text.encode(), content_type="text/plain", charset="utf-8")


def _shown(request: Request, side: Side) -> dict[str, Any]:
    version = side.version
    return {
        "workspace": side.place.slug,
        "workflow_id": side.workflow.id,
        "name": version.name,
        "number": version.number,
        "status": version.status,
        "author": version.author,
        "author_name": account_names(request.db)(version.author),
        "change_summary": version.change_summary,
        "updated_at": version.updated_at,
    }
