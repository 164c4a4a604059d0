"""What steps ask the run for, done in the transaction that records them; and whether what they wait for has come."""

from typing import Any

import msgspec

from releaseapp.agents.service import find_agent_named
from releaseapp.agents.tasks import service as tasks
from releaseapp.agents.tasks.models import TaskStatus
from releaseapp.db.api import Reader, Transaction
from releaseapp.errors import AppError, Conflict, Invalid, NotFound
from releaseapp.runs import queries as runs
from releaseapp.runs.approvals import service as approvals
from releaseapp.runs.machine.kit import ANY, Kit
from releaseapp.runs.machine.state import Attempt, ChildRun, Claimed
from releaseapp.runs.models import RunStatus
from releaseapp.runs.queues import service as queues
from releaseapp.runs.starting import Origin, check_inputs, create_run, published, source_of
from releaseapp.steps.api import Ask, Done, GiveTask, Publish, StartRun, StepFailed
from releaseapp.workflows.models import Workflow
from releaseapp.workflows.service import find_workflow, list_workflows

DEEPEST = 10
_TASK, _RUN, _APPROVAL = "tsk_", "run_", "apr_"


class Wait(msgspec.Struct, frozen=True):
    """What a step waits for from now on, and when to look at the latest."""

    waits_for: str
    wake_at: str | None = None


class Come(msgspec.Struct, frozen=True):
    """What a step waited for has come: its output, or the sentence why it failed."""

    output: Any = None
    error: str | None = None


def perform(tx: Transaction, kit: Kit, run: Claimed, attempt: Attempt) -> Wait | Done:
    """Does what an attempt asks for; raises StepFailed before anything is written."""
    request = attempt.request
    if isinstance(request, Publish):
        message_id = queues.publish(tx, run.workspace_id, request.queue, request.message, run.id)
        return Done({"id": message_id})
    if isinstance(request, Ask):
        asked = runs.find_run_anywhere(tx, run.id)
        assert asked is not None
        approval = approvals.open_approval(tx, asked, attempt.step_id, attempt.item, request)
        return Wait(approval.id, approval.deadline_at)
    if isinstance(request, GiveTask):
        return Wait(_give_task(tx, kit, run, request))
    assert isinstance(request, ChildRun)
    return Wait(_start_run(tx, kit, run, attempt, request))


def prepare(kit: Kit, run: Claimed, request: StartRun) -> ChildRun:
    """Finds the workflow and checks the inputs, which may take a while and must not hold up others who write.

    Raises StepFailed.
    """
    if run.depth + 1 > DEEPEST:
        raise StepFailed(f"Runs start runs {DEEPEST} deep at most; this one would go deeper.", retryable=False)
    workflow = _find_workflow(kit, run.workspace_id, request.workflow)
    try:
        source = source_of(workflow, published(workflow))
        return ChildRun(source, check_inputs(source.definition, request.inputs))
    except AppError as error:
        raise StepFailed(str(error), retryable=False) from error


def come(db: Reader, waits_for: str) -> Come | None:
    """What has come of what a step waits for; None while it has not."""
    if waits_for.startswith(_TASK):
        return _come_of_task(db, waits_for)
    if waits_for.startswith(_RUN):
        return _come_of_run(db, waits_for)
    outcome = approvals.outcome_of(db, waits_for)
    return None if outcome is None else Come(outcome.output)


def _give_task(tx: Transaction, kit: Kit, run: Claimed, request: GiveTask) -> str:
    state = find_agent_named(tx, run.workspace_id, request.agent)
    if state is None:
        raise StepFailed(f"There is no agent {request.agent!r} in this workspace.", retryable=False)
    try:
        task = tasks.give_task_in(tx, kit.wake_task, state.agent, request.title, request.input)
    except (Conflict, Invalid, NotFound) as error:
        raise StepFailed(str(error)) from error
    return task.id


def _start_run(tx: Transaction, kit: Kit, run: Claimed, attempt: Attempt, child: ChildRun) -> str:
    trigger = {"type": "workflow", "by": run.trigger.get("by"), "run": run.id, "step": attempt.key}
    origin = Origin(trigger, parent=run.id, parent_step=attempt.key, depth=run.depth + 1)
    started = create_run(tx, child.source, child.inputs, origin)
    tx.after_commit(lambda: kit.wake(ANY))
    return started.id


def _find_workflow(kit: Kit, workspace_id: str, name_or_id: str) -> Workflow:
    found = find_workflow(kit.store, workspace_id, name_or_id)
    if found is not None and found.deleted_at is None:
        return found
    name = name_or_id.strip().casefold()
    for workflow in list_workflows(kit.store, workspace_id):
        if workflow.shown.name.casefold() == name:
            return workflow
    raise StepFailed(f"There is no workflow {name_or_id!r} in this workspace.", retryable=False)


def _come_of_task(db: Reader, task_id: str) -> Come | None:
    task = tasks.find_task_anywhere(db, task_id)
    if task is None:
        return Come(error="The agent was deleted, and its task with it.")
    if not task.is_over:
        return None
    if task.status is TaskStatus.COMPLETED:
        return Come(task.output)
    return Come(error=f"The agent's task {task.status}: {task.error or 'no reason was given'}")


def _come_of_run(db: Reader, run_id: str) -> Come | None:
    run = runs.find_run_anywhere(db, run_id)
    if run is None:
        return Come(error=f"The run {run_id} is not kept any more.")
    if not run.is_over:
        return None
    if run.status is RunStatus.SUCCEEDED:
        return Come(run.output)
    why = f": {run.error}" if run.error else "."
    return Come(error=f"The run {run_id} of {run.workflow_name} {run.status}{why}")
