"""The fair queue: which run a worker takes next, what holds runs back, and how they come back into it.

Workspaces take turns: a run that comes into the queue gets the turn behind
those its workspace has there, but none before the one that is served now. Each
limit that is met takes the run that met it aside; whoever leaves lets one go.
"""

import logging
from collections.abc import Iterator

import msgspec

from releaseapp import clock
from releaseapp.db.api import Database, Row, Transaction
from releaseapp.events.models import EventType
from releaseapp.events.service import append
from releaseapp.runs.limits.queries import find_limit
from releaseapp.runs.machine import queries
from releaseapp.runs.machine.blueprint import Blueprint, blueprint_of
from releaseapp.runs.machine.kit import ANY, Runs
from releaseapp.runs.machine.state import NO_PINS, Claimed, Pins
from releaseapp.runs.models import RunStatus
from releaseapp.workflows.models import WorkflowStatus
from releaseapp.workflows.service import find_workflow

log = logging.getLogger(__name__)

_PAUSED = "paused "
_AT_ONCE = 200


def claim_next(kit: Runs, owner: str) -> Claimed | None:
    """Takes the run whose turn it is, if its limits allow; None when there is none to take."""
    if queries.find_next(kit.db) is None:
        return None
    while True:
        # Others may write between two parts of a long queue of runs that are all held back.
        with kit.db.transaction() as tx:
            for _ in range(_AT_ONCE):
                found = queries.find_next(tx)
                if found is None:
                    return None
                claimed = _claim_or_hold(tx, kit, found, owner)
                if claimed is not None:
                    return claimed


def _claim_or_hold(tx: Transaction, kit: Runs, found: Row, owner: str) -> Claimed | None:
    holder = _holder_of(tx, kit, found)
    if holder is not None:
        queries.hold(tx, found["id"], holder)
        if holder != found["workspace_id"]:
            # It may have been let go for a place of its workspace, which another can have.
            queries.let_go(tx, found["workspace_id"], 1)
        return None
    try:
        blueprint = blueprint_of(queries.find_definition_of_run(tx, found["id"]))
    except (msgspec.MsgspecError, LookupError, TypeError) as error:
        # It would stand at the head of the queue for ever, and nothing behind it would be done.
        _fail_unreadable(tx, found, error)
        return None
    return _claim(tx, kit, found, owner, blueprint)


def let_one_go(tx: Transaction, kit: Runs, workspace_id: str, workflow_id: str) -> None:
    """A run is no longer at work: one that waited for its place, in the workspace or the workflow, may go on."""
    freed = [queries.let_go(tx, holder, 1) for holder in (workflow_id, workspace_id)]
    if any(freed):
        tx.after_commit(lambda: kit.wake(ANY))


def nudge(tx: Transaction, run_id: str) -> bool:
    """What a step of a run waits for has come: a worker is to look at it again; whether the run is not over."""
    workspace_id = queries.find_workspace_of_open(tx, run_id)
    if workspace_id is None:
        return False
    queries.set_turn(tx, run_id, queries.next_turn(tx, workspace_id))
    return True


def sweep(kit: Runs) -> int:
    """Brings back into the queue what its worker left behind, and what nothing holds any more; how many runs."""
    now = clock.now_text()
    found = 0
    for row in queries.list_lapsed(kit.db, now, _AT_ONCE):
        with kit.db.transaction() as tx:
            found += queries.take_lease_away(tx, row["id"], now, queries.next_turn(tx, row["workspace_id"]))
    for holder in _holders(kit.db):
        if holder.startswith(_PAUSED) and _is_paused(kit, *holder.removeprefix(_PAUSED).split("/")):
            continue
        with kit.db.transaction() as tx:
            found += queries.let_go(tx, holder, 10 * _AT_ONCE if holder.startswith(_PAUSED) else 1)
    return found


def wake_due(kit: Runs) -> int:
    """Brings runs into the queue whose time has come, or whose agents' tasks are over; how many."""
    found = 0
    for row in queries.list_due(kit.db, clock.now_text(), _AT_ONCE):
        with kit.db.transaction() as tx:
            found += queries.wake(tx, row["id"], queries.next_turn(tx, row["workspace_id"]))
    for row in queries.list_ended_tasks(kit.db, _AT_ONCE):
        with kit.db.transaction() as tx:
            found += queries.set_turn(tx, row["id"], queries.next_turn(tx, row["workspace_id"]))
    return found


def _holder_of(tx: Transaction, kit: Runs, found: Row) -> str | None:
    """What holds a run back: a limit that is met, or its workflow that is paused; None when nothing does."""
    workspace_id, workflow_id = found["workspace_id"], found["workflow_id"]
    if found["status"] == RunStatus.RUNNING:
        # It has its place already: its worker died.
        return None
    # One that was at work already goes on, also when a stopping worker has given it back.
    if found["started_at"] is None and _is_paused(kit, workspace_id, workflow_id):
        return f"{_PAUSED}{workspace_id}/{workflow_id}"
    limits = (
        ("workflow_id", workflow_id, kit.settings.runs_at_once_per_workflow),
        ("workspace_id", workspace_id, kit.settings.runs_at_once_per_workspace),
    )
    for column, scope, default in limits:
        limit = find_limit(tx, scope)
        limit = default if limit is None else limit
        if limit and queries.count_at_work(tx, column, scope, limit) >= limit:
            return str(scope)
    return None


def _is_paused(kit: Runs, workspace_id: str, workflow_id: str) -> bool:
    workflow = find_workflow(kit.store, workspace_id, workflow_id)
    return workflow is not None and workflow.status is WorkflowStatus.PAUSED


def _holders(db: Database) -> Iterator[str]:
    last = ""
    while names := queries.list_holders(db, last):
        yield from names
        last = names[-1]


def _fail_unreadable(tx: Transaction, found: Row, error: Exception) -> None:
    """A definition that this version cannot read, which a newer one may have written."""
    log.error("the definition of run %s cannot be read: %s", found["id"], error)
    sentence = "This version of the server cannot read the definition of the run; the server's log says more."
    outcome = {
        "status": RunStatus.FAILED.value,
        "output": None,
        "error": sentence,
        "failed_step": None,
        "finished_at": clock.now_text(),
        "steps_done": 0,
        "log_lines": 0,
    }
    queries.end_run(tx, found["id"], outcome)
    data = {"workflow_id": found["workflow_id"], "status": RunStatus.FAILED, "error": sentence}
    append(tx, EventType.RUN_FAILED, found["id"], workspace_id=found["workspace_id"], data=data)


def _claim(tx: Transaction, kit: Runs, found: Row, owner: str, blueprint: Blueprint) -> Claimed:
    taken_over = found["status"] == RunStatus.RUNNING
    now, until = clock.now_text(), clock.later_text(kit.settings.run_lease_seconds)
    row = queries.claim_run(tx, found["id"], owner, now, until, taken_over=taken_over)
    queries.set_present_turn(tx, found["turn"])
    if taken_over:
        event = EventType.RUN_RECOVERED
    elif found["status"] == RunStatus.WAITING:
        event = EventType.RUN_RESUMED
    else:
        event = EventType.RUN_STARTED if row["epoch"] == 1 else EventType.RUN_RESUMED
    told = {"workflow_id": row["workflow_id"], "workflow_name": row["workflow_name"], "status": RunStatus.RUNNING}
    append(tx, event, row["id"], workspace_id=row["workspace_id"], data=told)
    return Claimed(
        id=row["id"],
        workspace_id=row["workspace_id"],
        workflow_id=row["workflow_id"],
        workflow_name=row["workflow_name"],
        version=row["version"],
        trigger=msgspec.json.decode(row["trigger_data"]),
        inputs=msgspec.json.decode(row["inputs"]),
        first_run=row["first_run"],
        attempt=row["attempt"],
        parent=row["parent"],
        depth=row["depth"],
        is_test=bool(row["is_test"]),
        pins=msgspec.json.decode(row["pins"], type=Pins) if row["pins"] else NO_PINS,
        started_at=row["started_at"],
        epoch=row["epoch"],
        takeovers=row["takeovers"],
        log_lines=row["log_lines"],
        taken_over=taken_over,
        blueprint=blueprint,
    )
