"""A definition, ready to be run: its steps with their types, and who waits for whom. Shared by all runs of it."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec

from releaseapp.steps import step_types
from releaseapp.steps.api import StepType
from releaseapp.workflows.definition import Retry, Step, needs_of, without_own_keys

_KEPT = 64
_NO_RETRY = Retry()


class Source(msgspec.Struct, frozen=True):
    """What is run: a version of a workflow, with its definition as JSON text."""

    workspace_id: str
    workflow_id: str
    name: str
    version: int
    definition: str


class PlannedStep(msgspec.Struct, frozen=True):
    """One step: as it is written, its type (None for one that this server does not know), and its neighbours by id."""

    written: Step
    type: StepType | None
    needs: tuple[str, ...]
    before: tuple[str, ...]

    @property
    def id(self) -> str:
        """The step's id."""
        return self.written.id

    @property
    def retry(self) -> Retry:
        """How often it is tried."""
        return self.written.retry or _NO_RETRY


class Blueprint(msgspec.Struct, frozen=True):
    """What a run does. ``before`` of a step are the ids of those that need it."""

    name: str
    steps: Mapping[str, PlannedStep]
    output: Any
    timeout_seconds: float | None


@lru_cache(maxsize=_KEPT)
def blueprint_of(definition: str) -> Blueprint:
    """The blueprint of a definition as JSON text, which was checked when it was saved."""
    data = msgspec.json.decode(definition, type=dict[str, Any])
    raw: list[dict[str, Any]] = data["steps"]
    needs = {step["id"]: tuple(dict.fromkeys(needs_of(raw, number))) for number, step in enumerate(raw)}
    before: dict[str, list[str]] = {step_id: [] for step_id in needs}
    for step_id, needed in needs.items():
        for one in needed:
            before[one].append(step_id)
    types = step_types()
    written = [msgspec.convert(without_own_keys(step), Step) for step in raw]
    return Blueprint(
        name=data["name"],
        steps={
            step.id: PlannedStep(step, types.get(step.type), needs[step.id], tuple(before[step.id])) for step in written
        },
        output=data.get("output"),
        timeout_seconds=data.get("timeout_seconds"),
    )
