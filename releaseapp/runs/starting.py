"""Makes runs: of a published version, of a draft that is tried, of a step of another run, of a run that is retried."""

import hashlib
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import msgspec
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from referencing.exceptions import Unresolvable

from releaseapp import clock
from releaseapp.db.api import Transaction
from releaseapp.errors import Conflict, Fault, Invalid, pointer_part
from releaseapp.events.models import EventType
from releaseapp.events.service import append
from releaseapp.json_schema import validator_of
from releaseapp.runs import queries
from releaseapp.runs.machine import queries as machine
from releaseapp.runs.machine.blueprint import Source, blueprint_of
from releaseapp.runs.machine.state import NO_PINS, Pins
from releaseapp.runs.models import Run, RunStatus
from releaseapp.workflows.models import Version, Workflow, WorkflowStatus

LARGEST_INPUTS_BYTES = 262_144
_KEPT_SCHEMAS = 64
_MOST_FAULTS = 20


class Origin(msgspec.Struct, frozen=True):
    """Where a run comes from: its trigger, what it continues, and which run waits for it."""

    trigger: dict[str, Any]
    by: str | None = None
    pins: Pins = NO_PINS
    is_test: bool = False
    attempt: int = 1
    first_run: str | None = None
    retry_of: str | None = None
    parent: str | None = None
    parent_step: str | None = None
    depth: int = 0


def source_of(workflow: Workflow, version: Version) -> Source:
    """One version of a workflow, to be run."""
    return Source(workflow.workspace_id, workflow.id, version.name, version.number, bytes(version.definition).decode())


def published(workflow: Workflow) -> Version:
    """The version that runs when none is named; raises Conflict when there is none, or the workflow is put away."""
    if workflow.deleted_at is not None:
        raise Conflict("This workflow is in the bin; restore it first.")
    if workflow.status is WorkflowStatus.PAUSED:
        raise Conflict(f"{workflow.shown.name} is paused; resume it first.")
    version = workflow.version(workflow.published_version) if workflow.published_version is not None else None
    if version is None:
        raise Conflict(f"{workflow.shown.name} has no published version; publish one, or try the draft.")
    return version


def create_run(tx: Transaction, source: Source, inputs: dict[str, Any], origin: Origin) -> Run:
    """Adds a run to the queue, with its event; inputs have their defaults by now."""
    now = clock.now()
    run_id = clock.new_id("run", now)
    digest = hashlib.sha256(source.definition.encode()).hexdigest()
    run = Run(
        id=run_id,
        workspace_id=source.workspace_id,
        workflow_id=source.workflow_id,
        workflow_name=source.name,
        version=source.version,
        status=RunStatus.QUEUED,
        trigger=origin.trigger,
        inputs=inputs,
        output=None,
        error=None,
        failed_step=None,
        attempt=origin.attempt,
        first_run=origin.first_run or run_id,
        retry_of=origin.retry_of,
        parent=origin.parent,
        parent_step=origin.parent_step,
        depth=origin.depth,
        is_test=origin.is_test,
        recovered=False,
        steps_total=len(blueprint_of(source.definition).steps),
        steps_done=0,
        log_lines=0,
        created_at=clock.text(now),
        started_at=None,
        finished_at=None,
    )
    queries.insert_definition(tx, digest, source.definition)
    pins = None if origin.pins == NO_PINS else msgspec.json.encode(origin.pins).decode()
    queries.insert_run(tx, run, digest, pins, machine.next_turn(tx, source.workspace_id))
    append(tx, EventType.RUN_QUEUED, run_id, workspace_id=run.workspace_id, actor=origin.by, data=told_of(run))
    return run


def told_of(run: Run) -> dict[str, Any]:
    """What an event tells of a run."""
    return {
        "workflow_id": run.workflow_id,
        "workflow_name": run.workflow_name,
        "version": run.version,
        "status": run.status,
        **({"error": run.error[:300]} if run.error else {}),
        **({"step_id": run.failed_step} if run.failed_step else {}),
    }


def check_inputs(definition: str, inputs: dict[str, Any]) -> dict[str, Any]:
    """The inputs with defaults filled in; raises Invalid with every fault, by pointers that begin with /inputs."""
    if len(msgspec.json.encode(inputs)) > LARGEST_INPUTS_BYTES:
        raise Invalid.at("/inputs", f"inputs must be at most {LARGEST_INPUTS_BYTES:,} bytes of JSON.")
    properties = _schema_of(definition).get("properties", {})
    filled = {
        **{name: one["default"] for name, one in properties.items() if isinstance(one, dict) and "default" in one},
        **inputs,
    }
    try:
        faults = list(_faults(_validator_of(definition), filled))
    except Unresolvable as error:
        sentence = "The schema of the inputs refers to what is not in it; nothing is fetched."
        raise Invalid.at("/inputs", sentence) from error
    except RecursionError as error:
        raise Invalid.at("/inputs", "The schema of the inputs refers to itself without an end.") from error
    if faults:
        raise Invalid(faults)
    return filled


@lru_cache(maxsize=_KEPT_SCHEMAS)
def _schema_of(definition: str) -> dict[str, Any]:
    return msgspec.json.decode(definition).get("inputs") or {}


@lru_cache(maxsize=_KEPT_SCHEMAS)
def _validator_of(definition: str) -> Draft202012Validator:
    return validator_of(_schema_of(definition))


def _faults(validator: Draft202012Validator, inputs: dict[str, Any]) -> Iterator[Fault]:
    for number, error in enumerate(validator.iter_errors(inputs)):
        if number == _MOST_FAULTS:
            return
        yield Fault(_pointer(error), _sentence(error))


def _pointer(error: ValidationError) -> str:
    path = [*error.absolute_path]
    if error.validator == "required":
        required: list[str] = error.schema["required"]  # type: ignore[index]
        path += [name for name in required if error.message.startswith(f"{name!r} is ")]
    return "/inputs" + "".join(f"/{pointer_part(str(part))}" for part in path)


def _sentence(error: ValidationError) -> str:
    name = ".".join(str(part) for part in error.absolute_path) or "inputs"
    text = error.message if len(error.message) <= 300 else f"{error.message[:300]}…"  # noqa: PLR2004 - a sentence's length
    return f"{name}: {text}." if error.absolute_path else f"{text}."
