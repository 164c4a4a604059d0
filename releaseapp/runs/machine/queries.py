"""The statements that move runs: claims, leases, turns in the fair queue, steps, logs, ends."""

from collections.abc import Sequence
from typing import Any

import msgspec

from releaseapp.db.api import Reader, Row, Transaction
from releaseapp.runs.machine.state import NO_PINS, Attempt, Pins
from releaseapp.runs.models import LogLine, RunStatus, StepStatus

# ── the queue ────────────────────────────────────────────────────────────────

_IN_QUEUE = "turn IS NOT NULL AND held_by IS NULL AND lease_owner IS NULL"
_PRESENT = ""
"""The key of the turn that was served last, among those of the workspaces."""


def find_next(db: Reader) -> Row | None:
    """The run whose turn it is: id, workspace_id, workflow_id, status, started_at, turn."""
    return db.first(
        f"""
        SELECT id, workspace_id, workflow_id, status, started_at, turn FROM runs
        WHERE {_IN_QUEUE} ORDER BY turn LIMIT 1
        """
    )


def next_turn(tx: Transaction, workspace_id: str) -> int:
    """The turn of one more run of a workspace: behind those that it has in the queue, and not before the present one.

    Workspaces thus take turns, however many runs one of them has waiting (start-time fair queueing).
    """
    row = tx.first(
        """
        INSERT INTO run_turns (workspace_id, turn)
        VALUES (:workspace_id, COALESCE((SELECT turn FROM run_turns WHERE workspace_id = :present), 0) + 1)
        ON CONFLICT (workspace_id) DO UPDATE SET turn = CASE
            WHEN run_turns.turn + 1 > excluded.turn THEN run_turns.turn + 1 ELSE excluded.turn END
        RETURNING turn
        """,
        workspace_id=workspace_id,
        present=_PRESENT,
    )
    assert row is not None
    return int(row["turn"])


def set_present_turn(tx: Transaction, turn: int) -> None:
    """Notes which turn is served now."""
    tx.run(
        """
        INSERT INTO run_turns (workspace_id, turn) VALUES (:present, :turn)
        ON CONFLICT (workspace_id) DO UPDATE SET turn = excluded.turn WHERE excluded.turn > run_turns.turn
        """,
        present=_PRESENT,
        turn=turn,
    )


def set_turn(tx: Transaction, run_id: str, turn: int) -> int:
    """Puts a run that is not over into the queue, unless it is there; how many that was."""
    return tx.run(
        """
        UPDATE runs SET turn = :turn
        WHERE id = :id AND turn IS NULL AND status IN ('queued', 'running', 'waiting')
        """,
        id=run_id,
        turn=turn,
    )


def find_workspace_of_open(db: Reader, run_id: str) -> str | None:
    """The workspace of a run that is not over."""
    row = db.first(
        "SELECT workspace_id FROM runs WHERE id = :id AND status IN ('queued', 'running', 'waiting')", id=run_id
    )
    return str(row["workspace_id"]) if row else None


def hold(tx: Transaction, run_id: str, held_by: str) -> None:
    """Takes a run aside until what holds it lets it go: a limit's scope."""
    tx.run("UPDATE runs SET held_by = :held_by WHERE id = :id", id=run_id, held_by=held_by)


def let_go(tx: Transaction, held_by: str, limit: int) -> int:
    """Puts runs that were held back into the queue, those with the lowest turns first; how many."""
    return tx.run(
        """
        UPDATE runs SET held_by = NULL WHERE id IN (
            SELECT id FROM runs WHERE held_by = :held_by ORDER BY turn LIMIT :limit
        )
        """,
        held_by=held_by,
        limit=limit,
    )


def list_holders(db: Reader, after: str) -> list[str]:
    """What runs are held by: the next few after a name."""
    rows = db.all(
        """
        WITH RECURSIVE holders (name) AS (
            SELECT MIN(held_by) FROM runs WHERE held_by IS NOT NULL AND held_by > :after
            UNION ALL
            SELECT (SELECT MIN(held_by) FROM runs WHERE held_by IS NOT NULL AND held_by > holders.name)
            FROM holders WHERE holders.name IS NOT NULL
        )
        SELECT name FROM holders WHERE name IS NOT NULL LIMIT 200
        """,
        after=after,
    )
    return [row["name"] for row in rows]


def count_at_work(db: Reader, column: str, scope: str, most: int) -> int:
    """How many runs of a workspace or a workflow (``column``) a worker has, counted up to ``most``."""
    statements = {
        "workspace_id": "SELECT 1 FROM runs WHERE workspace_id = :scope AND status = 'running' LIMIT :most",
        "workflow_id": "SELECT 1 FROM runs WHERE workflow_id = :scope AND status = 'running' LIMIT :most",
    }
    row = db.first(f"SELECT COUNT(*) AS number FROM ({statements[column]}) AS found", scope=scope, most=most)
    return int(row["number"]) if row else 0


# ── claims and leases ────────────────────────────────────────────────────────

_CLAIMED = """
    id, workspace_id, workflow_id, workflow_name, version, trigger_data, inputs, first_run, attempt, parent, depth,
    is_test, pins, started_at, epoch, takeovers, log_lines
"""


def claim_run(tx: Transaction, run_id: str, owner: str, now: str, lease_expires_at: str, *, taken_over: bool) -> Row:
    """Gives a run in the queue to a worker, in the next epoch."""
    row = tx.first(
        f"""
        UPDATE runs SET status = 'running', lease_owner = :owner, lease_expires_at = :lease_expires_at,
               epoch = epoch + 1, turn = NULL, wake_at = NULL, started_at = COALESCE(started_at, :now),
               recovered = CASE WHEN :taken_over = 1 THEN 1 ELSE recovered END,
               takeovers = CASE WHEN :taken_over = 1 THEN takeovers + 1 ELSE 0 END
        WHERE id = :id
        RETURNING {_CLAIMED}
        """,
        id=run_id,
        owner=owner,
        now=now,
        lease_expires_at=lease_expires_at,
        taken_over=int(taken_over),
    )
    assert row is not None
    return row


def find_definition_of_run(db: Reader, run_id: str) -> str:
    """The definition that a run was started with, as JSON text; raises LookupError when it is gone."""
    row = db.first(
        """
        SELECT run_definitions.definition FROM runs JOIN run_definitions ON run_definitions.digest = runs.definition
        WHERE runs.id = :id
        """,
        id=run_id,
    )
    if row is None:
        raise LookupError(run_id)
    return str(row["definition"])


def check_lease(db: Reader, run_id: str, epoch: int) -> Row | None:
    """Whether a run is still a worker's in that epoch, and whether something came for it meanwhile (its turn)."""
    return db.first("SELECT turn, log_lines FROM runs WHERE id = :id AND epoch = :epoch", id=run_id, epoch=epoch)


def clear_turn(tx: Transaction, run_id: str) -> None:
    """What came for a run is being looked at by the worker that has it."""
    tx.run("UPDATE runs SET turn = NULL WHERE id = :id", id=run_id)


def extend_lease(tx: Transaction, run_id: str, epoch: int, lease_expires_at: str) -> int:
    """Keeps a claim alive; 0 when it was lost."""
    return tx.run(
        """
        UPDATE runs SET lease_expires_at = :lease_expires_at
        WHERE id = :id AND epoch = :epoch AND lease_owner IS NOT NULL
        """,
        id=run_id,
        epoch=epoch,
        lease_expires_at=lease_expires_at,
    )


def list_lapsed(db: Reader, now: str, limit: int) -> list[Row]:
    """Runs whose worker was not heard of in time: id, workspace_id."""
    return db.all(
        """
        SELECT id, workspace_id FROM runs WHERE lease_expires_at IS NOT NULL AND lease_expires_at < :now
        ORDER BY lease_expires_at LIMIT :limit
        """,
        now=now,
        limit=limit,
    )


def take_lease_away(tx: Transaction, run_id: str, now: str, turn: int) -> int:
    """Ends a lease that has lapsed: its holder can write no more, and the run is in the queue again."""
    return tx.run(
        """
        UPDATE runs SET lease_owner = NULL, lease_expires_at = NULL, epoch = epoch + 1, turn = :turn
        WHERE id = :id AND lease_expires_at < :now
        """,
        id=run_id,
        now=now,
        turn=turn,
    )


def list_due(db: Reader, now: str, limit: int) -> list[Row]:
    """Waiting runs whose time has come: id, workspace_id."""
    return db.all(
        "SELECT id, workspace_id FROM runs WHERE wake_at IS NOT NULL AND wake_at <= :now ORDER BY wake_at LIMIT :limit",
        now=now,
        limit=limit,
    )


def wake(tx: Transaction, run_id: str, turn: int) -> int:
    """Puts a waiting run whose time has come into the queue."""
    return tx.run(
        """
        UPDATE runs SET wake_at = NULL, turn = COALESCE(turn, :turn)
        WHERE id = :id AND wake_at IS NOT NULL AND status = 'waiting'
        """,
        id=run_id,
        turn=turn,
    )


def list_ended_tasks(db: Reader, limit: int) -> list[Row]:
    """Runs that wait for agents' tasks which are over, or gone: id, workspace_id."""
    return db.all(
        """
        SELECT DISTINCT runs.id, runs.workspace_id FROM run_steps
        JOIN runs ON runs.id = run_steps.run_id
        LEFT JOIN tasks ON tasks.id = run_steps.waits_for
        WHERE run_steps.waits_for >= 'tsk_' AND run_steps.waits_for < 'tsk`' AND runs.turn IS NULL
        AND (tasks.id IS NULL OR tasks.status IN ('completed', 'failed', 'cancelled'))
        LIMIT :limit
        """,
        limit=limit,
    )


# ── what a turn writes ───────────────────────────────────────────────────────


def save_attempt(tx: Transaction, run_id: str, attempt: Attempt) -> None:
    """Writes an attempt at a step, new or changed."""
    tx.run(
        """
        INSERT INTO run_steps (run_id, step_id, item, attempt, type, status, error, waits_for, wake_at, takeovers,
                               log_lines, reused, started_at, finished_at, input, output)
        VALUES (:run_id, :step_id, :item, :attempt, :type, :status, :error, :waits_for, :wake_at, :takeovers,
                :log_lines, :reused, :started_at, :finished_at, :input, :output)
        ON CONFLICT (run_id, step_id, item, attempt) DO UPDATE SET
            status = excluded.status, error = excluded.error, waits_for = excluded.waits_for,
            wake_at = excluded.wake_at, takeovers = excluded.takeovers, log_lines = excluded.log_lines,
            started_at = excluded.started_at, finished_at = excluded.finished_at,
            input = excluded.input, output = excluded.output
        """,
        run_id=run_id,
        step_id=attempt.step_id,
        item=attempt.item,
        attempt=attempt.number,
        type=attempt.type,
        status=attempt.status.value,
        error=attempt.error,
        waits_for=attempt.waits_for,
        wake_at=attempt.wake_at,
        takeovers=attempt.takeovers,
        log_lines=attempt.log_lines,
        reused=int(attempt.reused),
        started_at=attempt.started_at,
        finished_at=attempt.finished_at,
        input=attempt.input,
        output=attempt.output,
    )


def list_attempts(db: Reader, run_id: str) -> list[Attempt]:
    """Every attempt of a run, in the order of step, item and attempt."""
    rows = db.all(
        """
        SELECT step_id, item, attempt, type, status, error, waits_for, wake_at, takeovers, log_lines, reused,
               started_at, finished_at, input, output
        FROM run_steps WHERE run_id = :id ORDER BY step_id, item, attempt
        """,
        id=run_id,
    )
    return [
        Attempt(
            step_id=row["step_id"],
            item=row["item"],
            number=row["attempt"],
            type=row["type"],
            status=StepStatus(row["status"]),
            started_at=row["started_at"],
            input=row["input"],
            output=row["output"],
            error=row["error"],
            waits_for=row["waits_for"],
            wake_at=row["wake_at"],
            takeovers=row["takeovers"],
            log_lines=row["log_lines"],
            reused=bool(row["reused"]),
            finished_at=row["finished_at"],
        )
        for row in rows
    ]


def insert_log_lines(tx: Transaction, run_id: str, lines: Sequence[LogLine]) -> None:
    """Adds lines to a run's log."""
    for line in lines:
        tx.run(
            """
            INSERT INTO run_log_lines (run_id, seq, step_id, item, attempt, at, text)
            VALUES (:run_id, :seq, :step_id, :item, :attempt, :at, :text)
            """,
            run_id=run_id,
            seq=line.seq,
            step_id=line.step_id,
            item=line.item,
            attempt=line.attempt,
            at=line.at,
            text=line.text,
        )


def set_progress(tx: Transaction, run_id: str, steps_done: int, log_lines: int) -> None:
    """Keeps the figures of a run that goes on."""
    tx.run(
        """
        UPDATE runs SET steps_done = :steps_done, log_lines = :log_lines, takeovers = 0
        WHERE id = :id AND (steps_done <> :steps_done OR log_lines <> :log_lines)
        """,
        id=run_id,
        steps_done=steps_done,
        log_lines=log_lines,
    )


def leave_run(tx: Transaction, run_id: str, status: RunStatus, wake_at: str | None) -> None:
    """A worker gives up its lease of a run that is not over; what came for it meanwhile keeps its turn."""
    tx.run(
        """
        UPDATE runs SET status = :status, wake_at = :wake_at, lease_owner = NULL, lease_expires_at = NULL
        WHERE id = :id
        """,
        id=run_id,
        status=status.value,
        wake_at=wake_at,
    )


def end_run(tx: Transaction, run_id: str, outcome: dict[str, Any]) -> None:
    """A run is over: ``outcome`` has status, output, error, failed_step, finished_at, steps_done, log_lines."""
    tx.run(
        """
        UPDATE runs SET status = :status, output = :output, error = :error, failed_step = :failed_step,
               finished_at = :finished_at, steps_done = :steps_done, log_lines = :log_lines,
               epoch = epoch + 1, lease_owner = NULL, lease_expires_at = NULL, turn = NULL, held_by = NULL,
               wake_at = NULL,
               bytes = LENGTH(inputs) + LENGTH(COALESCE(CAST(:output AS TEXT), '')) + COALESCE((
                   SELECT SUM(LENGTH(COALESCE(input, '')) + LENGTH(COALESCE(output, ''))) FROM run_steps
                   WHERE run_id = :id
               ), 0) + COALESCE((SELECT SUM(LENGTH(text)) FROM run_log_lines WHERE run_id = :id), 0)
        WHERE id = :id
        """,
        id=run_id,
        **outcome,
    )


def cancel_steps(tx: Transaction, run_id: str, now: str) -> int:
    """Ends every attempt of a run that is not over."""
    return tx.run(
        """
        UPDATE run_steps SET status = 'cancelled', finished_at = :now, waits_for = NULL, wake_at = NULL
        WHERE run_id = :id AND status IN ('pending', 'running', 'waiting')
        """,
        id=run_id,
        now=now,
    )


def list_waits(db: Reader, run_id: str) -> list[str]:
    """What a run waits for: ids of tasks, runs and approvals."""
    rows = db.all(
        "SELECT waits_for FROM run_steps WHERE run_id = :id AND status = 'waiting' AND waits_for IS NOT NULL",
        id=run_id,
    )
    return [row["waits_for"] for row in rows]


def set_attempt_log_lines(tx: Transaction, run_id: str, attempt: Attempt) -> None:
    """Writes how many lines an attempt has logged, and nothing else of it."""
    tx.run(
        """
        UPDATE run_steps SET log_lines = :log_lines
        WHERE run_id = :run_id AND step_id = :step_id AND item = :item AND attempt = :attempt
        """,
        run_id=run_id,
        step_id=attempt.step_id,
        item=attempt.item,
        attempt=attempt.number,
        log_lines=attempt.log_lines,
    )


def set_late(tx: Transaction, run_id: str, attempt: Attempt, late: str) -> int:
    """Notes what a step brought after nobody waited for it any more."""
    return tx.run(
        """
        UPDATE run_steps SET late = :late
        WHERE run_id = :run_id AND step_id = :step_id AND item = :item AND attempt = :attempt
        """,
        run_id=run_id,
        step_id=attempt.step_id,
        item=attempt.item,
        attempt=attempt.number,
        late=late,
    )


def find_pins(db: Reader, run_id: str) -> Pins:
    """What a test run does otherwise."""
    row = db.first("SELECT pins FROM runs WHERE id = :id", id=run_id)
    return msgspec.json.decode(row["pins"], type=Pins) if row and row["pins"] else NO_PINS
