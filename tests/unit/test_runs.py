"""The machine of runs on a real database: what comes next, what is tried again, what is held back, who takes over."""

import base64
import threading
import time
from urllib.parse import quote

import msgspec
import pytest
from running import HOME, Clock, Lab, offer, transform, work

from releaseapp import clock
from releaseapp.agents import service as agents
from releaseapp.agents.models import AgentStatus
from releaseapp.agents.schemas import AgentChange, AgentCreate
from releaseapp.agents.tasks import service as tasks
from releaseapp.credentials.models import CredentialType
from releaseapp.credentials.schemas import CredentialCreate
from releaseapp.credentials.service import create_credential
from releaseapp.errors import Conflict, Invalid, NotFound
from releaseapp.runs import service
from releaseapp.runs.machine import queries as machine
from releaseapp.runs.machine import turns
from releaseapp.runs.machine.driver import Driver, LeaseLost, Stop
from releaseapp.runs.machine.outside import Ended
from releaseapp.runs.models import RunStatus, TriggerType
from releaseapp.steps.api import Done, StepFailed
from releaseapp.workflows.service import pause, resume
from releaseapp.workflows.store import By
from releaseapp.workspaces.service import create_workspace


@pytest.fixture
def moved(monkeypatch):
    return Clock(monkeypatch)


@pytest.fixture
def lab(tmp_path, moved):
    made = Lab(tmp_path)
    yield made
    made.close()


def soon(condition, seconds=10):
    until = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < until, "it did not come"
        time.sleep(0.005)
    return value


# ── the order of steps, and what they read ───────────────────────────────────


def test_steps_follow_one_another_and_read_what_came_before(lab):
    workflow = lab.workflow(
        transform("a", "{{ inputs.x + 1 }}"),
        transform("b", {"sum": "{{ steps.a.output + inputs.x }}"}),
        output="{{ steps.b.output }}",
    )
    run = lab.run(workflow, {"x": 2})
    assert (run.status, run.output, run.steps_done, run.steps_total) == ("succeeded", {"sum": 5}, 2, 2)
    assert lab.told(run) == ["run.queued", "run.started", "step.succeeded a", "step.succeeded b", "run.succeeded"]
    assert lab.step(run, "b").input == {"value": {"sum": 5}}


def test_a_run_knows_itself_its_trigger_and_its_workspace(lab):
    workflow = lab.workflow(
        transform("a", "{{ run.id }} {{ run.version }} {{ trigger.type }} {{ trigger.by }} {{ workspace.slug }}"),
        output="{{ steps.a.output }}",
    )
    run = lab.run(workflow, by=lab.person.id, email=lab.person.email)
    assert run.output == f"{run.id} 1 api a@example.com lab"


def test_steps_that_need_nothing_of_each_other_are_at_work_together(lab, monkeypatch):
    together = threading.Barrier(3, timeout=10)
    offer(monkeypatch, "test.work", lambda _config, _context: together.wait() >= 0)
    steps = [work(name, needs=[]) for name in "abc"]
    run = lab.run(lab.workflow(*steps, transform("d", "done", needs=["a", "b", "c"]), output="{{ steps.d.output }}"))
    assert (run.status, run.output) == ("succeeded", "done")


def test_a_step_is_left_out_when_its_condition_is_false_and_later_ones_are_not(lab):
    workflow = lab.workflow(
        transform("a", 1, when="{{ inputs.yes }}"),
        transform("b", "{{ steps.a.status }} {{ steps.a.output is none }}"),
        output="{{ steps.b.output }}",
    )
    run = lab.run(workflow, {"yes": False})
    assert (run.output, lab.steps(run)[("a", 1)]) == ("skipped true", "skipped")
    assert lab.run(workflow, {"yes": True}).output == "succeeded false"


def test_items_are_done_each_and_their_outputs_keep_their_order(lab, monkeypatch):
    at_once, most, guard = [0], [0], threading.Lock()

    def slow(config, _context):
        with guard:
            at_once[0] += 1
            most[0] = max(most)
            most[0] = max(most[0], at_once[0])
        time.sleep(0.002 * (5 - config.value % 5))
        with guard:
            at_once[0] -= 1
        return config.value * 10

    offer(monkeypatch, "test.work", slow)
    step = work("each", "{{ item }}", for_each="{{ inputs.numbers }}", max_parallel=3)
    run = lab.run(lab.workflow(step, output="{{ steps.each.output }}"), {"numbers": list(range(12))})
    assert run.output == [number * 10 for number in range(12)]
    assert 1 < most[0] <= 3
    assert lab.step(run, "each").input == list(range(12))
    assert len(lab.steps(run)) == 13


def test_no_items_are_no_work(lab):
    workflow = lab.workflow(transform("each", "{{ item }}", for_each=[]), output="{{ steps.each.output }}")
    assert lab.run(workflow).output == []


@pytest.mark.parametrize(
    ("step", "sentence"),
    [
        (transform("a", "{{ inputs.missing.deeper }}"), "missing"),
        (transform("a", 1, when="{{ inputs.missing.deeper }}"), "missing"),
        (transform("a", 1, for_each="{{ 5 }}"), "for_each comes to a number; it must be a list."),
        (transform("a", 1, for_each="{{ range(20000) | list }}"), "10,000"),
        ({"id": "a", "type": "delay", "config": {}}, "A delay needs either seconds or until, and not both."),
        ({"id": "a", "type": "delay", "config": {"seconds": "{{ 'soon' }}"}}, "'soon', which is no number"),
        ({"id": "a", "type": "fail", "config": {"message": "Enough {{ 1 + 1 }}"}}, "Enough 2"),
        ({"id": "a", "type": "agent.task", "config": {"agent": "Nobody", "title": "x"}}, "no agent 'Nobody'"),
        ({"id": "a", "type": "workflow.run", "config": {"workflow": "Nothing"}}, "no workflow 'Nothing'"),
        ({"id": "a", "type": "queue.publish", "config": {"queue": "{{ 'No Good' }}"}}, "queue"),
    ],
)
def test_a_step_that_cannot_be_done_fails_the_run_with_a_sentence(lab, step, sentence):
    run = lab.run(lab.workflow(step, transform("b", 1)))
    assert (run.status, run.failed_step) == ("failed", "a")
    assert sentence in run.error
    assert ("b", 1) not in lab.steps(run)


def test_an_output_without_a_value_fails_the_run(lab):
    run = lab.run(lab.workflow(transform("a", 1), output="{{ steps.a.output.deeper.still }}"))
    assert run.status == "failed"
    assert run.error.startswith("The output of the run has no value")


def test_an_output_that_is_too_large_is_refused_with_its_limit(lab, monkeypatch):
    offer(monkeypatch, "test.work", lambda _config, _context: "x" * 1_100_000)
    run = lab.run(lab.workflow(work("a")))
    assert "1,048,576" in run.error


# ── failing, and trying again ────────────────────────────────────────────────


def failing(times, sentence="Not now.", **more):
    left = [times]

    def run(_config, context):
        context.log(f"try {context.key}")
        if left[0]:
            left[0] -= 1
            raise StepFailed(sentence, **more)
        return "made it"

    return run


def test_a_step_is_tried_again_after_a_pause_and_its_attempts_share_their_key(lab, moved, monkeypatch):
    offer(monkeypatch, "test.work", failing(2))
    retry = {"max_attempts": 3, "backoff": "fixed", "interval_seconds": 60}
    run = lab.run(lab.workflow(work("a", retry=retry), output="{{ steps.a.output }}"))
    assert (run.status, lab.steps(run)) == ("waiting", {("a", 1): "failed", ("a", 2): "pending"})
    moved.pass_time(59)
    assert lab.work() == 0
    moved.pass_time(2)
    lab.work()
    moved.pass_time(61)
    lab.work()
    run = lab.now(run)
    assert (run.status, run.output) == ("succeeded", "made it")
    assert lab.log(run) == [f"try {run.id}/a/1"] * 3


def test_a_pause_grows_and_is_never_quite_the_same(lab, monkeypatch):
    from releaseapp.runs.machine.advance import pause_before

    workflow = lab.workflow(transform("a", 1, retry={"max_attempts": 9, "interval_seconds": 10}))
    run = lab.start(workflow)
    claimed = turns.claim_next(lab.kit, "test")
    assert claimed.id == run.id
    driver = Driver(lab.kit, claimed, {}, ())
    driver._take_up()
    step = driver._state.steps["a"]
    for number, middle in ((2, 10), (3, 20), (6, 160)):
        pauses = {pause_before(step, number) for _ in range(50)}
        assert len(pauses) > 10
        assert all(middle * 0.75 <= pause <= middle * 1.25 for pause in pauses)
    assert pause_before(step, 60) <= 86_400 * 1.25


def test_what_cannot_get_better_is_not_tried_again(lab, monkeypatch):
    offer(monkeypatch, "test.work", failing(9, "Never.", retryable=False))
    run = lab.run(lab.workflow(work("a", retry={"max_attempts": 5, "backoff": "none"})))
    assert (run.status, run.error, len(lab.steps(run))) == ("failed", "Never.", 1)


def test_a_step_may_fail_and_the_run_go_on(lab, monkeypatch):
    offer(monkeypatch, "test.work", failing(9))
    workflow = lab.workflow(
        work("a", on_error="continue"),
        transform("b", "{{ steps.a.status }}: {{ steps.a.error }}"),
        output="{{ steps.b.output }}",
    )
    run = lab.run(workflow)
    assert (run.status, run.output) == ("succeeded", "failed: Not now.")


def test_items_that_fail_are_none_where_the_step_may_go_on(lab, monkeypatch):
    def odd_ones_fail(config, _context):
        if config.value % 2:
            raise StepFailed("Odd.")
        return config.value

    offer(monkeypatch, "test.work", odd_ones_fail)
    step = work("each", "{{ item }}", for_each=[0, 1, 2, 3], on_error="continue")
    run = lab.run(lab.workflow(step, output="{{ steps.each.output }}"))
    assert (run.status, run.output) == ("succeeded", [0, None, 2, None])


def test_a_failed_item_fails_its_step_and_no_further_item_begins(lab, monkeypatch):
    def third_fails(config, _context):
        if config.value == 2:
            raise StepFailed("The third.")
        return config.value

    offer(monkeypatch, "test.work", third_fails)
    step = work("each", "{{ item }}", for_each=list(range(50)), max_parallel=1)
    run = lab.run(lab.workflow(step, transform("after", 1)))
    assert (run.status, run.error, run.failed_step) == ("failed", "The third.", "each.2")
    assert lab.steps(run)[("each", 1)] == "failed"
    assert ("each.3", 1) not in lab.steps(run)
    assert ("after", 1) not in lab.steps(run)


def test_when_a_step_fails_what_is_in_hand_ends_what_waits_is_dropped_and_nothing_begins(lab, monkeypatch):
    go = threading.Event()

    def patient(_config, _context):
        assert go.wait(10)
        return "ended"

    def hasty(_config, _context):
        threading.Timer(0.05, go.set).start()
        raise StepFailed("Broken.")

    offer(monkeypatch, "test.patient", patient)
    offer(monkeypatch, "test.hasty", hasty)
    workflow = lab.workflow(
        work("patient", kind="test.patient", needs=[]),
        {"id": "waits", "type": "delay", "config": {"seconds": 600}, "needs": []},
        work("hasty", kind="test.hasty", needs=[]),
        transform("after", 1, needs=["patient"]),
    )
    run = lab.run(workflow)
    assert (run.status, run.error, run.failed_step) == ("failed", "Broken.", "hasty")
    assert lab.steps(run) == {("patient", 1): "succeeded", ("waits", 1): "cancelled", ("hasty", 1): "failed"}


def test_a_step_that_takes_too_long_is_given_up_and_what_it_brings_later_is_kept_as_late(lab, monkeypatch):
    lab.worker.start()
    told, go = threading.Event(), threading.Event()

    def slow(_config, context):
        context.when_abandoned(told.set)
        assert go.wait(10)
        return "too late"

    offer(monkeypatch, "test.work", slow)
    run = lab.start(lab.workflow(work("a", timeout_seconds=0.3)))
    moved_by = soon(lambda: ("a", 1) in lab.steps(run))
    assert moved_by
    clock.now.__self__.pass_time(1)
    soon(lambda: lab.now(run).is_over)
    assert lab.now(run).error == "It took longer than 0.3 seconds."
    assert told.wait(5)
    go.set()
    soon(lambda: lab.step(run, "a").late)
    assert lab.step(run, "a").late["output"] == "too late"
    assert lab.step(run, "a").status == "failed"
    assert lab.told(run)[-1] == "step.late a"


def test_a_run_that_takes_too_long_fails(lab, moved):
    run = lab.run(lab.workflow({"id": "a", "type": "delay", "config": {"seconds": 600}}, timeout_seconds=60))
    assert run.status == "waiting"
    moved.pass_time(61)
    lab.work()
    run = lab.now(run)
    assert (run.status, run.error) == ("failed", "The run took longer than 60 seconds.")
    assert lab.steps(run) == {("a", 1): "cancelled"}


def test_a_type_with_a_fault_fails_its_step_and_the_worker_lives_on(lab, monkeypatch):
    offer(monkeypatch, "test.work", lambda _config, _context: 1 / 0)
    offer(monkeypatch, "test.inside", lambda _config, _context: 1 / 0, outside=False)
    for kind in ("test.work", "test.inside"):
        run = lab.run(lab.workflow(work("a", kind=kind)))
        assert run.error == "The step broke (ZeroDivisionError); the server's log says more."
    assert lab.run(lab.workflow(transform("a", 1))).status == "succeeded"


# ── waiting ──────────────────────────────────────────────────────────────────


def test_a_delay_lasts_as_long_as_it_says_whatever_happens_to_the_worker(lab, moved):
    run = lab.run(
        lab.workflow({"id": "a", "type": "delay", "config": {"seconds": 3600}}, output="{{ steps.a.output }}")
    )
    assert run.status == "waiting"
    moved.pass_time(3599)
    assert lab.work() == 0
    lab.worker = lab.new_worker()
    moved.pass_time(2)
    lab.work()
    assert lab.now(run).status == "succeeded"
    assert lab.told(run) == [
        "run.queued", "run.started", "step.waiting a", "run.waiting", "run.resumed", "step.succeeded a", "run.succeeded",
    ]  # fmt: skip


def test_a_time_that_has_passed_is_no_delay(lab):
    run = lab.run(lab.workflow({"id": "a", "type": "delay", "config": {"until": "2020-01-31T08:00:00+02:00"}}))
    assert run.status == "succeeded"


def agent(lab, *steps, output=None, status=AgentStatus.ACTIVE):
    runtime = {"type": "script", "steps": list(steps), "output": output}
    return agents.create_agent(lab.db, HOME, AgentCreate(name="Nova", status=status, runtime=runtime), actor=None).agent


def give(title="Do it", **more):
    return {"id": "ask", "type": "agent.task", "config": {"agent": "nova", "title": title, "input": {"n": 4}}, **more}


def test_an_agent_does_a_task_and_the_run_goes_on_with_its_output(lab):
    agent(lab, output="{{ input.n * 2 }}")
    run = lab.run(lab.workflow(give(), output="{{ steps.ask.output }}"))
    task_id = lab.step(run, "ask").waits_for
    assert (run.status, task_id[:4]) == ("waiting", "tsk_")
    lab.task_worker()._take_up(task_id)
    lab.work()
    assert (lab.now(run).status, lab.now(run).output) == ("succeeded", 8)


def test_a_task_that_fails_fails_its_step(lab):
    agent(lab, {"fail": "I cannot."})
    run = lab.run(lab.workflow(give()))
    lab.task_worker()._take_up(lab.step(run, "ask").waits_for)
    lab.work()
    assert lab.now(run).error == "The agent's task failed: I cannot."


def test_an_agent_that_takes_no_tasks_or_is_deleted_fails_the_step(lab):
    nova = agent(lab)
    run = lab.run(lab.workflow(give()))
    agents.delete_agent(lab.db, HOME, nova.id, actor=None)
    lab.work()
    assert lab.now(run).error == "The agent was deleted, and its task with it."
    lazy = agent(lab)
    agents.change_agent(lab.db, HOME, lazy.id, AgentChange(status=AgentStatus.INACTIVE), actor=None)
    assert "inactive" in lab.run(lab.workflow(give())).error


def test_a_run_waits_for_the_run_that_it_started(lab, moved):
    lab.workflow(
        {"id": "a", "type": "delay", "config": {"seconds": 60}}, name="Child", output={"got": "{{ inputs.n }}"},
        inputs={"type": "object", "required": ["n"]},
    )  # fmt: skip
    step = {"id": "sub", "type": "workflow.run", "config": {"workflow": "child", "inputs": {"n": "{{ inputs.n }}"}}}
    parent = lab.workflow(step, name="Parent", output="{{ steps.sub.output.got }}")
    run = lab.run(parent, {"n": 7})
    child = service.list_children(lab.db, run.id, 10)[0]
    assert (run.status, child.status, child.parent_step, child.depth) == ("waiting", "waiting", "sub", 1)
    moved.pass_time(61)
    lab.work()
    assert (lab.now(run).status, lab.now(run).output) == ("succeeded", 7)
    refused = lab.run(lab.workflow({**step, "config": {"workflow": "Child"}}, name="Other"))
    assert "'n' is a required property" in refused.error


def test_a_workflow_that_runs_itself_comes_to_an_end(lab):
    step = {"id": "again", "type": "workflow.run", "config": {"workflow": "Ouroboros"}}
    run = lab.run(lab.workflow(step, name="Ouroboros"))
    assert run.status == "failed"
    assert "10 deep" in run.error


# ── cancelling ───────────────────────────────────────────────────────────────


def test_a_run_can_be_cancelled_before_it_begins_and_while_it_waits(lab, moved):
    workflow = lab.workflow({"id": "a", "type": "delay", "config": {"seconds": 60}})
    queued = lab.start(workflow)
    assert service.cancel_run(lab.kit, queued, lab.person.id).status == "cancelled"
    waiting = lab.run(workflow)
    service.cancel_run(lab.kit, waiting, lab.person.id)
    moved.pass_time(61)
    assert lab.work() == 0
    assert lab.steps(waiting) == {("a", 1): "cancelled"}
    assert lab.events(waiting)[-1].actor == lab.person.id
    with pytest.raises(Conflict, match="been cancelled already"):
        service.cancel_run(lab.kit, waiting, None)


def test_cancelling_reaches_tasks_and_children(lab):
    nova = agent(lab)
    lab.workflow(give(), name="Child")
    step = {"id": "sub", "type": "workflow.run", "config": {"workflow": "Child"}}
    run = lab.run(lab.workflow(step, name="Parent"))
    child = service.list_children(lab.db, run.id, 10)[0]
    task_id = lab.step(child, "ask").waits_for
    service.cancel_run(lab.kit, run, None)
    assert lab.now(child).status == "cancelled"
    assert tasks.find_task(lab.db, nova.id, task_id).status == "cancelled"


def test_a_cancelled_child_fails_its_parent(lab):
    lab.workflow({"id": "a", "type": "delay", "config": {"seconds": 60}}, name="Child")
    step = {"id": "sub", "type": "workflow.run", "config": {"workflow": "Child"}}
    run = lab.run(lab.workflow(step, name="Parent"))
    service.cancel_run(lab.kit, service.list_children(lab.db, run.id, 10)[0], None)
    lab.work()
    assert lab.now(run).error.endswith("of Child cancelled.")


def test_a_step_at_work_is_told_that_its_run_was_cancelled_and_its_late_result_changes_nothing(lab, monkeypatch):
    lab.worker.start()
    told, go = threading.Event(), threading.Event()

    def slow(_config, context):
        context.when_abandoned(told.set)
        assert go.wait(10)
        return "late"

    offer(monkeypatch, "test.work", slow)
    run = lab.start(lab.workflow(work("a"), transform("b", 1)))
    soon(lambda: lab.steps(run).get(("a", 1)) == "running")
    cancelled = service.cancel_run(lab.kit, run, None)
    assert cancelled.status == "cancelled"
    assert told.wait(5)
    go.set()
    soon(lambda: lab.step(run, "a").late)
    assert lab.step(run, "a").late["output"] == "late"
    assert lab.steps(run) == {("a", 1): "cancelled"}
    assert lab.now(run).status == "cancelled"


def test_what_a_step_brought_before_its_worker_knew_of_the_cancel_is_kept_as_late(lab, monkeypatch):
    offer(monkeypatch, "test.work", lambda _config, _context: None)
    began = []
    monkeypatch.setattr("releaseapp.runs.machine.driver.launch", lambda *arguments: began.append(arguments))
    run = lab.start(lab.workflow(work("a")))
    driver = Driver(lab.kit, turns.claim_next(lab.kit, "one"), {"slug": "lab", "name": "Lab"}, ())

    def hear_after_the_cancel():
        service.cancel_run(lab.kit, run, None)
        driver.tell(Ended(began[0][0].attempt, result=Done("sent")))
        driver._hear(driver._inbox.get())

    monkeypatch.setattr(driver, "_listen", hear_after_the_cancel)
    driver.drive()
    assert lab.step(run, "a").late["output"] == "sent"


def test_a_worker_that_takes_over_counts_lines_on(lab, monkeypatch, moved):
    monkeypatch.setattr("releaseapp.runs.machine.driver.launch", lambda context, *_: context.log("one\ntwo"))
    offer(monkeypatch, "test.work", lambda _config, _context: None)
    run = lab.start(lab.workflow(work("a")))
    driver = Driver(lab.kit, turns.claim_next(lab.kit, "the dead"), {"slug": "lab", "name": "Lab"}, ())
    driver._take_up()
    driver._turn()
    driver._hear(driver._inbox.get())
    driver._write()
    moved.pass_time(60)
    turns.sweep(lab.kit)
    monkeypatch.undo()
    offer(monkeypatch, "test.work", lambda _config, context: context.log("three"))
    lab.work()
    assert lab.now(run).log_lines == lab.step(run, "a").log_lines == 4


# ── taking over ──────────────────────────────────────────────────────────────


def die_with(lab, run):
    """A worker takes the run, begins what there is to begin, and is never heard of again."""
    claimed = turns.claim_next(lab.kit, "the dead")
    assert claimed.id == run.id
    driver = Driver(lab.kit, claimed, {"slug": "lab", "name": "Lab"}, ())
    driver._take_up()
    driver._advance.go_on()
    driver._write()
    return driver


def test_a_run_of_a_worker_that_died_goes_on_from_its_last_finished_step(lab, moved, monkeypatch):
    done = []
    offer(monkeypatch, "test.work", lambda config, _context: done.append(config.value) or config.value)
    workflow = lab.workflow(transform("a", "first"), work("b", "{{ steps.a.output }}"), output="{{ steps.b.output }}")
    run = lab.start(workflow)
    die_with(lab, run)
    assert lab.work() == 0
    moved.pass_time(16)
    lab.work()
    run = lab.now(run)
    assert (run.status, run.output, run.recovered, done) == ("succeeded", "first", True, ["first"])
    assert lab.told(run).count("run.recovered") == 1
    assert lab.told(run).count("step.succeeded a") == 1
    assert lab.log(run) == ["Taken up again after its worker had died."]


def test_a_worker_that_lost_its_lease_writes_nothing_more(lab, moved, monkeypatch):
    offer(monkeypatch, "test.work", lambda _config, _context: "of the living")
    run = lab.start(lab.workflow(work("a"), output="{{ steps.a.output }}"))
    dead = die_with(lab, run)
    moved.pass_time(16)
    lab.work()
    before = lab.events(run)
    dead._advance.finish(dead._state.active[("a", -1)], "of the dead")
    with pytest.raises(LeaseLost):
        dead._write()
    assert lab.now(run).output == "of the living"
    assert lab.events(run) == before


def test_a_step_that_kills_its_worker_is_failed_after_three_takeovers(lab, moved, monkeypatch):
    offer(monkeypatch, "test.work", lambda _config, _context: None)
    run = lab.start(lab.workflow(work("poison", retry={"max_attempts": 9})))
    for _ in range(4):
        die_with(lab, run)
        moved.pass_time(16)
        turns.sweep(lab.kit)
    lab.work()
    run = lab.now(run)
    assert run.status == "failed"
    assert run.error == "Its worker died 3 times while doing it, so it is not tried again."
    assert lab.told(run).count("run.recovered") == 4


def test_a_run_that_kills_its_worker_before_any_step_is_failed_too(lab, moved):
    run = lab.start(lab.workflow(transform("a", 1)))
    for _ in range(4):
        assert turns.claim_next(lab.kit, "the dead").id == run.id
        moved.pass_time(16)
        turns.sweep(lab.kit)
    lab.work()
    assert "died 4 times while deciding" in lab.now(run).error


def test_a_definition_that_cannot_be_read_fails_its_run_and_holds_up_no_other(lab):
    broken = lab.start(lab.workflow(transform("a", 1), name="Broken"))
    with lab.db.transaction() as tx:
        tx.run('UPDATE run_definitions SET definition = \'{"name": "x", "steps": [{"id": 5, "type": "new"}]}\'')
    good = lab.start(lab.workflow(transform("b", 2)))
    lab.work()
    assert (lab.now(broken).status, lab.now(good).status) == ("failed", "succeeded")
    assert "cannot read the definition" in lab.now(broken).error
    assert lab.told(broken)[-1] == "run.failed"


def test_a_worker_that_stops_gives_its_run_back_without_blame(lab, monkeypatch):
    tries, go = [], threading.Event()

    def stubborn(_config, context):
        tries.append(context.key)
        return "done" if len(tries) > 1 else go.wait(10)

    offer(monkeypatch, "test.work", stubborn)
    lab.worker.start()
    run = lab.start(lab.workflow(work("a"), output="{{ steps.a.output }}"))
    soon(lambda: tries)
    lab.worker.stop(grace_seconds=0.05)
    assert lab.now(run).status == "queued"
    assert lab.steps(run) == {("a", 1): "pending"}
    go.set()
    lab.worker = lab.new_worker()
    lab.work()
    run = lab.now(run)
    assert (run.status, run.output, run.recovered) == ("succeeded", "done", False)
    assert tries[0] == tries[1]
    assert "run.released" in lab.told(run)


def test_a_worker_that_stops_lets_a_step_end_within_the_grace_time(lab, monkeypatch):
    begun, go = threading.Event(), threading.Event()

    def slow(_config, _context):
        begun.set()
        return go.wait(10)

    offer(monkeypatch, "test.work", slow)
    lab.worker.start()
    run = lab.start(lab.workflow(work("a"), transform("b", 1)))
    assert begun.wait(10)
    threading.Timer(0.1, go.set).start()
    lab.worker.stop(grace_seconds=10)
    assert lab.steps(run) == {("a", 1): "succeeded"}
    lab.worker = lab.new_worker()
    lab.work()
    assert lab.now(run).status == "succeeded"


# ── what went wrong once ─────────────────────────────────────────────────────


def test_an_attempt_that_was_left_behind_has_its_time_anew_and_is_made_once(lab, moved, monkeypatch):
    calls = []
    offer(monkeypatch, "test.work", lambda config, _context: calls.append(config.value))
    retry = {"max_attempts": 3, "backoff": "none"}
    run = lab.start(lab.workflow(work("a", "a", timeout_seconds=10, retry=retry), work("b", "b")))
    die_with(lab, run)
    moved.pass_time(16)
    lab.work()
    assert (lab.now(run).status, lab.now(run).steps_done, calls) == ("succeeded", 2, ["a", "b"])


def test_a_run_whose_time_was_over_when_it_is_taken_over_begins_nothing_more(lab, moved, monkeypatch):
    calls = []
    offer(monkeypatch, "test.work", lambda config, _context: calls.append(config.value))
    run = lab.start(lab.workflow(work("a", "a"), timeout_seconds=10))
    die_with(lab, run)
    moved.pass_time(16)
    lab.work()
    assert (lab.now(run).error, calls) == ("The run took longer than 10 seconds.", [])


@pytest.mark.parametrize("kind", ["transform", "queue.publish"])
def test_thousands_of_items_are_done_however_they_are_done(lab, kind):
    config = {"value": "{{ item }}"} if kind == "transform" else {"queue": "q", "message": "{{ item }}"}
    number = 1500 if kind == "transform" else 45
    step = {"id": "each", "type": kind, "config": config, "for_each": f"{{{{ range({number}) | list }}}}"}
    run = lab.run(lab.workflow(step, transform("n", "{{ steps.each.output | length }}"), output="{{ steps.n.output }}"))
    assert (run.status, run.output) == ("succeeded", number)
    published = lab.db.first("SELECT COUNT(*) AS number FROM queue_messages")["number"]
    assert published == (0 if kind == "transform" else number)


def test_what_went_on_after_a_failure_is_not_done_again_from_a_later_step(lab, monkeypatch):
    done = []

    def only_x_fails(_config, context):
        done.append(context.step_id)
        if context.step_id == "x":
            raise StepFailed("No.")

    offer(monkeypatch, "test.work", only_x_fails)
    run = lab.run(lab.workflow(work("x", on_error="continue"), work("y"), work("z")))
    done.clear()
    again = service.retry_run(lab.kit, run, service.Retry(from_step="z"), None)
    lab.work()
    assert (lab.now(again).status, lab.now(again).steps_done, done) == ("succeeded", 3, ["z"])


def test_a_step_of_another_type_is_done_again_with_all_that_follow_it(lab, monkeypatch):
    from releaseapp.workflows.models import Action
    from releaseapp.workflows.service import add_draft, change_draft, publish

    done = []
    offer(monkeypatch, "test.work", lambda _config, context: done.append(context.step_id))
    workflow = lab.workflow(work("a"), work("b"), work("c"))
    run = lab.run(workflow)
    workflow = add_draft(lab.store, workflow, 1, Action.DUPLICATED, By(None))
    changed = {"name": "W", "steps": [work("a"), transform("b", 1), work("c")]}
    publish(lab.store, change_draft(lab.store, workflow, 2, changed, By(None)), 2, By(None))
    done.clear()
    again = service.retry_run(lab.kit, run, service.Retry(current=True), None)
    lab.work()
    assert (lab.now(again).status, lab.now(again).steps_done, done) == ("succeeded", 3, ["c"])


def test_a_delay_ends_in_time_beside_a_step_that_is_at_work(tmp_path, monkeypatch):
    lab = Lab(tmp_path)
    go = threading.Event()
    offer(monkeypatch, "test.work", lambda _config, _context: go.wait(20))
    lab.worker.start()
    nap = {"id": "nap", "type": "delay", "config": {"seconds": 0.1}, "needs": []}
    run = lab.start(lab.workflow(work("slow", needs=[]), nap, transform("after", 1, needs=["nap"])))
    soon(lambda: lab.steps(run).get(("after", 1)) == "succeeded")
    assert lab.steps(run)[("slow", 1)] == "running"
    go.set()
    soon(lambda: lab.now(run).is_over)
    lab.close()


def test_a_step_that_never_stops_talking_is_heard_and_ends_in_its_time(tmp_path, monkeypatch):
    lab = Lab(tmp_path)

    def chatter(_config, context):
        while True:
            context.check_alive()
            context.log("and another thing")
            time.sleep(0.005)

    offer(monkeypatch, "test.work", chatter)
    lab.worker.start()
    run = lab.start(lab.workflow(work("a", timeout_seconds=1)))
    soon(lambda: lab.log(run))
    soon(lambda: lab.now(run).is_over)
    assert lab.now(run).error == "It took longer than 1 seconds."
    lab.close()


def test_a_worker_that_stops_begins_no_further_item(lab, monkeypatch):
    calls, go = [], threading.Event()

    def one(config, _context):
        calls.append(config.value)
        assert go.wait(10)

    offer(monkeypatch, "test.work", one)
    lab.worker.start()
    lab.start(lab.workflow(work("each", "{{ item }}", for_each=list(range(50)), max_parallel=1)))
    soon(lambda: calls)
    threading.Timer(0.1, go.set).start()
    lab.worker.stop(grace_seconds=10)
    assert calls == [0]


def test_a_late_result_that_cannot_be_kept_does_not_end_what_is_at_work(lab, moved, monkeypatch):
    go, tries = threading.Event(), []

    def odd(_config, _context):
        tries.append(1)
        if len(tries) == 1:
            assert go.wait(10)
            return Done(object())
        soon(go.is_set)
        return "good"

    offer(monkeypatch, "test.work", odd)
    lab.worker.start()
    retry = {"max_attempts": 2, "backoff": "none"}
    run = lab.start(lab.workflow(work("a", timeout_seconds=5, retry=retry), output="{{ steps.a.output }}"))
    soon(lambda: tries)
    moved.pass_time(6)
    soon(lambda: len(tries) == 2)
    go.set()
    soon(lambda: lab.now(run).is_over)
    assert lab.now(run).output == "good"


def leaves(*_arguments):
    raise SystemExit


@pytest.mark.parametrize("outside", [True, False])
@pytest.mark.parametrize(
    "function",
    [
        lambda *_: msgspec.structs.asdict(Done(1)),
        lambda _config, context: context.log("\ud800") or {"not": "JSON", "but": object()},
        lambda *_: (_ for _ in ()).throw(StepFailed("half a sign: \ud800 and \0")),
    ],
    ids=["no result", "no JSON", "no text"],
)
def test_a_type_that_misbehaves_fails_its_step_at_once(lab, monkeypatch, function, outside):
    offer(monkeypatch, "test.work", function, outside=outside)
    run = lab.run(lab.workflow(work("a"), output="{{ steps.a.output }}"))
    assert run.is_over
    assert run.recovered is False


def test_a_type_that_gives_nothing_or_leaves_fails_its_step(lab, monkeypatch):
    from releaseapp.runs.machine.blueprint import blueprint_of
    from releaseapp.steps import step_types

    offer(monkeypatch, "test.work", leaves)
    assert "broke" in lab.run(lab.workflow(work("a"))).error
    for outside in (True, False):
        kind = msgspec.structs.replace(step_types()["test.work"], run=lambda *_: None, outside=outside)
        monkeypatch.setitem(step_types(), "test.work", kind)
        blueprint_of.cache_clear()
        run = lab.run(lab.workflow(work("a")))
        assert (run.status, "broke" in run.error) == ("failed", True)


def test_what_failed_below_another_run_is_retried_by_that_one_alone(lab, monkeypatch):
    offer(monkeypatch, "test.work", failing(1))
    lab.workflow(work("w"), name="Child")
    step = {"id": "sub", "type": "workflow.run", "config": {"workflow": "Child"}}
    parent = lab.run(lab.workflow(step, name="Parent"))
    again = service.retry_failed(lab.kit, HOME, service.Filter(), None)
    assert [one.retry_of for one in again] == [parent.id]
    lab.work()
    assert lab.now(again[0]).status == "succeeded"


def test_retries_are_numbered_on_and_on(lab, monkeypatch):
    run = lab.run(lab.workflow({"id": "a", "type": "fail", "config": {"message": "No."}}))
    for number in range(2, 105):
        again = service.retry_run(lab.kit, run, service.Retry(), None)
        assert again.attempt == number
        service.cancel_run(lab.kit, again, None)


def test_a_run_at_work_goes_on_when_its_worker_stops_though_its_workflow_is_paused(lab, monkeypatch):
    workflow = lab.workflow({"id": "a", "type": "delay", "config": {"seconds": 0}}, transform("b", 1))
    run = lab.start(workflow)
    claimed = turns.claim_next(lab.kit, "one")
    pause(lab.store, workflow, By(None))
    driver = Driver(lab.kit, claimed, {"slug": "lab", "name": "Lab"}, ())
    driver.tell(Stop(now=False))
    driver._take_up()
    driver._hear(driver._inbox.get())
    driver._turn()
    assert lab.now(run).status == "queued"
    lab.work()
    assert lab.now(run).status == "succeeded"


def test_a_schema_that_refers_to_itself_is_a_fault_of_the_inputs(lab):
    workflow = lab.workflow(transform("a", 1), inputs={"$ref": "#"})
    with pytest.raises(Invalid, match="refers to itself"):
        lab.start(workflow, {"x": 1})


# ── limits, and taking turns ─────────────────────────────────────────────────


def test_no_more_runs_are_at_work_at_once_than_a_limit_allows_and_each_gets_its_turn(lab):
    with lab.db.transaction() as tx:
        tx.run("INSERT INTO run_limits (scope, at_once, updated_at) VALUES (:scope, 2, '')", scope=HOME)
    workflow = lab.workflow(transform("a", 1))
    runs = [lab.start(workflow) for _ in range(5)]
    taken = [turns.claim_next(lab.kit, "one"), turns.claim_next(lab.kit, "two")]
    assert [one.id for one in taken] == [runs[0].id, runs[1].id]
    assert turns.claim_next(lab.kit, "three") is None
    Driver(lab.kit, taken[0], {}, ()).drive()
    assert turns.claim_next(lab.kit, "three").id == runs[2].id
    assert turns.claim_next(lab.kit, "four") is None


def test_a_place_in_a_workspace_that_one_cannot_have_goes_to_the_next(lab):
    slow, quick = lab.workflow(transform("a", 1), name="Slow"), lab.workflow(transform("a", 1), name="Quick")
    with lab.db.transaction() as tx:
        for scope, at_once in ((HOME, 2), (slow.id, 1)):
            text = "INSERT INTO run_limits (scope, at_once, updated_at) VALUES (:scope, :at_once, '')"
            tx.run(text, scope=scope, at_once=at_once)
    at_work = [lab.start(slow), lab.start(quick)]
    assert [turns.claim_next(lab.kit, "one").id for _ in at_work] == [run.id for run in at_work]
    lab.start(slow)
    waiting = lab.start(quick)
    # Both are held back by the workspace, as it is full, the slow one first; and the workflow of that one is full, too.
    with lab.db.transaction() as tx:
        tx.run("UPDATE runs SET held_by = :scope WHERE status = 'queued'", scope=HOME)
    service.cancel_run(lab.kit, at_work[1], None)
    assert turns.claim_next(lab.kit, "two").id == waiting.id


def test_a_long_queue_of_runs_that_are_held_back_is_gone_through_to_its_end(lab):
    slow, quick = lab.workflow(transform("a", 1), name="Slow"), lab.workflow(transform("a", 1), name="Quick")
    lab.start(slow)
    turns.claim_next(lab.kit, "one")
    with lab.db.transaction() as tx:
        tx.run("INSERT INTO run_limits (scope, at_once, updated_at) VALUES (:scope, 1, '')", scope=slow.id)
    for _ in range(450):
        lab.start(slow)
    last = lab.start(quick)
    assert turns.claim_next(lab.kit, "two").id == last.id


def test_a_limit_of_a_workflow_holds_its_own_runs_back_and_no_others(lab):
    slow, quick = lab.workflow(transform("a", 1), name="Slow"), lab.workflow(transform("a", 1), name="Quick")
    with lab.db.transaction() as tx:
        tx.run("INSERT INTO run_limits (scope, at_once, updated_at) VALUES (:scope, 1, '')", scope=slow.id)
    first, second, other = lab.start(slow), lab.start(slow), lab.start(quick)
    taken = turns.claim_next(lab.kit, "one")
    assert taken.id == first.id
    assert turns.claim_next(lab.kit, "two").id == other.id
    assert turns.claim_next(lab.kit, "three") is None
    service.cancel_run(lab.kit, first, None)
    assert turns.claim_next(lab.kit, "four").id == second.id


def test_one_busy_workspace_does_not_keep_another_waiting(lab):
    create_workspace(lab.db, "other", "Other", lab.person, workspace_id="workspace-other")
    busy, calm = lab.workflow(transform("a", 1)), lab.workflow(transform("a", 1), home="workspace-other")
    crowd = [lab.start(busy) for _ in range(50)]
    for _ in range(10):
        turns.claim_next(lab.kit, "worker")
    late = [lab.start(calm) for _ in range(3)]
    order = [turns.claim_next(lab.kit, "worker").id for _ in range(6)]
    assert {one.id for one in late} <= set(order)
    assert len(set(order) & {one.id for one in crowd}) == 3


def test_a_paused_workflow_begins_nothing_and_goes_on_when_it_is_resumed(lab):
    workflow = lab.workflow(transform("a", 1))
    run = lab.start(workflow)
    workflow = pause(lab.store, workflow, By(None))
    assert lab.work() == 0
    assert lab.now(run).status == "queued"
    with pytest.raises(Conflict, match="paused"):
        lab.start(workflow)
    resume(lab.store, workflow, By(None))
    lab.work()
    assert lab.now(run).status == "succeeded"


# ── starting, and retrying ───────────────────────────────────────────────────


def test_inputs_are_checked_and_defaults_filled_in(lab):
    schema = {
        "type": "object",
        "required": ["who"],
        "properties": {"who": {"type": "string"}, "times": {"type": "integer", "default": 2}},
    }
    workflow = lab.workflow(
        transform("a", "{{ inputs.who * inputs.times }}"), inputs=schema, output="{{ steps.a.output }}"
    )
    assert lab.run(workflow, {"who": "ab"}).output == "abab"
    with pytest.raises(Invalid) as refused:
        lab.start(workflow, {"times": "often"})
    assert {fault.pointer for fault in refused.value.faults} == {"/inputs/who", "/inputs/times"}
    with pytest.raises(Invalid, match="bytes"):
        lab.start(workflow, {"who": "x" * 300_000})


@pytest.mark.parametrize(
    ("schema", "inputs"),
    [
        ({"properties": {"name": {"pattern": "^(a|aa)+$"}}}, {"name": "a" * 60 + "!"}),
        ({"patternProperties": {"^(a|aa)+$": {}}, "additionalProperties": False}, {"a" * 60 + "!": 1}),
        ({"patternProperties": {"^(a|aa)+$": {}}, "unevaluatedProperties": False}, {"a" * 60 + "!": 1}),
    ],
)
def test_a_pattern_that_takes_for_ever_is_a_fault_and_holds_nothing_up(lab, schema, inputs):
    workflow = lab.workflow(transform("a", 1), inputs={"type": "object", **schema})
    with pytest.raises(Invalid) as refused:
        lab.start(workflow, inputs=inputs)
    assert any("pattern" in fault.detail.lower() for fault in refused.value.faults), refused.value.faults


def test_names_that_no_pattern_and_no_property_allows_are_refused(lab):
    schema = {
        "type": "object",
        "properties": {"a": {}},
        "patternProperties": {"^x-": {"type": "integer"}},
        "additionalProperties": False,
    }
    workflow = lab.workflow(transform("a", 1), inputs=schema)
    lab.start(workflow, inputs={"a": 1, "x-one": 1})
    for wrong, word in (({"x-one": "1"}, "integer"), ({"b": 1}, "'b' was unexpected")):
        with pytest.raises(Invalid, match=word):
            lab.start(workflow, inputs=wrong)


def test_every_missing_input_is_named_and_nothing_is_fetched_for_a_schema(lab):
    schema = {"type": "object", "required": ["one", "two"]}
    with pytest.raises(Invalid) as refused:
        lab.start(lab.workflow(transform("a", 1), inputs=schema))
    assert [fault.pointer for fault in refused.value.faults] == ["/inputs/one", "/inputs/two"]
    away = {"type": "object", "properties": {"x": {"$ref": "http://127.0.0.1:1/schema.json"}}}
    with pytest.raises(Invalid, match="nothing is fetched"):
        lab.start(lab.workflow(transform("a", 1), inputs=away), {"x": 1})


def test_a_timeout_withdraws_its_own_question_and_no_other(lab, moved):
    def ask(step_id, **more):
        return {"id": step_id, "type": "approval", "config": {"title": step_id}, "needs": [], **more}

    run = lab.run(lab.workflow(ask("short", timeout_seconds=60, on_error="continue"), ask("long")))
    moved.pass_time(61)
    lab.work()
    rows = lab.db.all("SELECT title, status FROM approvals ORDER BY title")
    assert [(row["title"], row["status"]) for row in rows] == [("long", "pending"), ("short", "withdrawn")]
    assert lab.now(run).status == "waiting"


def test_a_run_keeps_the_definition_that_it_began_with(lab, moved):
    from releaseapp.workflows.models import Action
    from releaseapp.workflows.service import add_draft, change_draft, publish

    before = [{"id": "wait", "type": "delay", "config": {"seconds": 60}}, transform("a", "old")]
    workflow = lab.workflow(*before, output="{{ steps.a.output }}")
    run = lab.run(workflow)
    workflow = add_draft(lab.store, workflow, 1, Action.DUPLICATED, By(None))
    after = {"name": "W", "steps": [transform("a", "new")], "output": "{{ steps.a.output }}"}
    workflow = change_draft(lab.store, workflow, 2, after, By(None))
    workflow = publish(lab.store, workflow, 2, By(None))
    moved.pass_time(61)
    lab.work()
    assert (lab.now(run).output, lab.now(run).version) == ("old", 1)
    assert (lab.run(workflow).output, lab.run(workflow).version) == ("new", 2)


def test_a_workflow_without_a_published_version_or_in_the_bin_is_not_run(lab):
    from releaseapp.workflows.service import create_workflow, delete_workflow

    draft = create_workflow(lab.store, HOME, {"name": "D", "steps": [transform("a", 1)]}, By(None))
    with pytest.raises(Conflict, match="no published version"):
        lab.start(draft)
    with pytest.raises(NotFound):
        service.start_run(lab.kit, HOME, "wfl_none", service.Start())
    workflow = lab.workflow(transform("a", 1))
    delete_workflow(lab.store, workflow, By(None))
    with pytest.raises(Conflict, match="bin"):
        lab.start(workflow)


def retried_world(lab, monkeypatch):
    done, broken = [], [True]

    def worker(config, _context):
        if config.value == "b" and broken[0]:
            raise StepFailed("b is broken.")
        done.append(config.value)
        return config.value

    offer(monkeypatch, "test.work", worker)
    workflow = lab.workflow(
        work("a", "a"), work("b", "b"), work("c", "c"), output="{{ steps.a.output + steps.c.output }}"
    )
    run = lab.run(workflow)
    assert run.status == "failed"
    broken[0] = False
    return run, done


@pytest.mark.parametrize(
    ("retry", "again"),
    [
        (service.Retry(), ["b", "c"]),
        (service.Retry(from_step="a"), ["a", "b", "c"]),
        (service.Retry(whole=True), ["a", "b", "c"]),
        (service.Retry(current=True), ["b", "c"]),
    ],
)
def test_a_failed_run_is_done_again_from_where_it_is_told(lab, monkeypatch, retry, again):
    run, done = retried_world(lab, monkeypatch)
    done.clear()
    later = service.retry_run(lab.kit, run, retry, lab.person.id, lab.person.email)
    lab.work()
    later = lab.now(later)
    assert (later.status, later.output, done) == ("succeeded", "ac", again)
    assert (later.attempt, later.retry_of, later.first_run) == (2, run.id, run.id)
    assert [one.id for one in service.list_attempts(lab.db, run.id)] == [run.id, later.id]
    assert lab.now(run).status == "failed"


def test_what_succeeded_can_be_done_again_from_a_step_and_what_goes_on_cannot(lab, monkeypatch):
    done = []
    offer(monkeypatch, "test.work", lambda config, _context: done.append(config.value))
    run = lab.run(lab.workflow(work("a", "a"), work("b", "b")))
    later = service.retry_run(lab.kit, run, service.Retry(from_step="b"), None)
    with pytest.raises(Conflict, match="not over yet"):
        service.retry_run(lab.kit, later, service.Retry(), None)
    lab.work()
    assert done == ["a", "b", "b"]
    with pytest.raises(Invalid, match="no step 'z'"):
        service.retry_run(lab.kit, run, service.Retry(from_step="z"), None)


def test_all_that_failed_in_a_span_of_time_is_retried_once(lab, monkeypatch, moved):
    offer(monkeypatch, "test.work", failing(3))
    workflow = lab.workflow(work("a"))
    runs = [lab.run(workflow) for _ in range(3)]
    moved.pass_time(3600)
    since = clock.first_id_at("run", clock.parse(clock.later_text(-7200)))
    again = service.retry_failed(lab.kit, HOME, service.Filter(since=since), None)
    assert [one.retry_of for one in again] == [one.id for one in runs]
    lab.work()
    assert {lab.now(one).status for one in again} == {RunStatus.SUCCEEDED}
    assert service.retry_failed(lab.kit, HOME, service.Filter(since=since), None) == []


def test_a_draft_is_tried_with_pinned_outputs_without_effects_or_a_single_step(lab, monkeypatch):
    done = []
    offer(monkeypatch, "test.work", lambda config, _context: done.append(config.value) or "real", output="sample")
    workflow = lab.workflow(work("a", 1), transform("b", "{{ steps.a.output }}!"), output="{{ steps.b.output }}")
    test = {"trigger_type": TriggerType.TEST, "version": 1}
    assert lab.run(workflow, **test).output == "real!"
    assert lab.run(workflow, **test, effects=False).output == "sample!"
    assert lab.run(workflow, **test, pins={"a": "pinned"}).output == "pinned!"
    single = lab.run(workflow, **test, pins={"a": "x"}, only_step="b")
    assert (single.output, single.is_test) == ("x!", True)
    alone = lab.run(workflow, **test, only_step="a")
    assert lab.steps(alone) == {("a", 1): "succeeded", ("b", 1): "skipped"}
    assert done == [1, 1]
    with pytest.raises(Invalid, match="test runs only"):
        lab.start(workflow, pins={"a": 1})
    with pytest.raises(Invalid, match="no step 'z'"):
        lab.start(workflow, **test, pins={"z": 1})


# ── secrets, logs ────────────────────────────────────────────────────────────


def test_what_a_step_logs_is_kept_in_order_and_told(lab, monkeypatch):
    def chatty(_config, context):
        context.log("one\ntwo")
        context.log("three")

    offer(monkeypatch, "test.work", chatty)
    run = lab.run(lab.workflow(work("a"), work("b")))
    assert lab.log(run) == ["one", "two", "three"] * 2
    assert run.log_lines == 6
    assert [line.seq for line in service.list_log(lab.db, run.id, 0, 100)] == [1, 2, 3, 4, 5, 6]
    assert [line.text for line in service.list_log_of_step(lab.db, run.id, "b", -1, 4, 100)] == ["two", "three"]
    streams = [event.data for event in lab.events(run) if event.type == "step.stream"]
    assert [one["to"] for one in streams][-1] == 6


def test_what_a_step_that_is_done_at_once_logs_is_kept_too(lab, monkeypatch):
    offer(monkeypatch, "test.inside", lambda _config, context: context.log("said"), outside=False)
    run = lab.run(lab.workflow(work("a", kind="test.inside")))
    assert (run.status, lab.log(run)) == ("succeeded", ["said"])


@pytest.mark.parametrize("outside", [True, False])
def test_a_text_that_comes_in_chunks_is_kept_by_its_lines(lab, monkeypatch, outside):
    def chatty(_config, context):
        for chunk in ("on", "e\nt", "wo", "\n\nthe ", "end"):
            context.write(chunk)

    offer(monkeypatch, "test.work", chatty, outside=outside)
    run = lab.run(lab.workflow(work("a")))
    assert lab.log(run) == ["one", "two", "", "the end"]


@pytest.mark.parametrize("outside", [True, False])
@pytest.mark.parametrize("size", [1, 3, 7])
def test_a_secret_is_masked_wherever_a_text_is_cut(lab, monkeypatch, outside, size):
    secret = "Pl4nted/secret+0"
    given = CredentialCreate(name="Shop", type=CredentialType.API_KEY, fields={"key": secret})
    create_credential(lab.db, lab.kit.vault, HOME, given, actor=lab.person.id)
    text = f"begin {secret} and {quote(secret, safe='')}\nand {base64.b64encode(secret.encode()).decode()} end"

    def chatty(_config, context):
        context.credential("Shop")
        for start in range(0, len(text), size):
            context.write(text[start : start + size])

    offer(monkeypatch, "test.work", chatty, outside=outside)
    run = lab.run(lab.workflow(work("a")))
    assert lab.log(run) == ["begin *** and ***", "and *** end"]


def test_a_line_that_never_ends_fills_no_memory(lab, monkeypatch):
    def endless(_config, context):
        for _ in range(100):
            context.write("x" * 1000)

    offer(monkeypatch, "test.work", endless)
    assert lab.log(lab.run(lab.workflow(work("a")))) == ["x" * 4000]


def test_a_step_that_was_told_when_to_come_back_is_not_tried_before(lab, moved, monkeypatch):
    offer(monkeypatch, "test.work", failing(1, "Busy.", retry_after=120))
    run = lab.run(lab.workflow(work("a", retry={"max_attempts": 2, "backoff": "none"})))
    moved.pass_time(119)
    assert lab.work() == 0
    moved.pass_time(2)
    lab.work()
    assert lab.now(run).status == "succeeded"


def test_every_list_of_runs_uses_an_index(lab):
    from releaseapp.runs import queries

    seen = []

    class Watched:
        def all(self, sql, **parameters):
            seen.append(lab.db.all(f"EXPLAIN QUERY PLAN {sql}", **parameters))
            return []

        def first(self, sql, **parameters):
            self.all(sql, **parameters)

    db = Watched()
    now = clock.now_text()
    for wanted in (
        queries.Filter(),
        queries.Filter(status="failed"),
        queries.Filter(workflow_id="w"),
        queries.Filter(trigger_type="api"),
        queries.Filter(status="failed", workflow_id="w", trigger_type="api"),
    ):
        queries.list_runs(db, HOME, wanted, "z", 50)
        queries.count_runs(db, HOME, wanted, 1000)
    queries.list_attempts(db, "run_x")
    queries.count_at_work(db)
    queries.list_children(db, "run_x", 10)
    queries.list_steps(db, "run_x")
    queries.list_log(db, "run_x", 0, 10)
    queries.list_log_of_step(db, "run_x", "a", -1, 0, 10)
    machine.find_next(db)
    machine.list_lapsed(db, now, 10)
    machine.list_due(db, now, 10)
    machine.list_ended_tasks(db, 10)
    machine.count_at_work(db, "workflow_id", "w", 5)
    machine.count_at_work(db, "workspace_id", "w", 5)
    machine.list_holders(db, "")
    machine.list_waits(db, "run_x")
    for plan in seen:
        told = [row["detail"] for row in plan]
        scans = [line for line in told if line.startswith("SCAN") and "USING" not in line]
        assert not [line for line in scans if not any(word in line for word in ("holders", "found", "CONSTANT"))], told
        sorts = [line for line in told if "TEMP B-TREE FOR ORDER BY" in line]
        assert not sorts or any("run_x" in line or "COMPOUND" in line for line in told), told
