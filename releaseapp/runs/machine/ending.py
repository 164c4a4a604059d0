"""What happens to others when a run ends or is cancelled: what it waited for, who waits for it, who may go on."""

from releaseapp import clock
from releaseapp.agents.tasks import service as tasks
from releaseapp.db.api import Transaction
from releaseapp.events.models import EventType
from releaseapp.events.service import append
from releaseapp.runs import queries as runs
from releaseapp.runs.approvals import service as approvals
from releaseapp.runs.machine import queries
from releaseapp.runs.machine.kit import Runs
from releaseapp.runs.machine.turns import let_one_go, nudge
from releaseapp.runs.models import Run, RunStatus

_TASK, _RUN = "tsk_", "run_"


def cancel(tx: Transaction, kit: Runs, run: Run, actor: str | None) -> None:
    """Cancels a run that is not over, and what it waits for: tasks, runs, approvals.

    Its worker, if it has one, loses the lease in the same moment, and can write no more.
    """
    waits = queries.list_waits(tx, run.id)
    now = clock.now_text()
    queries.cancel_steps(tx, run.id, now)
    outcome = {
        "status": RunStatus.CANCELLED.value,
        "output": None,
        "error": None,
        "failed_step": None,
        "finished_at": now,
        "steps_done": run.steps_done,
        "log_lines": run.log_lines,
    }
    queries.end_run(tx, run.id, outcome)
    data = {"workflow_id": run.workflow_id, "workflow_name": run.workflow_name, "status": RunStatus.CANCELLED}
    append(tx, EventType.RUN_CANCELLED, run.id, workspace_id=run.workspace_id, actor=actor, data=data)
    for waits_for in waits:
        undo(tx, kit, run.id, waits_for)
    tell_parent(tx, kit, run.parent)
    let_one_go(tx, kit, run.workspace_id, run.workflow_id)
    # Whoever drives it is told at once, where that is the process that is woken.
    tx.after_commit(lambda: kit.wake(run.id))


def undo(tx: Transaction, kit: Runs, run_id: str, waits_for: str) -> None:
    """Nobody waits for it any more: a task or a run is cancelled, if it is not over."""
    if waits_for.startswith(_TASK):
        task = tasks.find_task_anywhere(tx, waits_for)
        if task is not None and not task.is_over:
            tasks.cancel_task(kit.db, task.agent_id, task.id, actor=None)
    elif waits_for.startswith(_RUN):
        child = runs.find_run_anywhere(tx, waits_for)
        if child is not None and not child.is_over:
            cancel(tx, kit, child, None)
    else:
        approvals.withdraw_approvals(tx, run_id, waits_for)


def tell_parent(tx: Transaction, kit: Runs, parent: str | None) -> None:
    """A run is over that another one may wait for."""
    if parent is not None and nudge(tx, parent):
        tx.after_commit(lambda: kit.wake(parent))
