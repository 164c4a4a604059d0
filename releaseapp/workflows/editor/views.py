"""The editor in the browser: each part of the draft has a form; the whole stands beside it as YAML.

A form changes its part of the newest draft, so two people who edit different
steps never meet; ``seen`` tells when they do. What has faults is not saved, and
stays in the form.
"""

from collections.abc import Callable

import msgspec
from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import Response

from releaseapp.errors import Conflict, Invalid
from releaseapp.permissions import Permission
from releaseapp.web.bodies import posted, read_form
from releaseapp.web.messages import say
from releaseapp.web.request import Request
from releaseapp.web.views import page
from releaseapp.workflows import service
from releaseapp.workflows.editor import parts
from releaseapp.workflows.editor.head_form import read_head
from releaseapp.workflows.editor.opened import Opened, opened
from releaseapp.workflows.editor.page import refuse, show_editor
from releaseapp.workflows.editor.parts import Definition
from releaseapp.workflows.editor.step_form import read_step
from releaseapp.workflows.resources import VersionNode, Versions, WorkflowNode, store_of
from releaseapp.workflows.schemas import LONGEST_SUMMARY
from releaseapp.workflows.store import By, Written
from releaseapp.workflows.yaml_form import WorkflowForm, read_yaml

Edited = Written | Definition


class Move(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which step goes to which place, from 0."""

    step: str
    to: int


class Removal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which step goes."""

    step: str


@page(VersionNode, Permission.WORKFLOWS_EDIT, name="edit")
def edit_page(context: VersionNode, request: Request) -> Response:
    """The editor: ``?step=`` opens a step, ``?add=`` the palette or a new step, neither what is not a step."""
    return show_editor(context, request, _here(context, request))


@page(VersionNode, Permission.WORKFLOWS_EDIT, "POST", name="edit")
def save_yaml(context: VersionNode, request: Request) -> Response:
    """Saves the whole draft as YAML, unless somebody else saved meanwhile: then both are shown."""

    def edit(_present: Definition, revision: int) -> Written:
        form = read_form(request, WorkflowForm)
        if form.revision is not None and form.revision != revision:
            raise Conflict(
                "Somebody else changed this draft while you did. Your text is kept; save again to replace theirs."
            )
        return Written(read_yaml(form.yaml), form.yaml)

    return _save(context, request, _here(context, request), edit, in_yaml=True)


@page(VersionNode, Permission.WORKFLOWS_EDIT, "POST", name="edit-head")
def save_head(context: VersionNode, request: Request) -> Response:
    """Saves what is not a step: name, description, inputs, output."""

    def edit(present: Definition, _revision: int) -> Definition:
        _check_seen(request, parts.head_of(present))
        return parts.with_head(present, read_head(posted(request), parts.head_of(present)))

    return _save(context, request, _here(context, request), edit)


@page(VersionNode, Permission.WORKFLOWS_EDIT, "POST", name="edit-step")
def save_step(context: VersionNode, request: Request) -> Response:
    """Saves a step, or adds one: the query says which, as that of the editor does."""
    here = _here(context, request)

    def edit(present: Definition, _revision: int) -> Definition:
        if here.kind == "new":
            return parts.add_step(present, read_step(posted(request), here.step), here.after)
        step = parts.get_step(present, here.step_id)
        _check_seen(request, step)
        return parts.replace_step(present, here.step_id, read_step(posted(request), step))

    return _save(context, request, here, edit)


@page(VersionNode, Permission.WORKFLOWS_EDIT, "POST", name="move-step")
def move_step(context: VersionNode, request: Request) -> Response:
    """Puts a step to another place."""
    form = read_form(request, Move)
    here = _here(context, request)
    return _save(context, request, here, lambda present, _: parts.move_step(present, form.step, form.to))


@page(VersionNode, Permission.WORKFLOWS_EDIT, "POST", name="remove-step")
def remove_step(context: VersionNode, request: Request) -> Response:
    """Takes a step out of the draft."""
    form = read_form(request, Removal)
    here = _here(context, request)
    return _save(context, request, here, lambda present, _: parts.remove_step(present, form.step))


def _here(context: VersionNode, request: Request) -> Opened:
    return opened(request, context.version.data())


def _save(
    context: VersionNode,
    request: Request,
    here: Opened,
    edit: Callable[[Definition, int], Edited],
    *,
    in_yaml: bool = False,
) -> Response:
    """Has ``edit`` make the next definition of the newest draft, and shows where one is then."""
    made: list[Edited] = []

    def change(present: Definition, revision: int) -> Edited:
        made[:] = [edit(present, revision)]
        return made[0]

    by = By(request.identity.account.id, request.POST.get("change_summary", "")[:LONGEST_SUMMARY])
    try:
        workflow = service.edit_draft(
            store_of(request), context.above(WorkflowNode).workflow, context.version.number, change, by
        )
    except (Invalid, Conflict) as error:
        refused = made[0] if made and isinstance(made[0], dict) else None
        return refuse(context, request, here, error, refused, in_yaml=in_yaml)
    version = service.get_version(workflow, context.version.number)
    after = here.after_saving(request, version.data())
    if request.GET.get("fragment") == "editor":
        node = VersionNode(request, context.__name__, context.above(Versions), version)
        return show_editor(node, request, after)
    say(request, "Saved.")
    return HTTPSeeOther(request.resource_path(context, "edit", query=after.query))


def _check_seen(request: Request, part: object) -> None:
    seen = request.POST.get("seen", "")
    if seen and seen != parts.digest(part):
        raise Conflict(
            "Somebody else changed this part while you did. Your text is kept; save again to replace theirs."
        )
