"""What one does to a definition in the editor. Each takes a definition and gives the next; nothing is changed in place.

A definition that is edited may have faults: what is not as it should be is left as it is.
"""

import hashlib
from typing import Any

import msgspec

from releaseapp.errors import NotFound
from releaseapp.expressions import Reading, rename_step

Definition = dict[str, Any]
Step = dict[str, Any]

HEAD = ("name", "description", "inputs", "output")
"""What of a definition is not its steps, and has a form of its own."""


def steps_of(definition: Definition) -> list[Step]:
    """The steps, without whatever else stands among them."""
    steps = definition.get("steps")
    return [step for step in steps if isinstance(step, dict)] if isinstance(steps, list) else []


def place_of(definition: Definition, step_id: str) -> int:
    """Where the step stands, from 0; raises NotFound."""
    for place, step in enumerate(steps_of(definition)):
        if step.get("id") == step_id:
            return place
    raise NotFound(f"There is no step {step_id!r} in this draft; somebody may have removed it.")


def get_step(definition: Definition, step_id: str) -> Step:
    """The step of that id; raises NotFound."""
    return steps_of(definition)[place_of(definition, step_id)]


def head_of(definition: Definition) -> dict[str, Any]:
    """What stands beside the steps."""
    return {key: value for key, value in definition.items() if key != "steps"}


def digest(part: object) -> str:
    """Tells whether a part is still what a form was filled with; the order of keys counts for nothing."""
    return hashlib.sha256(msgspec.json.encode(part, order="deterministic")).hexdigest()[:16]


def with_head(definition: Definition, head: dict[str, Any]) -> Definition:
    """The definition with another head; keys keep their places."""
    kept = {key: head.get(key, value) for key, value in definition.items() if key in head or key == "steps"}
    return {**kept, **{key: value for key, value in head.items() if key not in kept}}


def replace_step(definition: Definition, step_id: str, step: Step) -> Definition:
    """The definition with another step in place of one; whoever needs or reads it follows it to a new id."""
    place = place_of(definition, step_id)
    steps = steps_of(definition)
    after: Definition = {**definition, "steps": [*steps[:place], step, *steps[place + 1 :]]}
    new_id = step.get("id")
    if isinstance(new_id, str) and new_id != step_id and new_id not in {one.get("id") for one in steps}:
        return _renamed(after, step_id, new_id)
    return after


def add_step(definition: Definition, step: Step, after: str | None) -> Definition:
    """The definition with one more step behind ``after``, or at the end."""
    steps = steps_of(definition)
    place = place_of(definition, after) + 1 if after else len(steps)
    return {**definition, "steps": [*steps[:place], step, *steps[place:]]}


def remove_step(definition: Definition, step_id: str) -> Definition:
    """The definition without a step; who needed it needs what it needed."""
    place = place_of(definition, step_id)
    steps = steps_of(definition)
    needs = steps[place].get("needs")
    instead = needs if isinstance(needs, list) else [steps[place - 1].get("id")] if place else []
    rest = [_without_need(step, step_id, instead) for step in [*steps[:place], *steps[place + 1 :]]]
    return {**definition, "steps": rest}


def move_step(definition: Definition, step_id: str, to: int) -> Definition:
    """The definition with a step at another place, from 0; places beyond the ends are the ends."""
    steps = steps_of(definition)
    step = steps.pop(place_of(definition, step_id))
    place = max(0, min(to, len(steps)))
    return {**definition, "steps": [*steps[:place], step, *steps[place:]]}


def free_id(definition: Definition, kind: str) -> str:
    """An id that no step has, after the type of step that asks for one."""
    taken = {step.get("id") for step in steps_of(definition)}
    word = kind.rpartition(".")[2]
    number = 1
    while (name := word if number == 1 else f"{word}_{number}") in taken:
        number += 1
    return name


def _without_need(step: Step, step_id: str, instead: list[Any]) -> Step:
    needs = step.get("needs")
    if not isinstance(needs, list) or step_id not in needs:
        return step
    spliced: list[Any] = []
    for name in needs:
        spliced.extend(instead if name == step_id else [name])
    return {**step, "needs": list(dict.fromkeys(spliced))}


def _renamed(definition: Definition, before: str, after: str) -> Definition:
    reading = Reading()
    steps = []
    for step in steps_of(definition):
        changed = {**step}
        if isinstance(step.get("needs"), list):
            changed["needs"] = [after if name == before else name for name in step["needs"]]
        for field in ("config", "when", "for_each"):
            if field in step:
                changed[field] = rename_step(step[field], before, after, reading)
        steps.append(changed)
    renamed = {**definition, "steps": steps}
    if "output" in definition:
        renamed["output"] = rename_step(definition["output"], before, after, reading)
    return renamed
