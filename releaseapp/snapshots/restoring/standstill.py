"""What was under way when the snapshot was taken does not begin anew: it has failed, with a sentence that says why."""

from collections.abc import Collection

import msgspec

from releaseapp.db.api import Row, Transaction
from releaseapp.events.models import EventType
from releaseapp.events.service import append
from releaseapp.snapshots.restoring import queries


class Marked(msgspec.Struct, frozen=True):
    """How many were marked."""

    runs: int
    tasks: int
    approvals: int


def stand_still(tx: Transaction, tables: Collection[str], made_at: str, now: str) -> Marked:
    """Ends every run, task and approval that is not over, each with its event; an older schema lacks some tables."""
    tasks = _end_tasks(tx, made_at, now)
    runs = _end_runs(tx, made_at, now) if "runs" in tables else 0
    if "approvals" not in tables:
        return Marked(runs, tasks, 0)
    approvals = queries.list_approvals_under_way(tx)
    if "approval_waits" in tables:
        queries.delete_approval_waits(tx)
    queries.withdraw_approvals(tx, now)
    for approval in approvals:
        _tell_of_approval(tx, approval)
    return Marked(runs, tasks, len(approvals))


def _end_runs(tx: Transaction, made_at: str, now: str) -> int:
    runs = queries.list_runs_under_way(tx)
    error = (
        f"It was under way when the snapshot of {made_at} was taken, which was put back at {now}. What it did after the"
        " snapshot may have been done. Look at what it does outside, then retry it from here."
    )
    queries.end_steps(tx, now, error)
    queries.end_runs(tx, now, error)
    for run in runs:
        _tell_of_run(tx, run, error)
    return len(runs)


def _end_tasks(tx: Transaction, made_at: str, now: str) -> int:
    tasks = queries.list_tasks_under_way(tx)
    error = (
        f"It was under way when the snapshot of {made_at} was taken, which was put back at {now}. Give it to the agent"
        " again if it is still to be done."
    )
    queries.end_tasks(tx, now, error)
    for task in tasks:
        data = {"agent_id": task["agent_id"], "title": task["title"], "status": "failed", "attempts": task["attempts"]}
        told = {**data, "error": error}
        append(tx, EventType.TASK_FAILED, task["id"], workspace_id=task["workspace_id"], data=told)
    return len(tasks)


def _tell_of_run(tx: Transaction, run: Row, error: str) -> None:
    data = {
        "workflow_id": run["workflow_id"],
        "workflow_name": run["workflow_name"],
        "status": "failed",
        "error": error,
    }
    append(tx, EventType.RUN_FAILED, run["id"], workspace_id=run["workspace_id"], data=data)


def _tell_of_approval(tx: Transaction, approval: Row) -> None:
    names = ("run_id", "workflow_id", "workflow_name", "step_id", "item", "title")
    data = {**{name: approval[name] for name in names}, "status": "withdrawn"}
    append(tx, EventType.APPROVAL_WITHDRAWN, approval["id"], workspace_id=approval["workspace_id"], data=data)
