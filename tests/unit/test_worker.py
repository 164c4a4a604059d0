"""Workers on a real database with a real queue; time is moved, not waited for."""

import threading
import time
from datetime import timedelta
from functools import partial

import msgspec
import pytest
from conftest import settings_for

from releaseapp import clock
from releaseapp.agents import runtimes
from releaseapp.agents import service as agents
from releaseapp.agents.memory import service as memory
from releaseapp.agents.models import AgentStatus, Limits
from releaseapp.agents.schemas import AgentChange, AgentCreate
from releaseapp.agents.tasks import service, upkeep
from releaseapp.agents.tasks.context import TaskContext
from releaseapp.agents.tasks.models import TaskStatus
from releaseapp.agents.tasks.service import LeaseLost
from releaseapp.agents.tasks.worker import Worker
from releaseapp.auth.service import create_account
from releaseapp.errors import Busy, Conflict
from releaseapp.events.models import EventType
from releaseapp.events.queries import list_events_after
from releaseapp.events.service import append
from releaseapp.storage import open_database
from releaseapp.wakeups import Wakeups, Work
from releaseapp.workspaces.service import create_workspace

HOME = "workspace-lab"


def soon(condition, seconds=10):
    """Waits until a condition holds, and gives its value."""
    until = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < until, "it did not come"
        time.sleep(0.005)
    return value


class Lab:
    """One database with one workspace, one queue, and any number of workers."""

    def __init__(self, folder):
        self.folder = folder
        self.settings = settings_for(folder, worker_threads=2)
        self.db = open_database(self.settings)
        self.queue = Wakeups(folder / "queue.db", Work.TASKS)
        self.workers = []
        self.outcomes = []
        person = create_account(self.db, self.settings, "a@example.com", "A", "a long password")
        create_workspace(self.db, "lab", "Lab", person, workspace_id=HOME)

    def agent(self, *steps, output=None, status=AgentStatus.LEARNING, **limits):
        runtime = {"type": "script", "steps": list(steps), "output": output}
        given = AgentCreate(name="Nova", status=status, runtime=runtime, limits=Limits(**limits))
        return agents.create_agent(self.db, HOME, given, actor=None).agent

    def give(self, agent, given=None, wake=None):
        return service.give_task(self.db, wake or self.queue.wake, agent, "Do it", given, actor=None)

    def work(self, **changes):
        settings = settings_for(self.folder, **{"worker_threads": 2, **changes})
        worker = Worker(
            self.db, Wakeups(self.folder / "queue.db", Work.TASKS), settings, lambda *seen: self.outcomes.append(seen)
        )
        self.workers.append(worker)
        worker.start()
        return worker

    def task(self, task):
        return service.find_task(self.db, task.agent_id, task.id)

    def over(self, task):
        return soon(lambda: (now := self.task(task)) and now.is_over and now)

    def running(self, task):
        return soon(lambda: (now := self.task(task)) and now.status is TaskStatus.RUNNING and now)

    def events(self, task=None):
        found = list_events_after(self.db, 0, 1000)
        return [event.type for event in found if task is None or event.subject == task.id]

    def lines(self, task):
        return [line.text for line in service.list_log(self.db, task.id, 0, 1000)]

    def claim(self, task, owner="wrk_other", attempts=3):
        return service.claim_task(self.db, task.id, owner, 15, attempts)


@pytest.fixture
def lab(tmp_path):
    room = Lab(tmp_path)
    yield room
    for worker in room.workers:
        worker.stop(grace_seconds=0)
    room.queue.close()
    room.db.close()


@pytest.fixture
def later(monkeypatch):
    """Moves the clock."""
    real = clock.now

    def move(seconds):
        monkeypatch.setattr(clock, "now", lambda: real() + timedelta(seconds=seconds))

    return move


def test_a_task_is_done_and_everything_about_it_is_told_in_order(lab):
    agent = lab.agent({"log": "one"}, {"log": "two {{ input.n }}"}, output={"n": "{{ input.n + 1 }}"})
    lab.work()
    task = lab.over(lab.give(agent, {"n": 1}))
    assert (task.status, task.output, task.error, task.attempts) == (TaskStatus.COMPLETED, {"n": 2}, None, 1)
    assert [(line.seq, line.text) for line in task.log] == [(1, "one"), (2, "two 1")]
    assert task.usage["log_lines"] == 2
    assert lab.events(task) == ["task.created", "task.started", "task.stream", "task.stream", "task.completed"]
    after = agents.get_agent(lab.db, HOME, agent.id).agent
    assert after.tasks_completed == 1
    assert task.started_at <= after.last_active <= task.finished_at
    soon(lambda: lab.outcomes)
    assert [outcome for outcome, _ in lab.outcomes] == ["completed"]


def test_a_step_that_fails_fails_the_task_with_its_sentence(lab):
    agent = lab.agent({"log": "one"}, {"fail": "No luck with {{ input }}."}, {"log": "never"})
    lab.work()
    task = lab.over(lab.give(agent, "it"))
    assert (task.status, task.error, task.output) == (TaskStatus.FAILED, "No luck with it.", None)
    assert lab.lines(task) == ["one"]
    assert lab.events(task)[-1] == "task.failed"
    assert agents.get_agent(lab.db, HOME, agent.id).agent.tasks_completed == 0


def test_a_runtime_that_breaks_fails_the_task_by_class_name_alone(lab, monkeypatch, caplog):
    def broken(_runtime, _context):
        raise ZeroDivisionError("the secret is hunter2")

    monkeypatch.setattr(runtimes, "run", broken)
    lab.work()
    task = lab.over(lab.give(lab.agent()))
    assert task.status is TaskStatus.FAILED
    assert "ZeroDivisionError" in task.error
    assert "hunter2" not in task.error
    assert "hunter2" in caplog.text


def test_an_inactive_agent_is_given_no_task(lab):
    agent = lab.agent(status=AgentStatus.INACTIVE)
    with pytest.raises(Conflict, match="inactive"):
        lab.give(agent)


def test_tasks_of_an_agent_made_inactive_wait_until_it_is_active_again(lab):
    agent = lab.agent(output="{{ input }}")
    waiting = lab.give(agent, 1)
    agents.change_agent(lab.db, HOME, agent.id, AgentChange(status=AgentStatus.INACTIVE), actor="usr_a")
    worker = lab.work()
    other = lab.over(lab.give(lab.agent(output=2)))
    assert other.output == 2
    assert lab.task(waiting).status is TaskStatus.PENDING
    assert service.pending_tasks(lab.db, 10) == []
    agents.change_agent(lab.db, HOME, agent.id, AgentChange(status=AgentStatus.ACTIVE), actor="usr_a")
    worker.sweep()
    assert lab.over(waiting).output == 1


def test_a_task_cancelled_while_it_waits_is_over_at_once_and_nothing_follows(lab):
    agent = lab.agent({"wait": 60}, {"log": "never"}, {"remember": {"key": "k", "value": 1}})
    lab.work(worker_threads=1)
    task = lab.give(agent)
    lab.running(task)
    before = time.monotonic()
    cancelled = service.cancel_task(lab.db, agent.id, task.id, actor="usr_a")
    assert cancelled.status is TaskStatus.CANCELLED
    # The only thread is free again long before the wait would have ended.
    assert lab.over(lab.give(lab.agent(output=1))).output == 1
    assert time.monotonic() - before < 5
    assert lab.events(task) == ["task.created", "task.started", "task.cancelled"]
    assert lab.lines(task) == []
    assert lab.outcomes[0][0] == "lost"


def test_nothing_is_heard_of_a_task_whose_agent_was_deleted_while_it_ran(lab):
    agent = lab.agent({"log": "begun"}, {"wait": 60}, {"log": "never"})
    lab.work(worker_threads=1)
    task = lab.give(agent)
    soon(lambda: lab.lines(task))
    agents.delete_agent(lab.db, HOME, agent.id, actor="usr_a")
    assert lab.over(lab.give(lab.agent(output=1))).output == 1
    assert lab.task(task) is None
    assert lab.events(task) == ["task.created", "task.started", "task.stream", "task.cancelled"]
    assert lab.events()[lab.events().index("agent.deleted") :][1:2] != ["task.stream"]


def test_a_learning_agent_remembers_and_an_active_one_is_refused(lab):
    keep = {"remember": {"key": "tea", "value": "{{ input }}"}}
    lab.work()
    learning, active = lab.agent(keep), lab.agent(keep, status=AgentStatus.ACTIVE)
    assert lab.over(lab.give(learning, "green")).status is TaskStatus.COMPLETED
    assert memory.recall(lab.db, learning.id, "tea").value == "green"
    assert agents.get_agent(lab.db, HOME, learning.id).agent.memory_items == 1
    refused = lab.over(lab.give(active, "green"))
    assert refused.status is TaskStatus.FAILED
    assert "set its status to learning" in refused.error
    assert memory.recall(lab.db, active.id, "tea") is None


def test_an_agent_that_stops_learning_during_a_task_writes_no_memory_from_then_on(lab):
    agent = lab.agent({"log": "begun"}, {"wait": 0.3}, {"remember": {"key": "tea", "value": 1}})
    lab.work()
    task = lab.give(agent)
    soon(lambda: lab.lines(task))
    agents.change_agent(lab.db, HOME, agent.id, AgentChange(status=AgentStatus.ACTIVE), actor="usr_a")
    assert "read-only" in lab.over(task).error
    assert memory.recall(lab.db, agent.id, "tea") is None


def test_memory_of_a_cancelled_task_is_not_written_however_late_the_cancelling_comes(lab, monkeypatch):
    agent = lab.agent()
    task = lab.give(agent)
    context = TaskContext(lab.db, lab.claim(task), agent, 15)
    service.cancel_task(lab.db, agent.id, task.id, actor="usr_a")
    before = lab.events()
    # As if it were cancelled between the look at the claim and the write.
    monkeypatch.setattr(service, "still_claimed", lambda _db, _task: True)
    for write in (partial(context.remember, "k", 1, "fact"), partial(context.forget, "k"), partial(context.log, "x")):
        with pytest.raises(LeaseLost):
            write()
    assert lab.events() == before


@pytest.mark.parametrize(
    ("limits", "steps", "named"),
    [
        ({"log_lines": 2}, [{"log": "x"}] * 5, "limits.log_lines"),
        ({"seconds": 1}, [{"wait": 60}], "limits.seconds"),
    ],
)
def test_a_task_that_passes_a_limit_fails_with_the_limit_named(lab, limits, steps, named):
    lab.work()
    task = lab.over(lab.give(lab.agent(*steps, **limits)))
    assert task.status is TaskStatus.FAILED
    assert named in task.error


def test_two_workers_side_by_side_do_each_task_once(lab):
    agent = lab.agent({"log": "{{ input }}"}, output="{{ input }}")
    lab.work()
    lab.work()
    given = [lab.give(agent, number) for number in range(30)]
    for number, task in enumerate(given):
        lab.queue.wake(task.id)
        assert lab.over(task).output == number
        assert lab.lines(task) == [str(number)]
        assert lab.events(task) == ["task.created", "task.started", "task.stream", "task.completed"]
    assert agents.get_agent(lab.db, HOME, agent.id).agent.tasks_completed == 30


def test_a_task_of_a_dead_worker_is_taken_up_by_another_once_its_lease_lapsed(lab, later):
    task = lab.give(lab.agent(output=5), wake=lambda _id: None)
    dead = lab.claim(task, "wrk_dead")
    assert lab.claim(task) is None
    later(16)
    lab.work()
    done = lab.over(task)
    assert (done.status, done.output, done.attempts) == (TaskStatus.COMPLETED, 5, 2)
    assert lab.lines(task) == ["Taken up again: attempt 2."]
    assert lab.events(task) == ["task.created", "task.started", "task.recovered", "task.stream", "task.completed"]
    with pytest.raises(LeaseLost):
        service.complete_task(lab.db, dead, "late", {})


def test_a_late_result_of_the_old_holder_changes_nothing(lab, later):
    agent = lab.agent()
    task = lab.give(agent, wake=lambda _id: None)
    old = lab.claim(task, "wrk_old")
    later(16)
    new = lab.claim(task, "wrk_new")
    before = lab.events()
    for late in (
        partial(service.complete_task, lab.db, old, "late", {}),
        partial(service.fail_task, lab.db, old, "late", {}),
        partial(service.append_log, lab.db, old, "late", 15),
        partial(service.extend_lease, lab.db, old, 15),
    ):
        with pytest.raises(LeaseLost):
            late()
    assert lab.events() == before
    assert agents.get_agent(lab.db, HOME, agent.id).agent.tasks_completed == 0
    assert service.complete_task(lab.db, new, "right", {}).output == "right"


def test_a_lease_is_kept_while_a_task_is_long(lab):
    def lease():
        return lab.db.first("SELECT lease_expires_at AS ends, attempts FROM tasks WHERE id = :id", id=task.id)

    lab.work(task_lease_seconds=2)
    task = lab.give(lab.agent({"wait": 60}))
    lab.running(task)
    first = lease()
    soon(lambda: lease()["ends"] > first["ends"], seconds=2)
    assert lease()["attempts"] == 1


def test_a_task_whose_workers_keep_dying_fails_in_the_end(lab, later):
    task = lab.give(lab.agent(), wake=lambda _id: None)
    for attempt in range(3):
        later(20 * attempt)
        assert lab.claim(task) is not None
    later(60)
    lab.work()
    failed = lab.over(task)
    assert failed.status is TaskStatus.FAILED
    assert "died 3 times" in failed.error
    assert lab.events(task)[-1] == "task.failed"


def test_a_lost_wake_up_is_made_good_when_a_worker_starts_and_by_its_sweep(lab):
    agent = lab.agent(output=1)
    before = lab.give(agent, wake=lambda _id: None)
    worker = lab.work()
    # Long before the first sweep of those that come in turn.
    soon(lambda: lab.task(before).output == 1, seconds=2)
    after = lab.give(agent, wake=lambda _id: None)
    worker.sweep()
    assert lab.over(after).output == 1


def test_a_sweep_does_not_wake_twice_for_what_is_in_the_queue_already(lab):
    agent = lab.agent()
    for _ in range(5):
        lab.give(agent)
    sweeper = Worker(lab.db, lab.queue, lab.settings)
    sweeper.sweep()
    sweeper.sweep()
    assert lab.queue.depth() == 5


def test_a_queue_that_cannot_be_written_never_fails_who_gives_a_task(lab, caplog):
    lab.queue.close()
    (lab.folder / "queue.db").write_bytes(b"this is no database at all, and far too short to be one")
    for name in ("queue.db-wal", "queue.db-shm"):
        (lab.folder / name).unlink(missing_ok=True)
    task = lab.give(lab.agent())
    assert lab.task(task).status is TaskStatus.PENDING
    assert "a sweep will find it" in caplog.text


def test_a_worker_that_stops_lets_a_task_finish_within_the_grace_time(lab):
    worker = lab.work()
    task = lab.give(lab.agent({"wait": 0.4}, output=1))
    lab.running(task)
    worker.stop(grace_seconds=10)
    assert lab.task(task).output == 1
    assert not service.worker_is_alive(lab.db, 15)


def test_a_worker_that_stops_hands_a_long_task_over_at_once_and_without_blame(lab):
    worker = lab.work(task_max_attempts=1)
    task = lab.give(lab.agent({"when": "{{ input }}", "wait": 60}, output=1), True)
    lab.running(task)
    before = time.monotonic()
    worker.stop(grace_seconds=0.1)
    assert time.monotonic() - before < 3
    assert lab.task(task).status is TaskStatus.PENDING
    lab.work(task_max_attempts=1)
    assert lab.running(task).attempts == 2
    assert lab.events(task)[:3] == ["task.created", "task.started", "task.recovered"]


def test_a_worker_that_stops_while_it_claims_a_task_does_not_leave_it_behind(lab, monkeypatch):
    claimed, go_on = threading.Event(), threading.Event()
    find_agent = agents.find_agent

    def slow(*arguments):
        claimed.set()
        assert go_on.wait(10)
        return find_agent(*arguments)

    agent = lab.agent({"when": "{{ input }}", "wait": 60}, output=1)
    monkeypatch.setattr("releaseapp.agents.tasks.worker.agents.find_agent", slow)
    worker = lab.work()
    task = lab.give(agent, True)
    assert claimed.wait(10)
    threading.Timer(0.2, go_on.set).start()
    worker.stop(grace_seconds=0.05)
    assert lab.task(task).status is TaskStatus.PENDING


def test_a_worker_that_stops_takes_up_nothing_more_and_loses_nothing(lab):
    agent = lab.agent({"wait": 0.2}, output=1)
    worker = lab.work(worker_threads=1)
    given = [lab.give(agent) for _ in range(4)]
    lab.running(given[0])
    worker.stop(grace_seconds=5)
    left = [task for task in given if lab.task(task).status is TaskStatus.PENDING]
    assert len(left) == 3
    # Nor does a call that was on its way to a thread when the worker stopped.
    worker._take_up(left[0].id)
    assert lab.task(left[0]).status is TaskStatus.PENDING
    assert left[0].id in lab.queue.waiting()
    lab.work()
    assert {lab.over(task).output for task in left} == {1}


def test_a_busy_database_costs_a_task_an_attempt_and_not_its_life(lab, later, monkeypatch):
    agent = lab.agent({"log": "x"}, output=1)
    real, busy = service.append_log, threading.Event()

    def append_log(*given):
        if not busy.is_set():
            busy.set()
            raise Busy("The database is busy.")
        return real(*given)

    monkeypatch.setattr(service, "append_log", append_log)
    worker = lab.work()
    task = lab.give(agent)
    soon(lambda: lab.outcomes)
    assert lab.task(task).status is TaskStatus.RUNNING
    later(16)
    worker.sweep()
    assert lab.over(task).output == 1


def test_a_worker_without_threads_does_nothing_and_stops_at_once(lab):
    worker = Worker(lab.db, lab.queue, settings_for(lab.folder, worker_threads=0))
    worker.start()
    worker.stop()
    assert not service.worker_is_alive(lab.db, 15)


def test_a_worker_leaves_no_thread_behind(lab):
    before = set(threading.enumerate())
    worker = lab.work()
    assert lab.over(lab.give(lab.agent(output=1))).output == 1
    worker.stop()
    assert set(threading.enumerate()) <= before


def test_messages_in_the_queue_are_plain_text(lab):
    lab.queue.wake("tsk_1")
    lab.queue.wake("tsk_1")
    lab.queue.wake("tsk_2")
    assert lab.queue.waiting() == {"tsk_1", "tsk_2"}
    other = Wakeups(lab.folder / "queue.db", Work.TASKS)
    assert other.depth() == 3
    stored = other._huey.storage.enqueued_items()
    other.close()
    assert msgspec.json.decode(bytes(stored[0]))[1] == ["tsk_1"]


def test_events_past_their_time_are_forgotten_in_batches_and_the_newest_stays(lab, later):
    with lab.db.transaction() as tx:
        for number in range(1200):
            append(tx, EventType.AGENT_UPDATED, f"agt_{number}")
    assert upkeep.tidy(lab.db, lab.settings) == 0
    later(31 * 24 * 3600)
    assert upkeep.tidy(lab.db, lab.settings) >= 1199
    assert len(list_events_after(lab.db, 0, 10_000)) == 1
