"""What pages of runs ask of a database, on each engine."""

import pytest
from databases import postgres, target  # noqa: F401 - fixtures
from kept_runs import add_run, add_workspace

from releaseapp import clock
from releaseapp.db import connect
from releaseapp.db.migrate import migrate
from releaseapp.runs.models import WHOLE
from releaseapp.runs.pages import queries, service
from releaseapp.runs.queries import Filter

HOME = "workspace-lab"


@pytest.fixture
def db(target):  # noqa: F811 - the fixture
    database = connect(target)
    migrate(database)
    add_workspace(database)
    yield database
    database.close()


def fail(db, run_id, error):
    with db.transaction() as tx:
        tx.run("UPDATE runs SET status = 'failed', error = :error WHERE id = :id", id=run_id, error=error)


def test_runs_are_listed_counted_and_searched(db):
    ids = [add_run(db, HOME, "wf_a" if number % 2 else "wf_b") for number in range(6)]
    fail(db, ids[2], "It was 100 % !_wrong_!")
    every = Filter()
    assert [run.id for run in queries.list_runs(db, HOME, queries.below(every, ids[4]), 3)] == ids[3:0:-1]
    assert queries.count_runs(db, HOME, Filter(status="succeeded", workflow_id="wf_a"), 100) == 3
    assert queries.count_runs(db, HOME, every, 4) == 4
    assert queries.count_runs(db, "workspace-other", every, 4) == 0
    for text in ("100 %", "!_WRONG", ids[2].upper()):
        assert [run.id for run in queries.list_runs_with_text(db, HOME, every, text, (100, 10))] == [ids[2]], text
    assert queries.list_runs_with_text(db, HOME, every, "100 _", (100, 10)) == []
    assert queries.list_runs_with_text(db, HOME, every, "100 %", (3, 10)) == []
    assert queries.find_edge(db, HOME, every, 6) == ids[0]
    assert queries.find_edge(db, HOME, every, 7) is None


def test_what_was_retried_is_not_counted_again(db):
    first, other, again = (add_run(db, HOME) for _ in range(3))
    for run_id in (first, other, again):
        fail(db, run_id, "No.")
    with db.transaction() as tx:
        tx.run("UPDATE runs SET first_run = :first, attempt = 2 WHERE id = :id", first=first, id=again)
    failed = Filter(status="failed")
    assert queries.count_not_retried(db, HOME, failed, 500) == 2
    assert queries.count_not_retried(db, HOME, failed, 1) == 1


def test_the_last_run_of_each_workflow_is_found_and_none_of_another_workspace(db):
    add_run(db, HOME, "wf_a")
    newest = add_run(db, HOME, "wf_a")
    add_workspace(db, "workspace-other")
    add_run(db, "workspace-other", "wf_c")
    found = queries.list_last_runs(db, HOME, ["wf_a", "wf_b", "wf_c"])
    assert {workflow: run.id for workflow, run in found.items()} == {"wf_a": newest}
    assert queries.list_last_runs(db, HOME, []) == {}


def test_the_hours_of_a_day_hold_what_ended_in_them(db):
    add_run(db, HOME, days=0.5)
    add_run(db, HOME, days=2)
    fail(db, add_run(db, HOME, days=0.5), "No.")
    add_run(db, HOME, over=False)
    found = service.glance(db, HOME)
    assert (found.queued, found.succeeded, found.failed, found.highest) == ("1", 1, 1, 2)
    (hour,) = [hour for hour in found.hours if hour.succeeded]
    assert (hour.failed, hour.at[:13]) == (1, clock.later_text(-43_200)[:13])
    assert hour.succeeded_height == hour.failed_height == service.HEIGHT / 2


def test_steps_items_values_and_lines_are_found(db):
    run = add_run(db, HOME, steps=30, lines=30, size=3)
    with db.transaction() as tx:
        tx.run(
            """
            INSERT INTO run_steps (run_id, step_id, item, attempt, type, status, started_at, input)
            VALUES (:id, 'a', 7, 2, 'transform', 'failed', :at, '"in"'), (:id, 'a', -1, 1, 'transform', 'running', :at, NULL)
            """,
            id=run,
            at=clock.now_text(),
        )
    assert [step.item for step in queries.list_whole_steps(db, run)] == [WHOLE]
    assert queries.last_items(db, run, ["a", "b"]) == {"a": 30}
    assert [(step.item, step.attempt) for step in queries.list_items(db, run, "a", 6, 3)] == [
        (6, 1), (7, 1), (7, 2), (8, 1),
    ]  # fmt: skip
    assert [step.item for step in queries.list_items_in_status(db, run, "a", "failed", (0, 9))] == [7]
    assert [step.item for step in queries.list_items_in_status(db, run, "a", "succeeded", (6, 2))] == [6, 8]
    assert [step.attempt for step in queries.list_attempt_outlines(db, run, "a", 7)] == [1, 2]
    assert queries.find_values(db, run, "a", 7, 2) == ('"in"', None)
    assert queries.find_values(db, run, "b", 7, 2) == (None, None)
    assert [line.seq for line in queries.list_log_before(db, run, None, 20, 3)] == [17, 18, 19]
    assert [line.seq for line in queries.list_log_before(db, run, ("a", 1), 3, 9)] == [1, 2]
    assert queries.list_log_before(db, run, ("b", 1), 3, 9) == []
