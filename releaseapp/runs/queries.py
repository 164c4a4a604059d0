"""The statements that read runs, their steps and their logs. What moves them is in ``machine/queries.py``."""

from typing import Any

import msgspec

from releaseapp.db.api import Reader, Row, Transaction
from releaseapp.runs.models import LogLine, Run, RunStatus, StepRun, StepStatus

_RUN = """
    id, workspace_id, workflow_id, workflow_name, version, status, trigger_data, inputs, output, error, failed_step,
    attempt, first_run, retry_of, parent, parent_step, depth, is_test, recovered, steps_total, steps_done, log_lines,
    created_at, started_at, finished_at
"""
# What lists show. What may be large stays where it is.
_LISTED = _RUN.replace("inputs, output,", "'null' AS inputs, NULL AS output,")
_STEP = """
    run_id, step_id, item, attempt, type, status, input, output, error, waits_for, wake_at, takeovers, log_lines,
    reused, late, started_at, finished_at
"""
_OUTLINE = _STEP.replace("input, output,", "NULL AS input, NULL AS output,")


LAST = "\U0010ffff"
"""Sorts after every id."""


class Filter(msgspec.Struct, frozen=True):
    """Which runs of a workspace; None asks for nothing. ``since`` and ``until`` are ids (``clock.first_id_at``)."""

    status: str | None = None
    workflow_id: str | None = None
    trigger_type: str | None = None
    since: str = ""
    until: str = LAST


def find_run(db: Reader, workspace_id: str, run_id: str) -> Run | None:
    """One run of a workspace."""
    row = db.first(f"SELECT {_RUN} FROM runs WHERE id = :id AND workspace_id = :w", id=run_id, w=workspace_id)
    return run_of(row) if row else None


def find_run_anywhere(db: Reader, run_id: str) -> Run | None:
    """One run by id alone, for workers."""
    row = db.first(f"SELECT {_RUN} FROM runs WHERE id = :id", id=run_id)
    return run_of(row) if row else None


def list_runs(db: Reader, workspace_id: str, wanted: Filter, before: str, limit: int) -> list[Run]:
    """Runs of a workspace with an id below ``before``, newest first, without inputs and outputs."""
    rows = db.all(
        f"SELECT {_LISTED} FROM runs WHERE {_where(wanted)} ORDER BY id DESC LIMIT :limit",
        # One upper bound: with two of them SQLite takes the index for a narrower one than it is.
        **{**_parameters(workspace_id, wanted), "until": min(before, wanted.until)},
        limit=limit,
    )
    return [run_of(row) for row in rows]


def count_runs(db: Reader, workspace_id: str, wanted: Filter, most: int) -> int:
    """How many there are, counted up to ``most``."""
    row = db.first(
        f"""
        SELECT COUNT(*) AS number FROM (
            SELECT 1 FROM runs WHERE {_where(wanted)} ORDER BY id DESC LIMIT :most
        ) AS found
        """,
        **_parameters(workspace_id, wanted),
        most=most,
    )
    return int(row["number"]) if row else 0


def count_at_work(db: Reader) -> tuple[int, int]:
    """How many runs of all workspaces are in the queue, and how many have a lease."""
    row = db.first(
        """
        SELECT (SELECT COUNT(*) FROM runs WHERE turn IS NOT NULL AND held_by IS NULL AND lease_owner IS NULL) AS queued,
               (SELECT COUNT(*) FROM runs WHERE lease_expires_at IS NOT NULL) AS running
        """
    )
    return (int(row["queued"]), int(row["running"])) if row else (0, 0)


def list_attempts(db: Reader, first_run: str) -> list[Run]:
    """A run and its retries, in order."""
    rows = db.all(
        f"""
        SELECT {_LISTED} FROM runs WHERE id = :id
        UNION ALL
        SELECT {_LISTED} FROM runs WHERE first_run = :id AND attempt > 1
        ORDER BY attempt, id LIMIT 100
        """,
        id=first_run,
    )
    return [run_of(row) for row in rows]


def last_attempt(db: Reader, first_run: str) -> int:
    """The number of the newest attempt that began with a run."""
    row = db.first("SELECT MAX(attempt) AS number FROM runs WHERE first_run = :id AND attempt > 1", id=first_run)
    return int((row and row["number"]) or 1)


def list_failed(db: Reader, workspace_id: str, wanted: Filter, limit: int) -> list[Run]:
    """Failed runs that nobody has retried, and that no other run waits for; the oldest first."""
    failed = msgspec.structs.replace(wanted, status=RunStatus.FAILED.value)
    rows = db.all(
        f"""
        SELECT {_LISTED} FROM runs WHERE {_where(failed)} AND parent IS NULL AND NOT EXISTS (
            SELECT 1 FROM runs AS again
            WHERE again.first_run = runs.first_run AND again.attempt > runs.attempt AND again.attempt > 1
        )
        ORDER BY id LIMIT :limit
        """,
        **_parameters(workspace_id, failed),
        limit=limit,
    )
    return [run_of(row) for row in rows]


def list_children(db: Reader, run_id: str, limit: int) -> list[Run]:
    """The runs that steps of a run started."""
    rows = db.all(f"SELECT {_LISTED} FROM runs WHERE parent = :id ORDER BY id LIMIT :limit", id=run_id, limit=limit)
    return [run_of(row) for row in rows]


def find_definition(db: Reader, run_id: str) -> dict[str, Any]:
    """The definition that a run was started with; raises LookupError when there is no such run."""
    row = db.first(
        """
        SELECT run_definitions.definition FROM runs JOIN run_definitions ON run_definitions.digest = runs.definition
        WHERE runs.id = :id
        """,
        id=run_id,
    )
    if row is None:
        raise LookupError(run_id)
    return msgspec.json.decode(row["definition"], type=dict[str, Any])


def list_steps(db: Reader, run_id: str) -> list[StepRun]:
    """Every attempt at every step of a run, without inputs and outputs; in the order of the key."""
    rows = db.all(
        f"SELECT {_OUTLINE} FROM run_steps WHERE run_id = :id ORDER BY step_id, item, attempt",
        id=run_id,
    )
    return [step_of(row) for row in rows]


def list_attempts_of_step(db: Reader, run_id: str, step_id: str, item: int) -> list[StepRun]:
    """Every attempt at one step (at one item of it), with inputs and outputs."""
    rows = db.all(
        f"SELECT {_STEP} FROM run_steps WHERE run_id = :id AND step_id = :step_id AND item = :item ORDER BY attempt",
        id=run_id,
        step_id=step_id,
        item=item,
    )
    return [step_of(row) for row in rows]


def list_log(db: Reader, run_id: str, after: int, limit: int) -> list[LogLine]:
    """The lines of a run's log behind ``after``, in order."""
    rows = db.all(
        """
        SELECT seq, step_id, item, attempt, at, text FROM run_log_lines
        WHERE run_id = :id AND seq > :after ORDER BY seq LIMIT :limit
        """,
        id=run_id,
        after=after,
        limit=limit,
    )
    return [LogLine(**row) for row in rows]


def list_log_of_step(db: Reader, run_id: str, step_id: str, item: int, after: int, limit: int) -> list[LogLine]:
    """The lines of the log of one step (of one item of it) behind ``after``, in order."""
    rows = db.all(
        """
        SELECT seq, step_id, item, attempt, at, text FROM run_log_lines
        WHERE run_id = :id AND step_id = :step_id AND item = :item AND seq > :after ORDER BY seq LIMIT :limit
        """,
        id=run_id,
        step_id=step_id,
        item=item,
        after=after,
        limit=limit,
    )
    return [LogLine(**row) for row in rows]


def run_of(row: Row) -> Run:
    """A row as a run."""
    return Run(
        **{
            **{name: row[name] for name in _PLAIN},
            "status": RunStatus(row["status"]),
            "trigger": msgspec.json.decode(row["trigger_data"]),
            "inputs": msgspec.json.decode(row["inputs"]),
            "output": _json(row["output"]),
            "is_test": bool(row["is_test"]),
            "recovered": bool(row["recovered"]),
        }
    )


def step_of(row: Row) -> StepRun:
    """A row as one attempt at a step."""
    return StepRun(
        **{
            **row,
            "status": StepStatus(row["status"]),
            "input": _json(row["input"]),
            "output": _json(row["output"]),
            "late": _json(row["late"]),
            "reused": bool(row["reused"]),
        }
    )


_PLAIN = tuple(
    name
    for name in Run.__struct_fields__
    if name not in {"status", "trigger", "inputs", "output", "is_test", "recovered"}
)


def _where(wanted: Filter) -> str:
    # Each combination is a statement of its own, so that each finds its index.
    parts = ["workspace_id = :workspace_id", "id >= :since", "id < :until"]
    parts += [
        f"{name} = :{name}" for name in ("status", "workflow_id", "trigger_type") if getattr(wanted, name) is not None
    ]
    return " AND ".join(parts)


def _parameters(workspace_id: str, wanted: Filter) -> dict[str, Any]:
    return {"workspace_id": workspace_id, **msgspec.structs.asdict(wanted)}


def _json(text: str | None) -> Any:
    return None if text is None else msgspec.json.decode(text)


def insert_definition(tx: Transaction, digest: str, definition: str) -> None:
    """Keeps a definition that a run is started with, unless it is kept already."""
    tx.run(
        """
        INSERT INTO run_definitions (digest, definition) VALUES (:digest, :definition)
        ON CONFLICT (digest) DO NOTHING
        """,
        digest=digest,
        definition=definition,
    )


def insert_run(tx: Transaction, run: Run, digest: str, pins: str | None, turn: int) -> None:
    """Adds a run that waits for its turn."""
    tx.run(
        """
        INSERT INTO runs (id, workspace_id, workflow_id, workflow_name, version, status, trigger_type, attempt,
                          first_run, retry_of, parent, parent_step, depth, is_test, steps_total, created_at, turn,
                          definition, trigger_data, pins, inputs)
        VALUES (:id, :workspace_id, :workflow_id, :workflow_name, :version, :status, :trigger_type, :attempt,
                :first_run, :retry_of, :parent, :parent_step, :depth, :is_test, :steps_total, :created_at, :turn,
                :digest, :trigger_data, :pins, :inputs)
        """,
        id=run.id,
        workspace_id=run.workspace_id,
        workflow_id=run.workflow_id,
        workflow_name=run.workflow_name,
        version=run.version,
        status=run.status.value,
        trigger_type=run.trigger["type"],
        attempt=run.attempt,
        first_run=run.first_run,
        retry_of=run.retry_of,
        parent=run.parent,
        parent_step=run.parent_step,
        depth=run.depth,
        is_test=int(run.is_test),
        steps_total=run.steps_total,
        created_at=run.created_at,
        turn=turn,
        digest=digest,
        trigger_data=msgspec.json.encode(run.trigger).decode(),
        pins=pins,
        inputs=msgspec.json.encode(run.inputs).decode(),
    )
