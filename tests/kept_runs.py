"""Runs that are over (or not), as rows: what pruning finds, without the time it takes to run them."""

import msgspec

from releaseapp import clock
from releaseapp.runs import queries
from releaseapp.runs.machine import queries as machine
from releaseapp.runs.models import Run, RunStatus, TriggerType

DAY = 86_400


def add_run(db, workspace_id, workflow_id="wf_a", *, days=0.0, over=True, steps=1, lines=1, size=10, **more):
    """A run of ``steps`` step rows and ``lines`` log lines, of ``size`` characters each; over ``days`` ago. Its id."""
    at = clock.later_text(-days * DAY)
    run = Run(
        id=more.get("id") or clock.new_id("run"),
        workspace_id=workspace_id,
        workflow_id=workflow_id,
        workflow_name=workflow_id,
        version=1,
        status=RunStatus.QUEUED,
        trigger={"type": TriggerType.API.value},
        inputs={},
        output=None,
        error=None,
        failed_step=None,
        attempt=1,
        first_run="",
        retry_of=None,
        parent=more.get("parent"),
        parent_step=None,
        depth=0,
        is_test=False,
        recovered=False,
        steps_total=1,
        steps_done=0,
        log_lines=0,
        created_at=at,
        started_at=None,
        finished_at=None,
    )
    with db.transaction() as tx:
        digest = more.get("digest", "d1")
        queries.insert_definition(tx, digest, '{"steps": []}')
        queries.insert_run(tx, msgspec.structs.replace(run, first_run=run.id), digest, None, 1)
        _add_rows(tx, run.id, at, (steps, lines, size))
        if over:
            end_run(tx, run.id, at)
    return run.id


def end_run(tx, run_id, at):
    outcome = {"output": None, "error": None, "failed_step": None, "steps_done": 1, "log_lines": 0}
    machine.end_run(tx, run_id, {"status": "succeeded", "finished_at": at, **outcome})


def _add_rows(tx, run_id, at, numbers):
    steps, lines, size = numbers
    given = {"run": run_id, "at": at, "text": "x" * size}
    count = "WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < :many)"
    if steps:
        tx.run(
            f"""
            INSERT INTO run_steps (run_id, step_id, item, attempt, type, status, started_at, input, output)
            {count} SELECT :run, 'a', n, 1, 'transform', 'succeeded', :at, '1', CAST(:text AS TEXT) FROM c
            """,
            **given,
            many=steps,
        )
    if lines:
        tx.run(
            f"""
            INSERT INTO run_log_lines (run_id, seq, step_id, item, attempt, at, text)
            {count} SELECT :run, n, 'a', 1, 1, :at, CAST(:text AS TEXT) FROM c
            """,
            **given,
            many=lines,
        )


def kept(db, workspace_id="workspace-lab"):
    rows = db.all("SELECT id FROM runs WHERE workspace_id = :id ORDER BY id", id=workspace_id)
    return [row["id"] for row in rows]


def count(db, table):
    return db.first(f"SELECT COUNT(*) AS number FROM {table}")["number"]


def add_workspace(db, workspace_id="workspace-lab"):
    """A workspace without people."""
    with db.transaction() as tx:
        tx.run(
            """
            INSERT INTO workspaces (id, slug, name, description, role_matrix, revision, created_at, updated_at)
            VALUES (:id, :slug, :slug, '', '{}', 1, :now, :now)
            """,
            id=workspace_id,
            slug=workspace_id.removeprefix("workspace-"),
            now=clock.now_text(),
        )
    return workspace_id
