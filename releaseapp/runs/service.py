"""What people can do with runs: start them, cancel them, retry them, look at them."""

from collections.abc import Iterable
from typing import Any

import msgspec

from releaseapp import clock
from releaseapp.db.api import Reader, Transaction
from releaseapp.errors import Conflict, Fault, Invalid, NotFound
from releaseapp.runs import queries
from releaseapp.runs.machine import ending
from releaseapp.runs.machine import queries as machine
from releaseapp.runs.machine.blueprint import Source, blueprint_of
from releaseapp.runs.machine.kit import ANY, Runs
from releaseapp.runs.machine.state import Attempt, Pins
from releaseapp.runs.models import WHOLE, LogLine, Run, RunStatus, StepRun, StepStatus, TriggerType
from releaseapp.runs.queries import Filter
from releaseapp.runs.starting import Origin, check_inputs, create_run, published, source_of
from releaseapp.workflows.definition import OnError
from releaseapp.workflows.models import Workflow
from releaseapp.workflows.service import find_workflow, get_version

__all__ = ["Filter", "Runs"]

MOST_RETRIED = 500


class Start(msgspec.Struct, frozen=True):
    """How a run begins: its inputs, who starts it and how; ``version`` None is the published one.

    ``pins`` (outputs by step id), ``effects`` and ``only_step`` are for test runs alone.
    """

    inputs: dict[str, Any] = {}
    trigger_type: TriggerType = TriggerType.API
    by: str | None = None
    email: str | None = None
    version: int | None = None
    pins: dict[str, Any] = {}
    effects: bool = True
    only_step: str | None = None


class Retry(msgspec.Struct, frozen=True):
    """What is done again: from the step that failed, from ``from_step``, or the ``whole``; ``current``: published."""

    from_step: str | None = None
    whole: bool = False
    current: bool = False


class AtWork(msgspec.Struct, frozen=True):
    """Runs of the whole server."""

    queued: int
    running: int


def start_run(runs: Runs, workspace_id: str, workflow_id: str, start: Start) -> Run:
    """Puts a run into the queue and wakes a worker.

    Raises NotFound, Conflict for a workflow that cannot be run, Invalid with every fault of the inputs or the pins.
    """
    workflow = _get_workflow(runs, workspace_id, workflow_id)
    source = _source(workflow, start)
    inputs = check_inputs(source.definition, start.inputs)
    pins = Pins(start.pins, start.effects, start.only_step)
    is_test = start.trigger_type is TriggerType.TEST
    _check_pins(source, pins, is_test=is_test)
    trigger = {"type": start.trigger_type.value, "by": start.email, "account": start.by}
    with runs.db.transaction() as tx:
        run = create_run(tx, source, inputs, Origin(trigger, start.by, pins, is_test))
        tx.after_commit(lambda: runs.wake(ANY))
    return run


def cancel_run(runs: Runs, run: Run, actor: str | None) -> Run:
    """Ends a run that is not over, with all that it waits for; raises Conflict when it is over, NotFound when gone."""
    with runs.db.transaction() as tx:
        present = _get_run(tx, run)
        if present.is_over:
            raise Conflict(f"The run has {_ended(present)} already.")
        ending.cancel(tx, runs, present, actor)
        return _get_run(tx, run)


def retry_run(runs: Runs, run: Run, retry: Retry, actor: str | None, email: str | None = None) -> Run:
    """Starts a run that does again what is to be done again of one that is over, and takes the rest from it.

    Raises Conflict when it is not over or has nothing to continue, Invalid for a step that there is not.
    """
    with runs.db.transaction() as tx:
        present = _get_run(tx, run)
        if not present.is_over:
            raise Conflict("The run is not over yet; cancel it first.")
        source = _source_of_retry(tx, runs, present, retry)
        reused = [] if retry.whole else _reused(tx, present, source, retry.from_step)
        trigger = {**present.trigger, "type": TriggerType.RETRY.value, "by": email, "account": actor}
        origin = Origin(
            trigger,
            by=actor,
            pins=machine.find_pins(tx, present.id),
            is_test=present.is_test,
            attempt=queries.last_attempt(tx, present.first_run) + 1,
            first_run=present.first_run,
            retry_of=present.id,
        )
        inputs = check_inputs(source.definition, present.inputs)
        again = create_run(tx, source, inputs, origin)
        for attempt in reused:
            machine.save_attempt(tx, again.id, attempt)
        tx.after_commit(lambda: runs.wake(ANY))
    return again


def retry_failed(
    runs: Runs, workspace_id: str, wanted: Filter, actor: str | None, email: str | None = None
) -> list[Run]:
    """Retries the runs that failed among those wanted, the oldest first, from where each failed; at most 500.

    Runs that were retried already are left alone, and those that a step of another run started: it starts them anew.
    """
    found = queries.list_failed(runs.db, workspace_id, wanted, MOST_RETRIED)
    return [retry_run(runs, run, Retry(), actor, email) for run in found]


def find_run(db: Reader, workspace_id: str, run_id: str) -> Run | None:
    """One run of a workspace, or None."""
    return queries.find_run(db, workspace_id, run_id)


def list_runs(db: Reader, workspace_id: str, wanted: Filter, before: str, limit: int) -> list[Run]:
    """Runs of a workspace, newest first, without inputs and outputs."""
    return queries.list_runs(db, workspace_id, wanted, before, limit)


def count_runs(db: Reader, workspace_id: str, wanted: Filter, most: int) -> int:
    """How many runs there are, counted up to ``most``."""
    return queries.count_runs(db, workspace_id, wanted, most)


def count_at_work(db: Reader) -> AtWork:
    """How many runs of the whole server wait for their turn, and how many a worker has."""
    return AtWork(*queries.count_at_work(db))


def list_attempts(db: Reader, first_run: str) -> list[Run]:
    """A run and its retries, in order."""
    return queries.list_attempts(db, first_run)


def list_children(db: Reader, run_id: str, limit: int) -> list[Run]:
    """The runs that steps of a run started."""
    return queries.list_children(db, run_id, limit)


def definition_of(db: Reader, run_id: str) -> dict[str, Any]:
    """The definition that a run was started with."""
    return queries.find_definition(db, run_id)


def list_steps(db: Reader, run_id: str) -> list[StepRun]:
    """Every attempt at every step, without inputs and outputs."""
    return queries.list_steps(db, run_id)


def list_attempts_of_step(db: Reader, run_id: str, step_id: str, item: int) -> list[StepRun]:
    """Every attempt at one step, or at one item of it, with inputs and outputs."""
    return queries.list_attempts_of_step(db, run_id, step_id, item)


def list_log(db: Reader, run_id: str, after: int, limit: int) -> list[LogLine]:
    """The lines of a run's log behind ``after``."""
    return queries.list_log(db, run_id, after, limit)


def list_log_of_step(db: Reader, run_id: str, step_id: str, item: int, after: int, limit: int) -> list[LogLine]:
    """The lines of the log of one step, or of one item of it, behind ``after``."""
    return queries.list_log_of_step(db, run_id, step_id, item, after, limit)


def _get_workflow(runs: Runs, workspace_id: str, workflow_id: str) -> Workflow:
    workflow = find_workflow(runs.store, workspace_id, workflow_id)
    if workflow is None:
        raise NotFound("There is no such workflow.")
    return workflow


def _get_run(db: Reader, run: Run) -> Run:
    present = queries.find_run(db, run.workspace_id, run.id)
    if present is None:
        raise NotFound("There is no such run.")
    return present


def _source(workflow: Workflow, start: Start) -> Source:
    if start.trigger_type is TriggerType.TEST and start.version is not None:
        if workflow.deleted_at is not None:
            raise Conflict("This workflow is in the bin; restore it first.")
        return source_of(workflow, get_version(workflow, start.version))
    version = published(workflow)
    if start.version not in {None, version.number}:
        raise Conflict(f"Version {start.version} is not the published one; try it with a test run, or publish it.")
    return source_of(workflow, version)


def _check_pins(source: Source, pins: Pins, *, is_test: bool) -> None:
    if pins != Pins() and not is_test:
        raise Invalid.at("/pins", "Outputs are pinned, effects left off and single steps run in test runs only.")
    known = {step["id"] for step in msgspec.json.decode(source.definition)["steps"]}
    faults = [Fault(f"/pins/{name}", f"There is no step {name!r}.") for name in pins.outputs if name not in known]
    if pins.only is not None and pins.only not in known:
        faults.append(Fault("/only_step", f"There is no step {pins.only!r}."))
    if faults:
        raise Invalid(faults)


def _source_of_retry(tx: Transaction, runs: Runs, run: Run, retry: Retry) -> Source:
    if retry.current:
        workflow = _get_workflow(runs, run.workspace_id, run.workflow_id)
        return source_of(workflow, published(workflow))
    definition = msgspec.json.encode(queries.find_definition(tx, run.id)).decode()
    return Source(run.workspace_id, run.workflow_id, run.workflow_name, run.version, definition)


def _reused(tx: Transaction, run: Run, source: Source, from_step: str | None) -> list[Attempt]:
    """What the earlier run did that need not be done again, as attempts of the new one."""
    steps = {step["id"]: step for step in msgspec.json.decode(source.definition)["steps"]}
    if from_step is not None and from_step not in steps:
        raise Invalid.at("/from_step", f"There is no step {from_step!r} to begin with.")
    done = {
        attempt.step_id: attempt
        for attempt in machine.list_attempts(tx, run.id)
        if attempt.item == WHOLE and attempt.step_id in steps and _is_done(attempt, steps[attempt.step_id])
    }
    first = {name for name in steps if name not in done}
    again = _with_followers(source.definition, {*first, from_step} if from_step else first)
    now = clock.now_text()
    return [
        msgspec.structs.replace(attempt, number=1, reused=True, log_lines=0, takeovers=0, finished_at=now, told=[])
        for step_id, attempt in done.items()
        if step_id not in again
    ]


def _is_done(attempt: Attempt, step: dict[str, Any]) -> bool:
    """Whether an attempt need not be made again: it was at a step of the same type, and the run went on after it."""
    went_on = attempt.status is StepStatus.FAILED and step.get("on_error") == OnError.CONTINUE
    return step["type"] == attempt.type and (went_on or attempt.status in {StepStatus.SUCCEEDED, StepStatus.SKIPPED})


def _with_followers(definition: str, step_ids: Iterable[str]) -> set[str]:
    """Steps, and all that come after them."""

    steps = blueprint_of(definition).steps
    found: set[str] = set()
    waiting = list(step_ids)
    while waiting:
        step_id = waiting.pop()
        if step_id not in found:
            found.add(step_id)
            waiting.extend(steps[step_id].before)
    return found


def _ended(run: Run) -> str:
    return "been cancelled" if run.status is RunStatus.CANCELLED else run.status.value
