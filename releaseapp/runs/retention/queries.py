"""The statements that find runs to forget, and forget them."""

from releaseapp.db.api import Reader, Row, Transaction
from releaseapp.runs.retention.models import Candidate, Place, Plan, Reason, Retention, Share

_NEVER = "9999-12-31T23:59:59.999Z"
"""The ``wake_at`` of a run that has begun to go: it is over, so nothing wakes it, and an index finds it again."""

_OVER = "runs.workspace_id = :workspace_id AND runs.finished_at IS NOT NULL"
# The newest run of its workflow stays, and what a run that is not over has started.
_MAY_GO = f"""
    {_OVER} AND (runs.finished_at, runs.id) <= (:finished_at, :id)
    AND EXISTS (SELECT 1 FROM runs AS newer WHERE newer.workflow_id = runs.workflow_id AND newer.id > runs.id)
    AND NOT EXISTS (SELECT 1 FROM runs AS above WHERE above.id = runs.parent AND above.finished_at IS NULL)
"""
# Lines are counted from 1 without a gap, and go in their order.
_CANDIDATE = """
    runs.id, runs.workspace_id, runs.finished_at, runs.definition, runs.bytes,
    (SELECT COUNT(*) FROM run_steps WHERE run_id = runs.id) AS steps,
    COALESCE((SELECT MAX(seq) FROM run_log_lines WHERE run_id = runs.id), 0)
    - COALESCE((SELECT MIN(seq) FROM run_log_lines WHERE run_id = runs.id), 1) + 1 AS lines
"""


def find_retention(db: Reader, workspace_id: str) -> Retention:
    """What a workspace says of its runs; nothing, when it has said nothing."""
    row = db.first(
        "SELECT keep_days, keep_runs, keep_bytes FROM run_retention WHERE workspace_id = :id", id=workspace_id
    )
    return Retention(**row) if row else Retention()


def set_retention(tx: Transaction, workspace_id: str, retention: Retention, now: str) -> None:
    """Notes what a workspace says."""
    tx.run(
        """
        INSERT INTO run_retention (workspace_id, keep_days, keep_runs, keep_bytes, updated_at)
        VALUES (:workspace_id, :keep_days, :keep_runs, :keep_bytes, :now)
        ON CONFLICT (workspace_id) DO UPDATE SET keep_days = excluded.keep_days, keep_runs = excluded.keep_runs,
            keep_bytes = excluded.keep_bytes, updated_at = excluded.updated_at
        """,
        workspace_id=workspace_id,
        keep_days=retention.keep_days,
        keep_runs=retention.keep_runs,
        keep_bytes=retention.keep_bytes,
        now=now,
    )


def list_workspaces(db: Reader) -> list[Row]:
    """Every workspace: id and slug."""
    return db.all("SELECT id, slug FROM workspaces ORDER BY slug")


def find_first_over_count(db: Reader, workspace_id: str, keep: int) -> Place | None:
    """The newest run behind the ``keep`` newest of a workspace that are over.

    Found from the oldest on, of which few are too many: an index counts quicker than it is walked through.
    """
    row = db.first(
        f"""
        SELECT finished_at, id FROM runs
        WHERE {_OVER} AND (SELECT COUNT(*) FROM runs WHERE {_OVER}) > :keep
        ORDER BY finished_at, id LIMIT 1 OFFSET (
            SELECT CASE WHEN COUNT(*) > :keep THEN COUNT(*) - :keep - 1 ELSE 0 END FROM runs WHERE {_OVER}
        )
        """,
        workspace_id=workspace_id,
        keep=keep,
    )
    return Place(row["finished_at"], row["id"]) if row else None


def sum_bytes(db: Reader, workspace_id: str) -> int:
    """What the runs of a workspace that are over hold together."""
    row = db.first(f"SELECT COALESCE(SUM(bytes), 0) AS held FROM runs WHERE {_OVER}", workspace_id=workspace_id)
    return int(row["held"]) if row else 0


def list_sizes(db: Reader, workspace_id: str, before: Place, limit: int) -> list[Row]:
    """Runs of a workspace that are over and stand before a place, the newest first: finished_at, id, bytes."""
    return db.all(
        f"""
        SELECT finished_at, id, bytes FROM runs
        WHERE {_OVER} AND (finished_at, id) < (:finished_at, :id) ORDER BY finished_at DESC, id DESC LIMIT :limit
        """,
        workspace_id=workspace_id,
        finished_at=before.finished_at,
        id=before.id,
        limit=limit,
    )


def list_candidates(db: Reader, workspace_id: str, up_to: Place, after: Place, limit: int) -> list[Candidate]:
    """Runs that go, the oldest first: those that stand behind ``after`` and not behind ``up_to``."""
    rows = db.all(
        f"""
        SELECT {_CANDIDATE} FROM runs
        WHERE {_MAY_GO} AND (runs.finished_at, runs.id) > (:after, :after_id)
        ORDER BY runs.finished_at, runs.id LIMIT :limit
        """,
        workspace_id=workspace_id,
        finished_at=up_to.finished_at,
        id=up_to.id,
        after=after.finished_at,
        after_id=after.id,
        limit=limit,
    )
    return [_candidate(row) for row in rows]


def list_begun(db: Reader, limit: int) -> list[Candidate]:
    """Runs of any workspace that have begun to go."""
    rows = db.all(
        f"SELECT {_CANDIDATE} FROM runs WHERE runs.wake_at = :never AND runs.finished_at IS NOT NULL LIMIT :limit",
        never=_NEVER,
        limit=limit,
    )
    return [_candidate(row) for row in rows]


def sum_shares(db: Reader, workspace_id: str, up_to: Place, aged: Place, counted: Place) -> Plan:
    """How many runs go, and their bytes, by reason: those up to ``aged`` by age, up to ``counted`` by count."""
    rows = db.all(
        f"""
        SELECT reason, COUNT(*) AS number, SUM(bytes) AS bytes FROM (
            SELECT bytes, CASE
                WHEN (runs.finished_at, runs.id) <= (:aged_at, :aged_id) THEN 'age'
                WHEN (runs.finished_at, runs.id) <= (:counted_at, :counted_id) THEN 'count'
                ELSE 'bytes' END AS reason
            FROM runs WHERE {_MAY_GO}
        ) AS going GROUP BY reason
        """,
        workspace_id=workspace_id,
        finished_at=up_to.finished_at,
        id=up_to.id,
        aged_at=aged.finished_at,
        aged_id=aged.id,
        counted_at=counted.finished_at,
        counted_id=counted.id,
    )
    return {Reason(row["reason"]): Share(int(row["number"]), int(row["bytes"])) for row in rows}


def mark_begun(tx: Transaction, run_id: str) -> None:
    """Notes that a run has begun to go, so that it is gone in the end whatever limits say then."""
    tx.run("UPDATE runs SET wake_at = :never WHERE id = :id", id=run_id, never=_NEVER)


def delete_lines(tx: Transaction, run_id: str, most: int) -> int:
    """Forgets the first lines of a run's log; how many."""
    return tx.run(
        """
        DELETE FROM run_log_lines WHERE run_id = :id
        AND seq < (SELECT MIN(seq) FROM run_log_lines WHERE run_id = :id) + :most
        """,
        id=run_id,
        most=most,
    )


def delete_steps(tx: Transaction, run_id: str, most: int) -> int:
    """Forgets attempts at steps of a run; how many."""
    return tx.run(
        """
        DELETE FROM run_steps WHERE run_id = :id AND (step_id, item, attempt) IN (
            SELECT step_id, item, attempt FROM run_steps WHERE run_id = :id
            ORDER BY step_id, item, attempt LIMIT :most
        )
        """,
        id=run_id,
        most=most,
    )


def delete_run(tx: Transaction, run_id: str) -> int:
    """Forgets a run, with what is left of its steps, its log and its approvals; 0 when it is gone."""
    return tx.run("DELETE FROM runs WHERE id = :id", id=run_id)


def delete_definition(tx: Transaction, digest: str) -> int:
    """Forgets a definition, unless a run names it."""
    return tx.run(
        """
        DELETE FROM run_definitions WHERE digest = :digest
        AND NOT EXISTS (SELECT 1 FROM runs WHERE definition = :digest)
        """,
        digest=digest,
    )


def _candidate(row: Row) -> Candidate:
    return Candidate(
        place=Place(row["finished_at"], row["id"]),
        workspace_id=row["workspace_id"],
        definition=row["definition"],
        steps=row["steps"],
        lines=row["lines"],
        bytes=row["bytes"],
    )
