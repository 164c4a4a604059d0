"""Which part of the draft is open in the editor, as the address says it."""

from typing import Literal

import msgspec

from releaseapp.errors import NotFound
from releaseapp.steps import step_types
from releaseapp.web.request import Request
from releaseapp.workflows.editor import parts
from releaseapp.workflows.editor.parts import Definition, Step


class Opened(msgspec.Struct, frozen=True):
    """The open part: the head, a step, a new step with what it begins with, or the palette."""

    kind: Literal["head", "step", "new", "palette"]
    step_id: str = ""
    step: Step = {}
    after: str | None = None

    @property
    def query(self) -> dict[str, str]:
        """The address of this part, as a query."""
        behind = {"after": self.after} if self.after else {}
        if self.kind == "step":
            return {"step": self.step_id}
        if self.kind == "new":
            return {"add": str(self.step["type"]), **behind}
        return {"add": "", **behind} if self.kind == "palette" else {}

    def after_saving(self, request: Request, definition: Definition) -> "Opened":
        """What is open once something was saved: a new step is a step then, a renamed one has its new id."""
        step_id = request.POST.get("step_id", "").strip() or self.step_id
        if self.kind in {"head", "palette"} or not step_id:
            return self
        try:
            return Opened("step", step_id=step_id, step=parts.get_step(definition, step_id))
        except NotFound:
            return Opened("head")


def opened(request: Request, definition: Definition) -> Opened:
    """The part that the query names; the head for a step that is not there any more."""
    after = request.GET.get("after") or None
    known = {step.get("id") for step in parts.steps_of(definition)}
    if after not in known:
        after = None
    if "add" in request.GET:
        kind = step_types().get(request.GET["add"])
        if kind is None:
            return Opened("palette", after=after)
        preset = _preset(request.GET.get("preset", "0"), len(kind.presets))
        name = request.GET["add"]
        step = {"id": parts.free_id(definition, name), "type": name, "config": kind.presets[preset].config}
        return Opened("new", step=step, after=after)
    step_id = request.GET.get("step", "")
    try:
        return Opened("step", step_id=step_id, step=parts.get_step(definition, step_id))
    except NotFound:
        return Opened("head")


def _preset(text: str, count: int) -> int:
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 3 else 0  # noqa: PLR2004
    return number if number < count else 0
