"""The statements that pages of runs need besides those that everybody uses. Each reads no more than it is told to."""

from collections.abc import Sequence
from typing import Any

import msgspec

from releaseapp.db.api import Reader
from releaseapp.runs.models import WHOLE, LogLine, Run, StepRun
from releaseapp.runs.queries import Filter, run_of, step_of

_PUT_BY = {"trigger": "trigger_data", "inputs": "'null' AS inputs", "output": "NULL AS output"}
_LISTED = ", ".join(_PUT_BY.get(name, name) for name in Run.__struct_fields__)
_LEFT_OUT = {"input": "NULL AS input", "output": "NULL AS output"}
_OUTLINE = ", ".join(_LEFT_OUT.get(name, name) for name in StepRun.__struct_fields__)
_LINE = ", ".join(LogLine.__struct_fields__)


def list_runs(db: Reader, workspace_id: str, wanted: Filter, limit: int) -> list[Run]:
    """Runs of a workspace, newest first, without inputs and outputs."""
    rows = db.all(
        f"SELECT {_LISTED} FROM runs WHERE {_where(wanted)} ORDER BY id DESC LIMIT :limit",
        **_parameters(workspace_id, wanted),
        limit=limit,
    )
    return [run_of(row) for row in rows]


def count_runs(db: Reader, workspace_id: str, wanted: Filter, most: int) -> int:
    """How many there are, counted up to ``most``."""
    # The order is what has SQLite take the index of all that is asked for.
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


def list_runs_with_text(db: Reader, workspace_id: str, wanted: Filter, text: str, page: tuple[int, int]) -> list[Run]:
    """Runs with a text in id, workflow name or error; ``page``: how many are looked at, and how many may be found."""
    looked, limit = page
    escaped = text.replace("!", "!!").replace("%", "!%").replace("_", "!_")
    rows = db.all(
        f"""
        SELECT * FROM (
            SELECT {_LISTED} FROM runs WHERE {_where(wanted)} ORDER BY id DESC LIMIT :looked
        ) AS newest
        WHERE workflow_name LIKE :as_typed ESCAPE '!' OR lower(workflow_name) LIKE :lowered ESCAPE '!'
           OR error LIKE :as_typed ESCAPE '!' OR lower(error) LIKE :lowered ESCAPE '!' OR id LIKE :lowered ESCAPE '!'
        ORDER BY id DESC LIMIT :limit
        """,
        **_parameters(workspace_id, wanted),
        as_typed=f"%{escaped}%",
        lowered=f"%{escaped.lower()}%",
        looked=looked,
        limit=limit,
    )
    return [run_of(row) for row in rows]


def find_edge(db: Reader, workspace_id: str, wanted: Filter, number: int) -> str | None:
    """The id of the run that is the ``number``th, newest first; None when there are not so many."""
    row = db.first(
        f"SELECT id FROM runs WHERE {_where(wanted)} ORDER BY id DESC LIMIT 1 OFFSET :skipped",
        **_parameters(workspace_id, wanted),
        skipped=number - 1,
    )
    return str(row["id"]) if row else None


def count_not_retried(db: Reader, workspace_id: str, wanted: Filter, most: int) -> int:
    """How many of the newest runs wanted have no later attempt; ``most`` of them are looked at."""
    row = db.first(
        f"""
        SELECT COUNT(*) AS number FROM (
            SELECT first_run, attempt FROM runs WHERE {_where(wanted)} ORDER BY id DESC LIMIT :most
        ) AS newest
        WHERE NOT EXISTS (
            SELECT 1 FROM runs AS later
            WHERE later.first_run = newest.first_run AND later.attempt > 1 AND later.attempt > newest.attempt
        )
        """,
        **_parameters(workspace_id, wanted),
        most=most,
    )
    return int(row["number"]) if row else 0


def list_last_runs(db: Reader, workspace_id: str, workflow_ids: Sequence[str]) -> dict[str, Run]:
    """The newest run of each of some workflows, by the workflow's id."""
    if not workflow_ids:
        return {}
    slots = {f"w{number}": workflow_id for number, workflow_id in enumerate(workflow_ids)}
    newest = " UNION ALL ".join(f"SELECT MAX(id) AS id FROM runs WHERE workflow_id = :{slot}" for slot in slots)
    rows = db.all(
        f"SELECT {_LISTED} FROM runs WHERE id IN (SELECT id FROM ({newest}) AS newest) AND workspace_id = :home",
        home=workspace_id,
        **slots,
    )
    return {row["workflow_id"]: run_of(row) for row in rows}


def count_ended_by_hour(db: Reader, workspace_id: str, since: str, most: int) -> dict[tuple[str, str], int]:
    """How many runs ended since a moment, by the hour (``2030-01-31T08``) and status; the newest ``most`` of them."""
    rows = db.all(
        """
        SELECT substr(finished_at, 1, 13) AS hour, status, COUNT(*) AS number FROM (
            SELECT finished_at, status FROM runs
            WHERE workspace_id = :workspace_id AND finished_at >= :since ORDER BY finished_at DESC LIMIT :most
        ) AS ended
        GROUP BY substr(finished_at, 1, 13), status
        """,
        workspace_id=workspace_id,
        since=since,
        most=most,
    )
    return {(row["hour"], row["status"]): int(row["number"]) for row in rows}


def list_whole_steps(db: Reader, run_id: str) -> list[StepRun]:
    """Every attempt at every step of a run, its items left out, without inputs and outputs."""
    rows = db.all(
        f"SELECT {_OUTLINE} FROM run_steps WHERE run_id = :id AND item = :whole ORDER BY step_id, attempt",
        id=run_id,
        whole=WHOLE,
    )
    return [step_of(row) for row in rows]


def last_items(db: Reader, run_id: str, step_ids: Sequence[str]) -> dict[str, int]:
    """The highest item that each of some steps has begun; steps without items are left out."""
    if not step_ids:
        return {}
    slots = {f"s{number}": step_id for number, step_id in enumerate(step_ids)}
    each = " UNION ALL ".join(
        f"SELECT '{slot}' AS slot, MAX(item) AS item FROM run_steps WHERE run_id = :id AND step_id = :{slot}"
        for slot in slots
    )
    rows = db.all(f"SELECT slot, item FROM ({each}) AS found WHERE item > :whole", id=run_id, whole=WHOLE, **slots)
    return {slots[row["slot"]]: int(row["item"]) for row in rows}


def list_items(db: Reader, run_id: str, step_id: str, first: int, number: int) -> list[StepRun]:
    """Every attempt at ``number`` items of a step from ``first`` on, without inputs and outputs."""
    rows = db.all(
        f"""
        SELECT {_OUTLINE} FROM run_steps
        WHERE run_id = :id AND step_id = :step_id AND item >= :first AND item < :after ORDER BY item, attempt
        """,
        id=run_id,
        step_id=step_id,
        first=first,
        after=first + number,
    )
    return [step_of(row) for row in rows]


def list_items_in_status(db: Reader, run_id: str, step_id: str, status: str, page: tuple[int, int]) -> list[StepRun]:
    """The newest attempts at items of a step that stand at a status; ``page``: from which item on, and how many."""
    rows = db.all(
        f"""
        SELECT {_OUTLINE} FROM run_steps AS one
        WHERE run_id = :id AND step_id = :step_id AND item >= :first AND status = :status AND NOT EXISTS (
            SELECT 1 FROM run_steps AS later
            WHERE later.run_id = one.run_id AND later.step_id = one.step_id AND later.item = one.item
              AND later.attempt > one.attempt
        )
        ORDER BY item LIMIT :limit
        """,
        id=run_id,
        step_id=step_id,
        status=status,
        first=page[0],
        limit=page[1],
    )
    return [step_of(row) for row in rows]


def list_attempt_outlines(db: Reader, run_id: str, step_id: str, item: int) -> list[StepRun]:
    """Every attempt at one step (at one item of it), without inputs and outputs."""
    rows = db.all(
        f"""
        SELECT {_OUTLINE} FROM run_steps
        WHERE run_id = :id AND step_id = :step_id AND item = :item ORDER BY attempt
        """,
        id=run_id,
        step_id=step_id,
        item=item,
    )
    return [step_of(row) for row in rows]


def find_values(db: Reader, run_id: str, step_id: str, item: int, attempt: int) -> tuple[str | None, str | None]:
    """What went into one attempt at a step and what came out, as JSON text."""
    row = db.first(
        """
        SELECT input, output FROM run_steps
        WHERE run_id = :id AND step_id = :step_id AND item = :item AND attempt = :attempt
        """,
        id=run_id,
        step_id=step_id,
        item=item,
        attempt=attempt,
    )
    return (row["input"], row["output"]) if row else (None, None)


def list_log_before(db: Reader, run_id: str, place: tuple[str, int] | None, before: int, limit: int) -> list[LogLine]:
    """The last lines of a run's log (or of a step's, of an item's) in front of ``before``, in order."""
    of_step = "" if place is None else "AND step_id = :step_id AND item = :item"
    named: dict[str, Any] = {} if place is None else {"step_id": place[0], "item": place[1]}
    rows = db.all(
        f"""
        SELECT {_LINE} FROM run_log_lines WHERE run_id = :id {of_step} AND seq < :before
        ORDER BY seq DESC LIMIT :limit
        """,
        id=run_id,
        before=before,
        limit=limit,
        **named,
    )
    return [LogLine(**row) for row in reversed(rows)]


def below(wanted: Filter, before: str) -> Filter:
    """The same runs, as far as they are below an id: where a page begins."""
    return msgspec.structs.replace(wanted, until=min(wanted.until, before))


def _where(wanted: Filter) -> str:
    # Each combination is a statement of its own, so that each finds its index. A third bound on the id would have
    # SQLite, which knows nothing of the numbers, leave the index of status or trigger for that of the workspace.
    named = [name for name in ("status", "workflow_id", "trigger_type") if getattr(wanted, name) is not None]
    return " AND ".join(
        ["workspace_id = :workspace_id", "id >= :since", "id < :until", *(f"{name} = :{name}" for name in named)]
    )


def _parameters(workspace_id: str, wanted: Filter) -> dict[str, Any]:
    return {"workspace_id": workspace_id, **msgspec.structs.asdict(wanted)}
