"""What a definition may be: a graph of steps in the manner of GitHub Actions, checked whole, every fault at once."""

from collections.abc import Iterator
from enum import StrEnum
from graphlib import CycleError, TopologicalSorter
from typing import Annotated, Any

import msgspec
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from msgspec import Meta

from releaseapp import expressions
from releaseapp.errors import Fault, Invalid
from releaseapp.steps import step_types
from releaseapp.web.bodies import fit

MOST_STEPS = 1000
LARGEST_DEFINITION_BYTES = 1_048_576
MOST_PARTS_OF_INPUTS = 1000

StepId = Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$")]
Expression = Annotated[str, Meta(max_length=20_000)]


class Backoff(StrEnum):
    """How the pause before the next attempt grows."""

    NONE = "none"
    FIXED = "fixed"
    EXPONENTIAL = "exponential"


class OnError(StrEnum):
    """What a failed step means for the run."""

    FAIL = "fail"
    CONTINUE = "continue"


class Retry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How often a step is tried, and how long it waits in between."""

    max_attempts: Annotated[int, Meta(ge=1, le=100)] = 1
    backoff: Backoff = Backoff.EXPONENTIAL
    interval_seconds: Annotated[float, Meta(ge=0, le=86_400)] = 1.0


OWN_KEY = "x-"
"""Keys that begin so are the writer's own: kept as they are, and never looked into."""


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One step. Without ``needs`` it follows the one before it."""

    id: StepId
    type: str
    name: Annotated[str, Meta(max_length=200)] = ""
    config: dict[str, Any] = {}
    needs: list[str] | None = None
    when: Expression | None = None
    for_each: Expression | list[Any] | None = None
    max_parallel: Annotated[int, Meta(ge=1, le=100)] = 10
    retry: Retry | None = None
    timeout_seconds: Annotated[float, Meta(gt=0, le=604_800)] | None = None
    on_error: OnError = OnError.FAIL


class Definition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a version holds."""

    name: Annotated[str, Meta(min_length=1, max_length=120, pattern=r"\S")]
    steps: Annotated[list[dict[str, Any]], Meta(min_length=1, max_length=MOST_STEPS)]
    description: Annotated[str, Meta(max_length=5000)] = ""
    inputs: dict[str, Any] = {}
    output: Any = None
    timeout_seconds: Annotated[float, Meta(gt=0, le=31_622_400)] | None = None


def check(value: Any) -> list[Fault]:
    """Everything that is wrong with a definition, by JSON pointers into it; an empty list when it will do."""
    reading = expressions.Reading()
    try:
        definition = fit(without_own_keys(value), Definition)
    except Invalid as error:
        faults = list(error.faults)
        steps = value.get("steps") if isinstance(value, dict) else None
        known = [step for step in steps if isinstance(step, dict)] if isinstance(steps, list) else []
        return [*faults, *_faults_of_steps(known, reading)] if isinstance(steps, list) and known == steps else faults
    return [
        *_faults_of_inputs(definition.inputs),
        *_faults_of_steps(definition.steps, reading),
        *_faults_of_template(definition.output, "/output", reading),
        *_faults_of_references(definition.output, "/output", set(_ids(definition.steps)), reading),
    ]


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a definition, for editors: with the config of each type of step."""
    (definition, step), parts = msgspec.json.schema_components([Definition, Step], ref_template="#/$defs/{name}")
    configs, config_parts = msgspec.json.schema_components(
        [kind.config for kind in step_types().values()], ref_template="#/$defs/{name}"
    )
    parts = {**parts, **config_parts}
    parts["Definition"]["properties"]["steps"]["items"] = {
        **step,
        "allOf": [
            {"if": {"properties": {"type": {"const": name}}}, "then": {"properties": {"config": config}}}
            for name, config in zip(step_types(), configs, strict=True)
        ],
    }
    parts["Step"]["properties"]["type"] = {"enum": list(step_types())}
    for config in configs:
        _allow_expressions(parts[config["$ref"].rpartition("/")[2]])
    for name in ("Definition", "Step"):
        parts[name]["patternProperties"] = {f"^{OWN_KEY}": {}}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "releaseapp workflow",
        **definition,
        "$defs": parts,
    }


def _allow_expressions(config: dict[str, Any]) -> None:
    for name, schema in config["properties"].items():
        if schema.get("type", "string") != "string" or "anyOf" in schema or "enum" in schema:
            about = {key: schema.pop(key) for key in ("description", "default") if key in schema}
            written = {"type": "string", "pattern": r"\{\{"}
            config["properties"][name] = {"anyOf": [schema, written], **about}


def without_own_keys(value: Any) -> Any:
    """A definition or a step without the writer's own keys; anything else as it is."""
    if not isinstance(value, dict):
        return value
    return {key: item for key, item in value.items() if not (isinstance(key, str) and key.startswith(OWN_KEY))}


def _ids(steps: list[dict[str, Any]]) -> Iterator[str]:
    return (step["id"] for step in steps if isinstance(step.get("id"), str))


def parts_of(value: object) -> Iterator[object]:
    """Every text, object and list in ``value``, itself too; without recursion, however deep it is nested."""
    layer = [value]
    while layer:
        yield from (one for one in layer if isinstance(one, (str, dict, list)))
        layer = [child for one in layer for child in _children(one)]


def _children(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _faults_of_inputs(schema: dict[str, Any]) -> Iterator[Fault]:
    if not schema:
        return
    # Each object and list of a schema costs its check some 0.4 ms.
    if sum(not isinstance(part, str) for part in parts_of(schema)) > MOST_PARTS_OF_INPUTS:
        yield Fault("/inputs", f"inputs has more than {MOST_PARTS_OF_INPUTS:,} parts; describe fewer of them.")
        return
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        path = "".join(f"/{part}" for part in error.absolute_path)
        yield Fault(f"/inputs{path}", f"inputs is not a JSON Schema: {error.message}.")
    except RecursionError:
        yield Fault("/inputs", "inputs is nested too deep, or has a pattern that is.")


def _faults_of_steps(steps: list[dict[str, Any]], reading: expressions.Reading) -> Iterator[Fault]:
    seen: set[str] = set()
    for number, value in enumerate(steps):
        here = f"/steps/{number}"
        yield from _faults_of_step(value, here, reading)
        step_id = value.get("id")
        if isinstance(step_id, str):
            if step_id in seen:
                yield Fault(f"{here}/id", f"There are two steps with the id {step_id!r}.")
            seen.add(step_id)
    yield from _faults_of_order(steps, seen)
    for number, value in enumerate(steps):
        for field in ("config", "when", "for_each"):
            yield from _faults_of_references(value.get(field), f"/steps/{number}/{field}", seen, reading)


def _faults_of_step(value: dict[str, Any], here: str, reading: expressions.Reading) -> Iterator[Fault]:
    try:
        fit(without_own_keys(value), Step)
    except Invalid as error:
        yield from (Fault(here + fault.pointer, fault.detail) for fault in error.faults)
    kind = value.get("type")
    if isinstance(kind, str):
        if kind not in step_types():
            yield Fault(f"{here}/type", f"There is no step type {kind!r}; there are {', '.join(step_types())}.")
        elif isinstance(value.get("config", {}), dict):
            yield from _faults_of_config(value.get("config", {}), step_types()[kind].config, f"{here}/config")
    for name in ("config", "when", "for_each"):
        yield from _faults_of_template(value.get(name), f"{here}/{name}", reading)


def _faults_of_config(config: dict[str, Any], schema: type[msgspec.Struct], here: str) -> Iterator[Fault]:
    # An expression may stand where a number or a choice will stand once it is evaluated.
    written = {name: value for name, value in config.items() if not (isinstance(value, str) and "{{" in value)}
    open_fields = set(config) - set(written)
    try:
        fit(written, schema)
    except Invalid as error:
        for fault in error.faults:
            if fault.pointer.lstrip("/") not in open_fields:
                yield Fault(here + fault.pointer, fault.detail)
    known = {field.encode_name for field in msgspec.structs.fields(schema)}
    for name in open_fields - known:
        yield Fault(f"{here}/{name}", f"There is no field {name!r} here.")


def _faults_of_template(template: Any, here: str, reading: expressions.Reading) -> Iterator[Fault]:
    yield from (Fault(here + fault.pointer, fault.detail) for fault in expressions.check(template, reading))


def _faults_of_references(template: Any, here: str, known: set[Any], reading: expressions.Reading) -> Iterator[Fault]:
    for name in sorted(steps_read_by(template, reading) - known):
        yield Fault(here, f"There is no step {name!r} to read from.")


def steps_read_by(template: Any, reading: expressions.Reading | None = None) -> set[str]:
    """The ids of the steps that a template reads, also beside expressions that have faults."""
    paths = expressions.references(template, reading)
    return {path[1] for path in paths if path[0] == "steps" and len(path) > 1}


def _faults_of_order(steps: list[dict[str, Any]], known: set[str]) -> Iterator[Fault]:
    graph: dict[str, list[str]] = {}
    for number, step in enumerate(steps):
        needs = step.get("needs")
        for place, name in enumerate(needs if isinstance(needs, list) else ()):
            if isinstance(name, str) and name not in known:
                yield Fault(f"/steps/{number}/needs/{place}", f"There is no step {name!r} to need.")
        if isinstance(step.get("id"), str):
            graph[step["id"]] = needs_of(steps, number)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        yield Fault("/steps", f"These steps wait for each other: {' → '.join(reversed(error.args[1]))}.")


def needs_of(steps: list[dict[str, Any]], number: int) -> list[str]:
    """The ids of the steps that a step waits for: its ``needs``, or the one before it."""
    needs = steps[number].get("needs")
    if isinstance(needs, list):
        return [name for name in needs if isinstance(name, str)]
    before = steps[number - 1].get("id") if number else None
    return [before] if isinstance(before, str) else []
