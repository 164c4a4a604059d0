"""``workflow.run``: runs another workflow."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from releaseapp.steps.api import Context, Preset, StartRun, StepType
from releaseapp.steps.fields import Reference


class WorkflowRun(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Runs another workflow, and waits for its output."""

    workflow: Annotated[Reference, Meta(description="The workflow's name or id.", extra={"box": "workflow"})]
    inputs: Annotated[dict[str, Any], Meta(description="The other workflow's inputs.")] = {}


def run(config: WorkflowRun, _context: Context) -> StartRun:
    """Asks for the run; this one goes on when it has ended."""
    return StartRun(config.workflow, config.inputs)


TYPE = StepType(
    title="Run a workflow",
    icon="flow",
    config=WorkflowRun,
    run=run,
    presets=(Preset("Run another workflow", {"workflow": "", "inputs": {}}),),
    has_effects=True,
)
