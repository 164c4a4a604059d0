"""What was under way when the snapshot was taken has failed, says so, and can be retried; nothing of it starts twice."""

import threading

from running import offer, transform, work

from releaseapp.agents.schemas import AgentCreate
from releaseapp.agents.service import create_agent
from releaseapp.agents.tasks.service import find_task_anywhere, give_task
from releaseapp.runs.models import RunStatus
from releaseapp.runs.service import Retry, retry_run


def begun(lab, workflow):
    """A run in the hands of a worker, whose step stands still; and what lets it go on."""
    run = lab.start(workflow)
    thread = threading.Thread(target=lab.worker.work_off)
    thread.start()
    return run, thread


def test_a_run_at_work_has_failed_with_a_sentence_and_is_retried_from_where_it_was(lab, monkeypatch):
    entered, go_on, times = threading.Event(), threading.Event(), []

    def stand(config, context):
        times.append(context)
        entered.set()
        go_on.wait(20)
        return "done"

    offer(monkeypatch, "test.work", stand)
    workflow = lab.workflow(
        transform("first", 1), work("second", needs=["first"]), transform("third", 3, needs=["second"])
    )
    run, thread = begun(lab, workflow)
    assert entered.wait(10)
    there = lab.place.copy()
    outcome = lab.place.put_back(there, made_at="2026-11-24T01:20:00.000Z")
    go_on.set()
    thread.join(20)
    assert outcome.marked.runs == 1
    now = lab.now(run)
    assert now.status is RunStatus.FAILED
    assert "under way when the snapshot of 2026-11-24T01:20:00.000Z was taken" in now.error
    assert "retry" in now.error
    assert "run.failed" in lab.told(run)
    lab.work()
    assert len(times) == 1
    again = retry_run(lab.kit, now, Retry(), None)
    lab.work()
    assert lab.now(again).status is RunStatus.SUCCEEDED
    assert lab.step(again, "first").reused
    assert not lab.step(again, "second").reused


def test_a_worker_on_a_run_that_vanishes_stops_and_takes_up_the_next(lab, monkeypatch):
    entered, go_on = threading.Event(), threading.Event()

    def stand(config, context):
        entered.set()
        go_on.wait(20)
        return "done"

    offer(monkeypatch, "test.work", stand)
    workflow = lab.workflow(work("only"), transform("after", 1, needs=["only"]))
    there = lab.place.copy()
    run, thread = begun(lab, workflow)
    assert entered.wait(10)
    lab.place.put_back(there)
    go_on.set()
    thread.join(20)
    assert not thread.is_alive()
    assert lab.now(run) is None
    assert lab.run(workflow).status is RunStatus.SUCCEEDED


def test_a_run_in_the_queue_at_the_time_of_the_snapshot_is_not_started_by_the_restore(lab):
    workflow = lab.workflow(transform("a", 1))
    run = lab.start(workflow)
    there = lab.place.copy()
    lab.work()
    assert lab.now(run).status is RunStatus.SUCCEEDED
    lab.place.put_back(there)
    assert lab.work() == 0
    assert lab.now(run).status is RunStatus.FAILED


def test_an_approval_that_was_pending_is_withdrawn_and_waits_for_nobody(lab):
    workflow = lab.workflow({"id": "ask", "type": "approval", "config": {"title": "Go on?"}})
    run = lab.run(workflow)
    assert lab.now(run).status is RunStatus.WAITING
    outcome = lab.place.put_back(lab.place.copy())
    assert (outcome.marked.runs, outcome.marked.approvals) == (1, 1)
    assert lab.db.first("SELECT status FROM approvals")["status"] == "withdrawn"
    assert lab.place.rows("approval_waits") == []
    assert lab.steps(run) == {("ask", 1): "cancelled"}
    assert "approval.withdrawn" in [event.type for event in lab.events()]


def test_a_task_that_was_to_be_done_has_failed(lab):
    agent = create_agent(lab.db, "workspace-lab", AgentCreate(name="Nova"), actor=lab.person.id).agent
    task = give_task(lab.db, lab.task_wakeups.wake, agent, "Try", {}, actor=None)
    outcome = lab.place.put_back(lab.place.copy())
    assert outcome.marked.tasks == 1
    now = find_task_anywhere(lab.db, task.id)
    assert now.status == "failed"
    assert "Give it to the agent again" in now.error
