"""The machine of runs from within: workers that stand still between any two moments, steps that never answer.

``test_run_machine.py`` treats a worker as one thing that works off what there is. Here each driver takes one turn at
a time, when the test says so, and each step that works outside ends when the test says so, or never. Whoever lost its
lease meanwhile still writes, and must find that out.

``RUN_EXAMPLES=2000`` looks longer.
"""

import os
import tempfile
from collections import Counter
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from running import HOME, Clock, Lab, offer, transform, work

from releaseapp.errors import AppError
from releaseapp.runs import service
from releaseapp.runs.machine import turns
from releaseapp.runs.machine.driver import Driver, LeaseLost, Stop
from releaseapp.runs.machine.outside import Ended
from releaseapp.runs.models import RUN_OVER, RUN_TRANSITIONS, STEP_OVER, STEP_TRANSITIONS, WHOLE, RunStatus, StepStatus
from releaseapp.steps.api import Done, Sleep, StepFailed
from releaseapp.workflows.service import pause, resume
from releaseapp.workflows.store import By

AT_ONCE = 3
OUTSIDE_AT_ONCE = 2
LAB = {"slug": "lab", "name": "Lab"}
QUICK = settings(
    max_examples=int(os.environ.get("RUN_EXAMPLES", "25")),
    stateful_step_count=int(os.environ.get("RUN_STEPS", "30")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)

# ── definitions ──────────────────────────────────────────────────────────────

KINDS = ["transform", "work", "work", "each", "delay", "approval", "publish", "child", "fail", "when"]


@st.composite
def steps(draw, most=5, kinds=KINDS):
    """A graph of steps, each of which needs some of those before it."""
    found = []
    for number in range(draw(st.integers(1, most))):
        needs = draw(st.lists(st.sampled_from([one["id"] for one in found]), unique=True)) if found else []
        on_error = draw(st.sampled_from(["fail", "continue"]))
        found.append(draw(step(f"s{number}", draw(st.sampled_from(kinds)), {"needs": needs, "on_error": on_error})))
    return found


@st.composite
def step(draw, step_id, kind, more):
    if kind in {"work", "each"}:
        backoff = draw(st.sampled_from(["none", "fixed", "exponential"]))
        more["retry"] = {"max_attempts": draw(st.integers(1, 3)), "backoff": backoff, "interval_seconds": 30}
        if draw(st.booleans()):
            more["timeout_seconds"] = 20
    if kind == "each":
        items = draw(st.lists(st.integers(0, 9), max_size=4))
        more |= {"for_each": items, "max_parallel": draw(st.integers(1, 3))}
        inner = draw(st.sampled_from(["work", "transform", "publish", "delay"]))
        return {**plain(step_id, inner, "{{ item }}"), **more}
    if kind == "when":
        more["when"] = "{{ false }}"
    return {**plain(step_id, kind, step_id), **more}


def plain(step_id, kind, value):
    return {
        "work": work(step_id, value),
        "delay": {"id": step_id, "type": "delay", "config": {"seconds": 60}},
        "approval": {"id": step_id, "type": "approval", "config": {"title": "Go on?", "deadline_seconds": 600}},
        "publish": {"id": step_id, "type": "queue.publish", "config": {"queue": "q", "message": value}},
        "child": {"id": step_id, "type": "workflow.run", "config": {"workflow": "Child"}},
        "fail": {"id": step_id, "type": "fail", "config": {"message": "As it was told."}},
    }.get(kind) or transform(step_id, value)


# ── the checker ──────────────────────────────────────────────────────────────

RUN_MOVES = {
    "run.started": RunStatus.RUNNING,
    "run.resumed": RunStatus.RUNNING,
    "run.recovered": RunStatus.RUNNING,
    "run.waiting": RunStatus.WAITING,
    "run.released": RunStatus.QUEUED,
    "run.succeeded": RunStatus.SUCCEEDED,
    "run.failed": RunStatus.FAILED,
    "run.cancelled": RunStatus.CANCELLED,
}
STEP_MOVES = {
    "step.started": StepStatus.RUNNING,
    "step.waiting": StepStatus.WAITING,
    "step.retrying": StepStatus.PENDING,
    "step.succeeded": StepStatus.SUCCEEDED,
    "step.failed": StepStatus.FAILED,
    "step.skipped": StepStatus.SKIPPED,
    "step.cancelled": StepStatus.CANCELLED,
}
BEGINNINGS = {*StepStatus} - {StepStatus.RUNNING}


class Checker:
    """Replays the events as they come, and holds the rows against them."""

    def __init__(self, db):
        self.db = db
        self.last = 0
        self.runs = {}
        self.steps = {}
        self.definitions = {}
        self.begun_again = set()
        self.over = {}
        self.leases = {}

    def check(self):
        for event in self.db.all(
            "SELECT id, type, subject, data FROM events WHERE id > :last ORDER BY id", last=self.last
        ):
            assert event["id"] == self.last + 1, "an event is missing"
            self.last = event["id"]
            self.replay(event["type"], event["subject"], msgspec.json.decode(event["data"]))
        rows = {row["id"]: row for row in self.db.all("SELECT * FROM runs")}
        assert {name: row["status"] for name, row in rows.items()} == self.runs
        attempts = {}
        for attempt in self.db.all("SELECT * FROM run_steps ORDER BY run_id, step_id, item, attempt"):
            attempts.setdefault(attempt["run_id"], []).append(attempt)
        lines = {}
        for line in self.db.all("SELECT run_id, seq, step_id, item, attempt FROM run_log_lines ORDER BY run_id, seq"):
            lines.setdefault(line["run_id"], []).append(line)
        for name, row in rows.items():
            self.check_run(row, attempts.get(name, []), lines.get(name, []))
            self.check_around(row, rows)
        self.check_messages(attempts)

    # ── events ──

    def replay(self, kind, subject, data):
        if kind == "run.queued":
            assert subject not in self.runs
            self.runs[subject] = RunStatus.QUEUED
            self.definitions[subject] = service.definition_of(self.db, subject)
        elif kind in RUN_MOVES:
            before, after = self.runs[subject], RUN_MOVES[kind]
            assert after in RUN_TRANSITIONS[before], f"{kind} of a run that was {before}"
            assert (kind == "run.recovered") is (before is after)
            self.runs[subject] = after
            if kind != "run.waiting":
                self.begun_again |= {place for place in self.steps if place[0] == subject}
        elif kind in STEP_MOVES:
            self.replay_step(kind, (subject, data["step_id"], data.get("item", WHOLE), data["attempt"]))

    def replay_step(self, kind, place):
        before, after = self.steps.get(place), STEP_MOVES[kind]
        assert self.runs[place[0]] is RunStatus.RUNNING, f"{kind} in a run that is not at work"
        if before is None:
            self.check_beginning(place)
        else:
            by_way_of = {before, *STEP_TRANSITIONS[before]} & {before, StepStatus.RUNNING}
            assert any(after in STEP_TRANSITIONS[one] for one in by_way_of), f"{kind} of {place}, which was {before}"
        if before is StepStatus.RUNNING is after:
            assert place in self.begun_again, f"{place} began twice in the same hands"
        self.begun_again.discard(place)
        self.steps[place] = after

    def check_beginning(self, place):
        run_id, step_id, item, number = place
        needs = next(one for one in self.definitions[run_id]["steps"] if one["id"] == step_id).get("needs", [])
        for need in needs:
            known = [(at, status) for at, status in self.steps.items() if at[:3] == (run_id, need, WHOLE)]
            reused = self.db.first(
                "SELECT 1 FROM run_steps WHERE run_id = :run AND step_id = :step AND reused = 1", run=run_id, step=need
            )
            assert reused or max(known)[1] in STEP_OVER, f"{place} began before {need} was over"
        if number > 1:
            assert self.steps[run_id, step_id, item, number - 1] is StepStatus.FAILED

    # ── rows ──

    def check_run(self, row, attempts, lines):
        for attempt in attempts:
            self.check_attempt(row, attempt)
        newest = {(one["step_id"], one["item"]): one for one in attempts}
        wholes = {step_id: one for (step_id, item), one in newest.items() if item == WHOLE}
        self.check_items(newest, wholes)
        self.check_lease(row)
        assert [line["seq"] for line in lines] == list(range(1, len(lines) + 1))
        assert row["log_lines"] == len(lines)
        counted = Counter((line["step_id"], line["item"], line["attempt"]) for line in lines)
        if row["status"] in {"waiting", *RUN_OVER} and any(not one["reused"] for one in attempts):
            done = [one for one in wholes.values() if one["status"] in {"succeeded", "failed", "skipped"}]
            assert row["steps_done"] == len(done) <= row["steps_total"]
            for one in attempts:
                assert one["log_lines"] == counted[one["step_id"], one["item"], one["attempt"]]
        if row["status"] in RUN_OVER:
            self.check_over(row, attempts, wholes)
        else:
            assert row["lease_owner"] or row["turn"] is not None or row["wake_at"], "nothing will ever look at it again"
            assert row["status"] != "queued" or row["turn"] is not None

    def check_attempt(self, row, attempt):
        place = (attempt["run_id"], attempt["step_id"], attempt["item"], attempt["attempt"])
        told, status = self.steps.get(place), attempt["status"]
        if attempt["reused"] and told is None:
            assert status in STEP_OVER
        elif row["status"] == "cancelled" and status == "cancelled":
            assert told not in STEP_OVER
        else:
            # What a stopping worker gives back is not told.
            assert told == status or (status == "pending" and told is StepStatus.RUNNING), (place, told, status)
        assert (attempt["finished_at"] is not None) is (status in STEP_OVER)
        assert attempt["waits_for"] is None or status == "waiting"

    def check_items(self, newest, wholes):
        for step_id, whole in wholes.items():
            items = {item: one for (of, item), one in newest.items() if of == step_id and item != WHOLE}
            if items and whole["status"] == "succeeded":
                outputs = [
                    msgspec.json.decode(one["output"]) if one["status"] == "succeeded" else None
                    for _, one in sorted(items.items())
                ]
                assert msgspec.json.decode(whole["output"]) == outputs
                assert len(outputs) == len(msgspec.json.decode(whole["input"]))

    def check_lease(self, row):
        epoch, owner = self.leases.get(row["id"], (0, None))
        assert row["epoch"] >= epoch
        if row["epoch"] == epoch:
            assert row["lease_owner"] in {owner, None}, "two workers in one epoch"
        self.leases[row["id"]] = (row["epoch"], row["lease_owner"])
        assert (row["lease_owner"] is None) is (row["lease_expires_at"] is None)
        assert row["lease_owner"] is None or row["status"] == "running"

    def check_over(self, row, attempts, wholes):
        kept = [{**one, "late": None} for one in attempts]
        assert self.over.setdefault(row["id"], (row, kept)) == (row, kept), "what is over has changed"
        assert row["lease_owner"] is row["turn"] is row["held_by"] is row["wake_at"] is None
        assert all(one["status"] in STEP_OVER for one in attempts)
        on_error = {one["id"]: one.get("on_error", "fail") for one in self.definitions[row["id"]]["steps"]}
        fatal = [
            step_id for step_id, one in wholes.items() if one["status"] == "failed" and on_error[step_id] == "fail"
        ]
        if row["status"] == "succeeded":
            assert row["steps_done"] == row["steps_total"] == len(on_error)
            assert fatal == []
            assert row["output"] is not None
        elif row["status"] == "failed":
            assert row["error"]
            assert not row["failed_step"] or row["failed_step"].partition(".")[0] in fatal

    def check_around(self, row, rows):
        over = row["status"] in RUN_OVER
        if row["parent"] and rows[row["parent"]]["status"] in RUN_OVER:
            assert over, "its parent is over, and it goes on"
        asked = self.db.all("SELECT id FROM approvals WHERE run_id = :id AND status = 'pending'", id=row["id"])
        waits = self.db.all(
            "SELECT waits_for FROM run_steps WHERE run_id = :id AND waits_for LIKE 'apr%'", id=row["id"]
        )
        assert {one["id"] for one in asked} <= {one["waits_for"] for one in waits}

    def check_messages(self, attempts):
        sent = Counter(row["published_by"] for row in self.db.all("SELECT published_by FROM queue_messages"))
        for run_id, rows in attempts.items():
            done = [
                one for one in rows
                if one["type"] == "queue.publish" and one["status"] == "succeeded" and not one["reused"]
            ]  # fmt: skip
            repeated = {one["id"] for one in self.definitions[run_id]["steps"] if "for_each" in one}
            assert sent[run_id] == len([one for one in done if one["item"] != WHOLE or one["step_id"] not in repeated])


# ── whatever happens, in whatever order ──────────────────────────────────────


class Hand:
    """A worker's driver of one run, which does nothing by itself."""

    def __init__(self, lab, claimed):
        self.driver = Driver(lab.kit, claimed, LAB, ())
        self.is_taken_up = False

    def take_up(self):
        if not self.is_taken_up:
            self.is_taken_up = True
            self.driver._take_up()

    def take_turn(self):
        """As ``Driver.drive`` does; whether it has still something in hand."""
        driver = self.driver
        try:
            self.take_up()
            while not driver._inbox.empty():
                driver._hear(driver._inbox.get())
            going = driver._turn()
        except LeaseLost:
            going = False
        assert len(driver._contexts) <= OUTSIDE_AT_ONCE
        if not going:
            driver._close()
        return going


class Runs(RuleBasedStateMachine):
    """Rules are what may happen; the checker says what must hold after each."""

    @initialize()
    def begin(self):
        self.patch = pytest.MonkeyPatch()
        self.folder = tempfile.TemporaryDirectory()
        self.clock = Clock(self.patch)
        self.patch.setattr("releaseapp.runs.machine.advance.random.uniform", lambda _low, _high: 0.0)
        self.patch.setattr("releaseapp.runs.machine.driver.launch", self.launch)
        self.lab = Lab(Path(self.folder.name), runs_at_once_per_workspace=AT_ONCE, run_steps_at_once=OUTSIDE_AT_ONCE)
        offer(self.patch, "test.work", lambda _config, _context: None)
        self.lab.workflow(
            {"id": "nap", "type": "delay", "config": {"seconds": 60}}, work("work", 1), name="Child", output="grown"
        )
        self.checker = Checker(self.lab.db)
        self.workflows = []
        self.hands = []
        self.outside = []

    def launch(self, context, _kind, config, tell, _leave):
        self.outside.append((context, config, tell))

    # ── people ──

    @rule(steps=steps(), timeout=st.sampled_from([None, None, 300]))
    def start(self, steps, timeout):
        output = {one["id"]: f"{{{{ steps.{one['id']}.output }}}}" for one in steps}
        more = {"timeout_seconds": timeout} if timeout else {}
        self.workflows.append(self.lab.workflow(*steps, name=f"W{len(self.workflows)}", output=output, **more))
        self.lab.start(self.workflows[-1])

    @precondition(lambda self: self.workflows)
    @rule(data=st.data())
    def start_again(self, data):
        self.refused_or(lambda: self.lab.start(data.draw(st.sampled_from(self.workflows))))

    @precondition(lambda self: self.workflows)
    @rule(data=st.data(), act=st.sampled_from([pause, resume]))
    def pause_or_resume(self, data, act):
        number = data.draw(st.integers(0, len(self.workflows) - 1))

        def change():
            self.workflows[number] = act(self.lab.store, self.workflows[number], By(None))

        self.refused_or(change)

    @precondition(lambda self: self.workflows)
    @rule(data=st.data())
    def cancel(self, data):
        self.refused_or(lambda: service.cancel_run(self.lab.kit, data.draw(self.any_run()), None))

    @precondition(lambda self: self.workflows)
    @rule(data=st.data(), how=st.sampled_from(["failed", "step", "whole"]))
    def retry(self, data, how):
        run = data.draw(self.any_run())
        names = [one["id"] for one in self.checker.definitions[run.id]["steps"]]
        from_step = data.draw(st.sampled_from(names)) if how == "step" else None
        retry = service.Retry(from_step=from_step, whole=how == "whole")
        self.refused_or(lambda: service.retry_run(self.lab.kit, run, retry, None))

    @rule(verdict=st.sampled_from(["approved", "refused"]))
    def decide(self, verdict):
        for row in self.lab.db.all("SELECT id, run_id FROM approvals WHERE status = 'pending' ORDER BY id LIMIT 1"):
            with self.lab.db.transaction() as tx:
                tx.run("UPDATE approvals SET status = :status WHERE id = :id", id=row["id"], status=verdict)
                tx.run("DELETE FROM approval_waits WHERE approval_id = :id", id=row["id"])
                turns.nudge(tx, row["run_id"])

    @precondition(lambda self: self.workflows)
    @rule(data=st.data())
    def nudge(self, data):
        with self.lab.db.transaction() as tx:
            turns.nudge(tx, data.draw(self.any_run()).id)

    # ── workers ──

    @rule(worker=st.sampled_from(["one", "two"]))
    def claim(self, worker):
        at_work = self.at_work()
        claimed = turns.claim_next(self.lab.kit, worker)
        if claimed is not None:
            assert claimed.taken_over or at_work < AT_ONCE
            self.hands.append(Hand(self.lab, claimed))

    @precondition(lambda self: self.hands)
    @rule(data=st.data())
    def take_up(self, data):
        self.any_hand(data).take_up()

    @precondition(lambda self: self.hands)
    @rule(data=st.data())
    def take_turn(self, data):
        hand = self.any_hand(data)
        if not hand.take_turn():
            self.hands.remove(hand)

    @precondition(lambda self: self.hands)
    @rule(data=st.data())
    def die(self, data):
        self.hands.remove(self.any_hand(data))

    @precondition(lambda self: self.hands)
    @rule(data=st.data(), now=st.booleans())
    def stop(self, data, now):
        hand = self.any_hand(data)
        hand.take_up()
        hand.driver.tell(Stop(now=now))
        if not hand.take_turn():
            self.hands.remove(hand)

    @precondition(lambda self: self.outside)
    @rule(data=st.data(), end=st.sampled_from(["good", "bad", "fatal", "broken", "sleep", "talk"]))
    def hear_from_outside(self, data, end):
        number = data.draw(st.integers(0, len(self.outside) - 1))
        context, config, tell = self.outside[number]
        if end == "talk":
            context.log("still at it\nand at it")
            return
        del self.outside[number]
        tell(
            {
                "good": Ended(context.attempt, result=Done(config.value)),
                "bad": Ended(context.attempt, error=StepFailed("Not now.")),
                "fatal": Ended(context.attempt, error=StepFailed("Never.", retryable=False)),
                "broken": Ended(context.attempt, error=RuntimeError()),
                "sleep": Ended(context.attempt, result=Sleep(until="2999-01-01T00:00:00.000Z", output=config.value)),
            }["good" if end == "sleep" else end]
        )

    # ── time ──

    @rule(seconds=st.sampled_from([1, 16, 21, 31, 61, 301, 700, -100]), tick=st.booleans(), sweep=st.booleans())
    def pass_time(self, seconds, tick, sweep):
        self.clock.pass_time(seconds)
        if tick:
            self.lab.worker.tick()
        if sweep:
            self.lab.worker.sweep()

    @rule()
    def keep_leases(self):
        for hand in self.hands:
            self.lab.worker._held[hand.driver.run.id] = hand.driver
        self.lab.worker._keep_leases()
        self.lab.worker._held.clear()

    # ── what must hold ──

    @invariant()
    def the_rows_are_what_the_events_tell(self):
        if hasattr(self, "checker"):
            self.checker.check()

    def teardown(self):
        if not hasattr(self, "lab"):
            return
        try:
            self.settle()
        finally:
            self.lab.close()
            self.patch.undo()
            self.folder.cleanup()

    def settle(self):
        """With workers that live, steps that answer and time that passes, every run comes to its end."""
        self.hands.clear()
        for workflow in self.workflows:
            self.refused_or(lambda one=workflow: resume(self.lab.store, one, By(None)))
        for _ in range(60):
            self.clock.pass_time(700)
            self.lab.worker.tick()
            self.lab.worker.sweep()
            self.work_off()
            self.checker.check()
            if set(self.checker.runs.values()) <= RUN_OVER:
                return
        left = self.lab.db.all("SELECT * FROM runs WHERE finished_at IS NULL")
        assert left == []

    def work_off(self):
        while (claimed := turns.claim_next(self.lab.kit, "three")) is not None:
            hand = Hand(self.lab, claimed)
            for _ in range(1000):
                if not hand.take_turn():
                    break
                ending, self.outside = self.outside, []
                for context, config, tell in ending:
                    tell(Ended(context.attempt, result=Done(config.value)))
            else:
                pytest.fail("it goes on for ever")

    # ── picking ──

    def any_run(self):
        return st.sampled_from(service.list_runs(self.lab.db, HOME, service.Filter(), "z", 100))

    def any_hand(self, data):
        return data.draw(st.sampled_from(self.hands))

    def at_work(self):
        return self.lab.db.first("SELECT COUNT(*) AS number FROM runs WHERE status = 'running'")["number"]

    def refused_or(self, act):
        try:
            act()
        except AppError:
            """It was over, or was not yet, or is paused: the refusal is right, and changes nothing."""


Runs.TestCase.settings = QUICK
TestRuns = Runs.TestCase
