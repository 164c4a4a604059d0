"""What expressions can read at a step, each with a sample value: from the inputs' schema and the steps before it."""

from collections.abc import Iterator
from typing import Any

import msgspec

from releaseapp import clock, expressions
from releaseapp.steps import step_types
from releaseapp.workflows.definition import needs_of, steps_read_by
from releaseapp.workflows.editor.parts import Definition, Step, steps_of

_PATIENCE_SECONDS = 0.05
"""For all samples of a page together: what is not evaluated by then is shown without a sample."""

_DEEPEST = 3
_MOST_PATHS = 200
_MOST_ITEMS = 3
_LONGEST_SAMPLE = 80

RUN = {"id": "run_0001", "version": 1, "started_at": "2030-01-31T08:00:00.000Z"}
TRIGGER = {"type": "manual", "by": "avery.owner@example.com"}


class Path(msgspec.Struct, frozen=True):
    """Something an expression can read, and a sample of it as text; empty where none is known."""

    path: str
    sample: str


class Samples(msgspec.Struct, frozen=True):
    """The scope of a step with samples; ``unknown`` names the steps whose outputs nobody can know yet."""

    scope: dict[str, Any]
    unknown: frozenset[str]

    def paths(self) -> list[Path]:
        """What can be read, the nearest things first."""
        found: list[Path] = []
        for name in ("item", "inputs", "steps", "trigger", "run", "workspace"):
            if name in self.scope:
                found.extend(_paths(name, self.scope[name], _DEEPEST + (name == "steps")))
        return found[:_MOST_PATHS]

    def preview(self, template: Any) -> str | None:
        """What a template with expressions comes to with the samples; None where that cannot be known."""
        text = template if isinstance(template, str) else msgspec.json.encode(template).decode()
        if "{{" not in text or steps_read_by(template) & self.unknown:
            return None
        try:
            return short(expressions.render(template, self.scope))
        except expressions.ExpressionError as error:
            return f"no value: {error}"


def samples_for(definition: Definition, place: int, workspace: dict[str, str]) -> Samples:
    """The samples for the step at ``place`` (the number of steps: for the output of the run)."""
    steps = steps_of(definition)
    outputs: dict[str, Any] = {}
    unknown: set[str] = set()
    scope: dict[str, Any] = {
        "inputs": sample_of(definition.get("inputs"), _DEEPEST + 1) or {},
        "steps": outputs,
        "trigger": TRIGGER,
        "run": RUN,
        "workspace": workspace,
    }
    until = clock.monotonic() + _PATIENCE_SECONDS
    for number in sorted(_before(steps, place)):
        step, step_id = steps[number], steps[number].get("id")
        if isinstance(step_id, str):
            known, output = _output(step, scope, unknown) if clock.monotonic() < until else (False, None)
            outputs[step_id] = {"output": output}
            if not known:
                unknown.add(step_id)
    if place < len(steps) and steps[place].get("for_each"):
        scope["item"] = next(iter(_items(steps[place], scope)), None)
    return Samples(scope, frozenset(unknown))


def sample_of(schema: Any, depth: int) -> Any:
    """A value that a JSON Schema describes: its example, its default, or the plainest of its type."""
    if not isinstance(schema, dict) or not depth:
        return None
    for given in ("const", "default"):
        if given in schema:
            return schema[given]
    for many in ("examples", "enum"):
        if isinstance(schema.get(many), list) and schema[many]:
            return schema[many][0]
    properties = schema.get("properties")
    if isinstance(properties, dict):
        return {name: sample_of(one, depth - 1) for name, one in properties.items()}
    plain = {"string": "text", "number": 1.5, "integer": 1, "boolean": True, "object": {}}
    if schema.get("type") == "array":
        return [sample_of(schema.get("items", {}), depth - 1)]
    return plain.get(str(schema.get("type")))


def short(value: Any) -> str:
    """A value as a short text."""
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST_SAMPLE else text[: _LONGEST_SAMPLE - 1] + "…"


def _before(steps: list[Step], place: int) -> set[int]:
    """The places of all steps that are done before the one at ``place``."""
    if place >= len(steps):
        return set(range(len(steps)))
    places = {step.get("id"): number for number, step in enumerate(steps)}
    found: set[int] = set()
    waiting = [place]
    while waiting:
        for name in needs_of(steps, waiting.pop()):
            number = places.get(name)
            if number is not None and number not in found and number != place:
                found.add(number)
                waiting.append(number)
    return found


def _output(step: Step, scope: dict[str, Any], unknown: set[str]) -> tuple[bool, Any]:
    """Whether the output can be known, and a sample of it."""
    kind = step_types().get(str(step.get("type")))
    if kind is None:
        return False, None
    if step.get("for_each"):
        items = _items(step, scope)
        outputs = [_one_output(step, {**scope, "item": item}, unknown) for item in items]
        return all(known for known, _ in outputs), [output for _, output in outputs]
    return _one_output(step, scope, unknown)


def _one_output(step: Step, scope: dict[str, Any], unknown: set[str]) -> tuple[bool, Any]:
    config = step["config"] if isinstance(step.get("config"), dict) else {}
    field = {"transform": "value", "condition": "test"}.get(str(step.get("type")))
    if field is None:
        sample = step_types()[step["type"]].output
        return sample is not None, sample
    if steps_read_by(config.get(field)) & unknown:
        return False, None
    try:
        return True, expressions.render(config.get(field), scope)
    except expressions.ExpressionError:
        return False, None


def _items(step: Step, scope: dict[str, Any]) -> list[Any]:
    try:
        items = expressions.render(step.get("for_each"), scope)
    except expressions.ExpressionError:
        return []
    return items[:_MOST_ITEMS] if isinstance(items, list) else []


def _paths(path: str, value: Any, depth: int) -> Iterator[Path]:
    if not (path.count(".") == 0 and isinstance(value, dict)) and not (path.startswith("steps.") and depth == _DEEPEST):
        yield Path(path, "" if value is None else short(value))
    if depth and isinstance(value, dict):
        for name, item in value.items():
            if name.isidentifier():
                yield from _paths(f"{path}.{name}", item, depth - 1)
