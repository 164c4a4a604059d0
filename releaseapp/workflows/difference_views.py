"""The difference between two versions, for browsers: by meaning or as text, at an address that can be pasted."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import msgspec
from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import Response

from releaseapp.permissions import Permission
from releaseapp.web.request import Request
from releaseapp.web.shown import show
from releaseapp.web.views import page
from releaseapp.workflows import service
from releaseapp.workflows.difference_api import as_text, before_of, side_of, wants_text
from releaseapp.workflows.differences import sections_of, summary, text_rows, texts_of
from releaseapp.workflows.differences.sides import Side, difference_of, find_side
from releaseapp.workflows.models import Version
from releaseapp.workflows.names import account_names
from releaseapp.workflows.resources import VersionNode, store_of

_MOST_STEPS = 300
_MOST_ROWS = 3000
_MOST_CHOICES = 200


class Choice(msgspec.Struct, frozen=True):
    """A version that can be chosen, as ``against`` and ``to`` name it."""

    key: str
    title: str


class Choices(msgspec.Struct, frozen=True):
    """The versions of one workflow, or those of other workflows of one workspace."""

    title: str
    choices: list[Choice]


@page(VersionNode, Permission.WORKFLOWS_VIEW, name="difference")
def difference_page(context: VersionNode, request: Request) -> Response:
    """From the version that ``?against=`` names to this one, by meaning or ``?as=text``.

    ``?to=`` names another version than this one, and leads to its address;
    ``?format=text`` gives a unified diff.
    """
    after = side_of(context)
    elsewhere = request.GET.get("to", "").strip()
    if elsewhere:
        return _lead_to(request, after, find_side(store_of(request), request.identity, after, elsewhere, "to"))
    before = before_of(request, after)
    if before is not None and wants_text(request):
        return as_text(before, after)
    view = "text" if request.GET.get("as") == "text" else "meaning"
    return show(
        request,
        "workflows/difference",
        ("difference",),
        workflow=after.workflow,
        version=after.version,
        sides=[(name, side) for name, side in (("Before", before), ("After", after)) if side],
        account_name=account_names(request.db),
        before=before,
        after=after,
        view=view,
        address=address_of(before, after) if before else None,
        swapped=address_of(after, before) if before else None,
        choices=_choices(request, [side for side in (after, before) if side]),
        **(_told(request, before, after, view) if before else {}),
    )


def address_of(before: Side, after: Side, **more: str) -> str:
    """Where the difference of two versions is shown."""
    against = str(before.version.number) if before.workflow.id == after.workflow.id else before.key
    path = f"/workspaces/{after.place.slug}/workflows/{after.workflow.id}/versions/{after.version.number}/difference"
    return f"{path}?{urlencode({'against': against, **more}, safe='/')}"


def _lead_to(request: Request, here: Side, after: Side) -> Response:
    """From a form, which can choose a version but not the address that it belongs to."""
    text = request.GET.get("against", "").strip() or str(here.version.number)
    before = find_side(store_of(request), request.identity, here, text)
    more = {"as": "text"} if request.GET.get("as") == "text" else {}
    return HTTPSeeOther(address_of(before, after, **more))


def _told(request: Request, before: Side, after: Side, view: str) -> dict[str, Any]:
    texts = texts_of(before.version, after.version)
    if view == "text":
        rows = text_rows(*texts, most=_MOST_ROWS + 1)
        return {"rows": rows[:_MOST_ROWS], "more": len(rows) > _MOST_ROWS}
    found = difference_of(request.db, before, after)
    shortened = msgspec.structs.replace(found, steps=found.steps[:_MOST_STEPS])
    return {
        "same": found.same,
        "same_text": texts[0] == texts[1],
        "summary": summary(found),
        "sections": sections_of(shortened),
        "more": max(0, len(found.steps) - _MOST_STEPS),
    }


def _choices(request: Request, sides: list[Side]) -> list[Choices]:
    """All versions of the workflows that are compared, and of each other one what is published and what is drafted."""
    own = {side.workflow.id: side for side in sides}
    groups = [
        Choices(side.version.name, [_choice(side, one) for one in side.workflow.versions[: -_MOST_CHOICES - 1 : -1]])
        for side in own.values()
    ]
    identity = request.identity
    for place in sorted(identity.memberships.values(), key=lambda one: (one.slug != sides[0].place.slug, one.name)):
        if identity.allows(place.workspace_id, Permission.WORKFLOWS_VIEW):
            found = service.list_workflows(store_of(request), place.workspace_id)[:_MOST_CHOICES]
            others = [Side(place, one, one.shown) for one in found if one.id not in own]
            choices = [choice for side in others for choice in _shown_and_drafted(side)]
            groups.extend([Choices(f"Other workflows of {place.name}", choices)] if choices else [])
    return groups


def _shown_and_drafted(side: Side) -> Iterator[Choice]:
    numbers = {side.workflow.shown.number: side.workflow.shown}
    draft = side.workflow.newest_draft
    if draft is not None:
        numbers[draft.number] = draft
    return (_choice(side, version, named=True) for version in numbers.values())


def _choice(side: Side, version: Version, *, named: bool = False) -> Choice:
    title = f"Version {version.number} ({version.status})"
    return Choice(f"{side.workflow.id}/{version.number}", f"{version.name}: {title.lower()}" if named else title)
