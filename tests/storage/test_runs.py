"""The machine of runs on each engine, with its queue of wake-up calls beside SQLite or inside PostgreSQL."""

import threading
import time

import pytest
from databases import postgres, target  # noqa: F401 - fixtures
from running import Lab, offer, transform, work

from releaseapp.runs import service
from releaseapp.runs.machine import queries, turns
from releaseapp.steps.api import StepFailed


@pytest.fixture
def lab(target, tmp_path):  # noqa: F811 - the fixture
    one = Lab(tmp_path, agent_db_path=target, run_lease_seconds=5)
    yield one
    one.close()


def soon(condition, seconds=30):
    until = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < until, "it did not come"
        time.sleep(0.01)
    return value


def test_a_run_goes_from_its_start_to_its_end_by_wake_up_calls_alone(lab, monkeypatch):
    left = [1]

    def once_broken(config, context):
        context.log(f"doing {config.value}")
        if left[0]:
            left[0] -= 1
            raise StepFailed("Not now.")
        return config.value

    offer(monkeypatch, "test.work", once_broken)
    retry = {"max_attempts": 3, "backoff": "fixed", "interval_seconds": 0.05}
    workflow = lab.workflow(
        work("a", "one", needs=[], retry=retry),
        work("b", "two", needs=[], retry=retry),
        {"id": "wait", "type": "delay", "config": {"seconds": 0.1}, "needs": ["a", "b"]},
        transform("each", "{{ item * 2 }}", for_each="{{ inputs.numbers }}"),
        {"id": "tell", "type": "queue.publish", "config": {"queue": "results", "message": "{{ steps.each.output }}"}},
        output={"numbers": "{{ steps.each.output }}", "words": "{{ steps.a.output }} {{ steps.b.output }}"},
    )
    lab.worker.start()
    runs = [lab.start(workflow, {"numbers": [1, 2, 3]}) for _ in range(3)]
    soon(lambda: all(lab.now(run).is_over for run in runs))
    for run in map(lab.now, runs):
        assert (run.status, run.output) == ("succeeded", {"numbers": [2, 4, 6], "words": "one two"})
        assert run.log_lines == len(lab.log(run))
        assert lab.told(run).count("run.succeeded") == 1
    messages = lab.db.all("SELECT queue, message FROM queue_messages")
    assert [(row["queue"], row["message"]) for row in messages] == [("results", "[2,4,6]")] * 3
    assert {
        run.id for run in service.list_runs(lab.db, "workspace-lab", service.Filter(status="succeeded"), "z", 9)
    } == {run.id for run in runs}


def test_of_many_who_claim_at_once_each_gets_another_run(lab):
    workflow = lab.workflow(transform("a", 1))
    runs = {lab.start(workflow).id for _ in range(20)}
    taken, guard = [], threading.Lock()

    def claim():
        while (claimed := turns.claim_next(lab.kit, threading.current_thread().name)) is not None:
            with guard:
                taken.append(claimed.id)
        lab.db.close_thread()

    threads = [threading.Thread(target=claim) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == sorted(runs)


def test_workspaces_take_turns_limits_hold_and_who_waits_longest_goes_first(lab):
    with lab.db.transaction() as tx:
        tx.run("INSERT INTO run_limits (scope, at_once, updated_at) VALUES ('workspace-lab', 1, '')")
    workflow = lab.workflow(transform("a", 1))
    first, second, third = (lab.start(workflow) for _ in range(3))
    assert turns.claim_next(lab.kit, "one").id == first.id
    assert turns.claim_next(lab.kit, "two") is None
    assert queries.list_holders(lab.db, "") == ["workspace-lab"]
    service.cancel_run(lab.kit, first, None)
    assert turns.claim_next(lab.kit, "two").id == second.id
    assert lab.now(third).status == "queued"


def test_what_comes_while_a_run_is_driven_is_not_lost(lab):
    run = lab.start(lab.workflow({"id": "a", "type": "delay", "config": {"seconds": 60}}))
    claimed = turns.claim_next(lab.kit, "one")
    with lab.db.transaction() as tx:
        assert turns.nudge(tx, run.id)
    assert turns.claim_next(lab.kit, "two") is None
    row = queries.check_lease(lab.db, run.id, claimed.epoch)
    assert row["turn"] is not None
    with lab.db.transaction() as tx:
        queries.leave_run(tx, run.id, lab.now(run).status, None)
    assert turns.claim_next(lab.kit, "two").id == run.id


def test_a_retry_takes_over_what_was_done_and_figures_are_kept(lab, monkeypatch):
    broken = [True]

    def maybe(config, _context):
        if config.value == "b" and broken[0]:
            raise StepFailed("No.")
        return config.value

    offer(monkeypatch, "test.work", maybe)
    run = lab.run(lab.workflow(work("a", "a"), work("b", "b"), output="{{ steps.a.output }}{{ steps.b.output }}"))
    broken[0] = False
    again = service.retry_run(lab.kit, run, service.Retry(), None)
    lab.work()
    assert (lab.now(again).output, lab.now(again).attempt, lab.now(run).status) == ("ab", 2, "failed")
    assert [one.id for one in service.list_attempts(lab.db, run.id)] == [run.id, again.id]
    assert lab.db.first("SELECT bytes FROM runs WHERE id = :id", id=again.id)["bytes"] > 0
