"""What the editor's page shows, as values for its templates."""

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import UNSET
from pyramid.response import Response

from releaseapp.credentials.service import credential_names
from releaseapp.errors import AppError, Conflict, Fault, Invalid
from releaseapp.permissions import Permission
from releaseapp.steps import step_types
from releaseapp.steps.api import StepType
from releaseapp.web.forms import FormState, Posted
from releaseapp.web.request import Request
from releaseapp.web.shown import show
from releaseapp.workflows import graph, service, yaml_text
from releaseapp.workflows.definition import steps_read_by
from releaseapp.workflows.editor import head_form, parts
from releaseapp.workflows.editor.boxes import lines
from releaseapp.workflows.editor.opened import Opened
from releaseapp.workflows.editor.parts import Definition, Step
from releaseapp.workflows.editor.samples import Samples, samples_for
from releaseapp.workflows.editor.step_form import Shown, boxes_of, shown
from releaseapp.workflows.names import agents_to_choose
from releaseapp.workflows.resources import VersionNode, WorkflowNode, store_of
from releaseapp.workflows.yaml_form import lines_of
from releaseapp.workflows.yaml_keeping import text_of
from releaseapp.workspaces.resources import WorkspaceNode

_MOST_NAMES = 200
_MOST_DRAWN = 300
"""Steps, in the editor, where the picture is drawn at each saving; the workflow's page draws them all."""


class Refusal(msgspec.Struct, frozen=True):
    """A form that was not saved: what was typed, why, and what is saved now when somebody else was quicker."""

    form: Posted
    state: FormState
    theirs: str | None = None
    in_yaml: bool = False


class StepRow(msgspec.Struct, frozen=True):
    """A step in the list: its name, its type, and what is special about when it runs."""

    id: str
    title: str
    type: str
    kind: StepType | None
    notes: list[str]


def show_editor(context: VersionNode, request: Request, here: Opened, refusal: Refusal | None = None) -> Response:
    """The editor with one part open, or its fragment ``editor``."""
    definition = context.version.data()
    workflow = context.above(WorkflowNode).workflow
    in_yaml = refusal is not None and refusal.in_yaml
    form = refusal.form if refusal and not in_yaml else None
    yaml, revision = text_of(context.version), str(context.version.revision)
    overtaken = refusal is not None and refusal.theirs is not None
    if refusal and in_yaml:
        yaml = lines(refusal.form.get("yaml", ""))
        revision = revision if overtaken else refusal.form.get("revision", "")
    values = _open_part(context, request, here, definition, form)
    if form and "seen" in form and not overtaken:
        values["seen"] = form.get("seen")
    return show(
        request,
        "workflows/edit",
        ("editor",),
        workflow=workflow,
        version=context.version,
        definition=definition,
        here=here,
        draw=graph.draw if len(parts.steps_of(definition)) <= _MOST_DRAWN else None,
        rows=[_row(step) for step in parts.steps_of(definition)],
        types=step_types(),
        yaml=yaml,
        revision=revision,
        in_yaml=in_yaml,
        state=refusal.state if refusal else FormState({}),
        theirs=refusal.theirs if refusal else None,
        **values,
    )


def refuse(
    context: VersionNode,
    request: Request,
    here: Opened,
    error: AppError,
    made: Definition | None,
    *,
    in_yaml: bool,
) -> Response:
    """The editor with what was typed and why it is not saved: 400 for faults, 409 when somebody else was quicker.

    ``made`` is the definition that was refused, when it came to be made.
    """
    definition = context.version.data()
    if isinstance(error, Conflict):
        request.response.status_int = 409
        state = FormState({}, {}, [str(error)])
        return show_editor(
            context, request, here, Refusal(request.POST, state, _theirs(here, definition, in_yaml=in_yaml), in_yaml)
        )
    request.response.status_int = 400
    faults = error.faults if isinstance(error, Invalid) else [Fault("", str(error))]
    if in_yaml:
        found = lines_of(request.POST.get("yaml", ""))
        told = [_with_line(found, fault) for fault in faults]
        return show_editor(context, request, here, Refusal(request.POST, FormState({}, {}, told), None, in_yaml))
    state = _at_fields(here, faults, made or definition, request.POST)
    return show_editor(context, request, here, Refusal(request.POST, state))


def _row(step: Step) -> StepRow:
    notes = [told for key, told in (("when", "when"), ("for_each", "for each")) if step.get(key)]
    needs = step.get("needs")
    if isinstance(needs, list):
        notes.append(f"after {', '.join(map(str, needs)) or 'the start'}")
    step_id, kind = str(step.get("id", "")), str(step.get("type", ""))
    return StepRow(step_id, str(step.get("name") or step_id), kind, step_types().get(kind), notes)


def _open_part(
    context: VersionNode, request: Request, here: Opened, definition: Definition, form: Posted | None
) -> dict[str, Any]:
    steps = parts.steps_of(definition)
    if here.kind == "palette":
        return {"search": request.GET.get("q", "").strip().lower()}
    if here.kind == "head":
        samples = samples_for(definition, len(steps), _about_workspace(context))
        return _head_values(definition, samples, form)
    if here.kind == "new":
        step, place = here.step, parts.place_of(definition, here.after) + 1 if here.after else len(steps)
        definition = parts.add_step(definition, step, here.after)
    else:
        step, place = parts.get_step(definition, here.step_id), parts.place_of(definition, here.step_id)
    samples = samples_for(definition, place, _about_workspace(context))
    return {
        **_step_values(step, place, definition, samples, form),
        "agents": list(agents_to_choose(request.db, context.above(WorkspaceNode).id).values()),
        "workflows": _workflow_names(context, request),
        "credentials": _credential_names(context, request),
    }


def _head_values(definition: Definition, samples: Samples, form: Posted | None) -> dict[str, Any]:
    head = parts.head_of(definition)
    rows = head_form.rows_of_inputs(head.get("inputs", {}))
    output = shown(head_form.OUTPUT, "output", head.get("output", UNSET), form)
    return {
        "name": head.get("name", "") if form is None else form.get("name"),
        "description": head.get("description", "") if form is None else form.get("description"),
        "inputs": rows if form is None or rows is None else head_form.posted_rows(form),
        "schema": shown(head_form.INPUTS, "inputs", head.get("inputs", UNSET), form),
        "input_types": head_form.TYPES,
        "output": output,
        "previews": _previews([output], {"output": head.get("output")}, samples),
        "paths": samples.paths(),
        "seen": parts.digest(head),
        "advice": [],
    }


def _step_values(
    step: Step, place: int, definition: Definition, samples: Samples, form: Posted | None
) -> dict[str, Any]:
    boxes, seen = boxes_of(step, form), parts.digest(step)
    needs = step.get("needs") if isinstance(step.get("needs"), list) else None
    if form is not None:
        needs = form.getall("needs") if form.get("needs_mode") == "chosen" else None
        step = {**step, "id": form.get("step_id", ""), "name": form.get("name", "")}
    config = step["config"] if isinstance(step.get("config"), dict) else {}
    values = {**{f"config.{name}": value for name, value in config.items()}, **step}
    every = [box for group in boxes.values() for box in group]
    steps = parts.steps_of(definition)
    return {
        "row": _row(step),
        "name": step.get("name", ""),
        "fails": any(key in step for key in ("retry", "timeout_seconds", "on_error")),
        "boxes": boxes,
        "needs": needs,
        "others": [one.get("id") for number, one in enumerate(steps) if number != place],
        "before": steps[place - 1].get("id") if place else None,
        "previews": _previews(every, values, samples) if form is None else {},
        "paths": samples.paths(),
        "seen": seen,
        "advice": _advice(step, samples),
    }


def _previews(boxes: list[Shown], values: dict[str, Any], samples: Samples) -> dict[str, str]:
    found = {box.name: samples.preview(values.get(box.name)) for box in boxes if values.get(box.name) is not None}
    return {name: text for name, text in found.items() if text is not None}


def _advice(step: Step, samples: Samples) -> list[str]:
    """What is accepted, but hardly meant."""
    read = steps_read_by([step.get("config"), step.get("when"), step.get("for_each")])
    return [
        f"This step reads from {name!r}, which need not be done before it: choose it under Runs after."
        for name in sorted(read - set(samples.scope["steps"]) - {step.get("id")})
    ]


def _at_fields(here: Opened, faults: Iterable[Fault], made: Definition, form: Posted) -> FormState:
    """Faults at the fields of the open form; those of other parts by the name of their step."""
    steps = parts.steps_of(made)
    own = "/"
    if here.kind in {"step", "new"}:
        step_id = form.get("step_id", "").strip()
        place = next((number for number, step in enumerate(steps) if step.get("id") == step_id), len(steps))
        own = f"/steps/{place}/"
    errors: dict[str, str] = {}
    general = []
    for fault in faults:
        name = _field_of(fault.pointer, own)
        if name is not None:
            errors[name] = f"{errors[name]} {fault.detail}" if name in errors else fault.detail
        else:
            general.append(_in_words(fault, steps))
    return FormState({}, errors, general)


def _field_of(pointer: str, own: str) -> str | None:
    if pointer.startswith(("/config.", "/retry.")):
        return pointer.lstrip("/")
    if own == "/":
        name = pointer.split("/")[1] if "/" in pointer else ""
        return name if name in parts.HEAD else None
    if not pointer.startswith(own):
        return None
    names = pointer.removeprefix(own).split("/")
    if names == ["id"]:
        return "step_id"
    return ".".join(names[:2]) if names[0] in {"config", "retry"} and len(names) > 1 else names[0]


def _in_words(fault: Fault, steps: list[Step]) -> str:
    names = fault.pointer.split("/")
    if len(names) > 2 and names[1] == "steps" and names[2].isdigit() and int(names[2]) < len(steps):  # noqa: PLR2004
        return f"Step {steps[int(names[2])].get('id')}: {fault.detail}"
    return fault.detail


def _with_line(lines: dict[str, int], fault: Fault) -> str:
    if fault.pointer.startswith("/yaml") or not lines:
        return fault.detail
    return f"Line {yaml_text.line_of(lines, fault.pointer)}: {fault.detail}"


def _theirs(here: Opened, definition: Definition, *, in_yaml: bool) -> str:
    if in_yaml:
        return yaml_text.dump(definition)
    if here.kind == "step" and any(step.get("id") == here.step_id for step in parts.steps_of(definition)):
        return yaml_text.dump(parts.get_step(definition, here.step_id))
    return yaml_text.dump(parts.head_of(definition) if here.kind == "head" else definition)


def _about_workspace(context: VersionNode) -> dict[str, str]:
    workspace = context.above(WorkspaceNode).workspace
    return {"slug": workspace.slug, "name": workspace.name}


def _credential_names(context: VersionNode, request: Request) -> list[str]:
    workspace = context.above(WorkspaceNode)
    sees = Permission.CREDENTIALS_VIEW in workspace.membership.permissions
    return credential_names(request.db, workspace.id) if sees else []


def _workflow_names(context: VersionNode, request: Request) -> list[str]:
    found = service.list_workflows(store_of(request), context.above(WorkspaceNode).id)
    return [one.shown.name for one in found[:_MOST_NAMES]]
