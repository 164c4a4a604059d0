"""The machine of runs, whatever happens in whatever order: workers die, leases lapse, time jumps, people interfere."""

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from running import Clock, Lab, offer, transform, work

from releaseapp.errors import AppError
from releaseapp.runs import service
from releaseapp.runs.machine import turns
from releaseapp.runs.machine.driver import Driver
from releaseapp.runs.models import RUN_OVER, RUN_TRANSITIONS, STEP_OVER, RunStatus, StepStatus
from releaseapp.steps.api import StepFailed

MOVES = {
    "run.started": (RunStatus.QUEUED, RunStatus.RUNNING),
    "run.resumed": (None, RunStatus.RUNNING),
    "run.recovered": (RunStatus.RUNNING, RunStatus.RUNNING),
    "run.waiting": (RunStatus.RUNNING, RunStatus.WAITING),
    "run.released": (RunStatus.RUNNING, RunStatus.QUEUED),
    "run.succeeded": (RunStatus.RUNNING, RunStatus.SUCCEEDED),
    "run.failed": (RunStatus.RUNNING, RunStatus.FAILED),
    "run.cancelled": (None, RunStatus.CANCELLED),
}
STEPS = 4


@st.composite
def definitions(draw):
    """A graph of a few steps of every kind, each needing some of those before it."""
    steps = []
    for number in range(draw(st.integers(1, STEPS))):
        step_id = f"s{number}"
        more = {"needs": draw(st.lists(st.sampled_from([one["id"] for one in steps]), unique=True)) if steps else []}
        kind = draw(st.sampled_from(["transform", "work", "delay", "each", "approval", "when"]))
        if kind == "work":
            retry = {"max_attempts": draw(st.integers(1, 3)), "backoff": "fixed", "interval_seconds": 30}
            more |= {"retry": retry, "on_error": draw(st.sampled_from(["fail", "continue"]))}
            steps.append(work(step_id, draw(st.sampled_from(["good", "bad", "later"])), **more))
        elif kind == "each":
            steps.append(work(step_id, "{{ item }}", for_each=["good", "good", "later"], max_parallel=2, **more))
        elif kind == "delay":
            steps.append({"id": step_id, "type": "delay", "config": {"seconds": 60}, **more})
        elif kind == "approval":
            steps.append(
                {"id": step_id, "type": "approval", "config": {"title": "Go on?", "deadline_seconds": 600}, **more}
            )
        else:
            steps.append(transform(step_id, number, **more, **({"when": "{{ false }}"} if kind == "when" else {})))
    return steps


class Runs(RuleBasedStateMachine):
    """Rules are what may happen; invariants are what must hold after each."""

    @initialize()
    def begin(self):
        self.patch = pytest.MonkeyPatch()
        self.folder = tempfile.TemporaryDirectory()
        self.clock = Clock(self.patch)
        self.patch.setattr("releaseapp.runs.machine.advance.random.uniform", lambda _low, _high: 0.0)
        self.lab = Lab(Path(self.folder.name), runs_at_once_per_workspace=3)
        offer(self.patch, "test.work", self.do)
        self.tries = {}
        self.runs = []
        self.over = {}
        self.seen = 0
        self.standing = {}
        self.finished = set()

    def do(self, config, context):
        count = self.tries[context.key] = self.tries.get(context.key, 0) + 1
        if config.value == "bad" or (config.value == "later" and count < 2):
            raise StepFailed("Not now.")
        return config.value

    @rule(steps=definitions())
    def start(self, steps):
        self.runs.append(self.lab.start(self.lab.workflow(*steps, name=f"W{len(self.runs)}")))

    @rule()
    def work_off(self):
        self.lab.worker.tick()
        self.lab.worker.work_off()

    @rule()
    def die_after_claiming(self):
        turns.claim_next(self.lab.kit, "the dead")

    @rule()
    def die_after_a_turn(self):
        claimed = turns.claim_next(self.lab.kit, "the dead")
        if claimed is not None:
            driver = Driver(self.lab.kit, claimed, {"slug": "lab", "name": "Lab"}, ())
            driver._take_up()
            driver._advance.go_on()
            driver._write()

    @rule(seconds=st.sampled_from([1, 16, 31, 61, 700, -100]))
    def pass_time(self, seconds):
        self.clock.pass_time(seconds)
        self.lab.worker.tick()
        self.lab.worker.sweep()

    @rule(data=st.data())
    def cancel(self, data):
        self.interfere(data, lambda run: service.cancel_run(self.lab.kit, run, None))

    @rule(data=st.data(), whole=st.booleans())
    def retry(self, data, whole):
        def again(run):
            self.runs.append(service.retry_run(self.lab.kit, run, service.Retry(whole=whole), None))

        self.interfere(data, again)

    @rule(data=st.data())
    def nudge(self, data):
        def wake(run):
            with self.lab.db.transaction() as tx:
                turns.nudge(tx, run.id)

        self.interfere(data, wake)

    @rule(verdict=st.sampled_from(["approved", "refused"]))
    def decide(self, verdict):
        for row in self.lab.db.all("SELECT id, run_id FROM approvals WHERE status = 'pending' LIMIT 1"):
            with self.lab.db.transaction() as tx:
                tx.run("UPDATE approvals SET status = :status WHERE id = :id", id=row["id"], status=verdict)
                tx.run("DELETE FROM approval_waits WHERE approval_id = :id", id=row["id"])
                turns.nudge(tx, row["run_id"])

    def interfere(self, data, act):
        if self.runs:
            try:
                act(data.draw(st.sampled_from(self.runs)))
            except AppError:
                """It was over, or was not yet: the refusal is right, and changes nothing."""

    @invariant()
    def every_move_is_one_that_the_tables_allow(self):
        if not hasattr(self, "lab"):
            return
        for event in self.lab.events()[self.seen :]:
            self.seen += 1
            assert event.id == self.seen
            if event.type == "run.queued":
                self.standing[event.subject] = RunStatus.QUEUED
            elif event.type in MOVES:
                before, after = self.standing[event.subject], MOVES[event.type][1]
                assert MOVES[event.type][0] in {None, before}
                assert after in RUN_TRANSITIONS[before], f"{before} to {after}"
                self.standing[event.subject] = after
            elif event.type == "step.succeeded":
                place = (event.subject, event.data["step_id"], event.data.get("item"), event.data["attempt"])
                assert place not in self.finished
                self.finished.add(place)
        for row in self.lab.db.all("SELECT id, status FROM runs"):
            assert self.standing[row["id"]] == row["status"]

    @invariant()
    def what_is_over_stays_as_it_is(self):
        if not hasattr(self, "lab"):
            return
        for row in self.lab.db.all("SELECT * FROM runs WHERE finished_at IS NOT NULL"):
            steps = self.lab.db.all(
                "SELECT * FROM run_steps WHERE run_id = :id ORDER BY step_id, item, attempt", id=row["id"]
            )
            assert self.over.setdefault(row["id"], (row, steps)) == (row, steps)
            assert row["lease_owner"] is row["turn"] is row["held_by"] is row["wake_at"] is None
            assert all(StepStatus(step["status"]) in STEP_OVER for step in steps)
            if row["status"] == "succeeded":
                assert row["steps_done"] == row["steps_total"]

    @invariant()
    def no_step_begins_before_what_it_needs_is_over(self):
        if not hasattr(self, "lab"):
            return
        for run in self.runs:
            done = {
                step.step_id for step in service.list_steps(self.lab.db, run.id) if step.item == -1 and step.is_over
            }
            begun = {step.step_id for step in service.list_steps(self.lab.db, run.id)}
            for step in service.definition_of(self.lab.db, run.id)["steps"]:
                assert step["id"] not in begun or set(step["needs"]) <= done

    @invariant()
    def no_more_are_at_work_than_may_be(self):
        if hasattr(self, "lab"):
            row = self.lab.db.first("SELECT COUNT(*) AS number FROM runs WHERE status = 'running'")
            assert row["number"] <= 3

    def teardown(self):
        if not hasattr(self, "lab"):
            return
        # Whatever was done to them: with workers that live and time that passes, every run comes to its end.
        for _ in range(60):
            self.clock.pass_time(700)
            self.lab.work()
            if all(self.lab.now(run).status in RUN_OVER for run in self.runs):
                break
        left = [self.lab.now(run) for run in self.runs if self.lab.now(run).status not in RUN_OVER]
        self.lab.close()
        self.patch.undo()
        self.folder.cleanup()
        assert left == []


Runs.TestCase.settings = settings(
    max_examples=int(os.environ.get("RUN_EXAMPLES", "12")),
    stateful_step_count=14,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestRuns = Runs.TestCase
