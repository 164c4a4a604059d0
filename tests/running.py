"""Runs for tests: a database with one workspace, a worker in the test's own thread, and time that is moved by hand.

``Lab``       makes workflows, starts runs, has the worker work off what is to be done
``Clock``     replaces ``clock.now``; ``pass_time(seconds)`` moves it
"""

import threading
from datetime import timedelta

from conftest import settings_for

from releaseapp import clock
from releaseapp.agents.tasks.worker import Worker
from releaseapp.auth.service import create_account
from releaseapp.credentials.vault import open_vault
from releaseapp.events.queries import list_events_after
from releaseapp.outbound import open_outbound
from releaseapp.runs import queries, service
from releaseapp.runs.machine.blueprint import blueprint_of
from releaseapp.runs.machine.kit import Kit
from releaseapp.runs.machine.worker import RunWorker
from releaseapp.steps import step_types
from releaseapp.steps.api import Done, StepType
from releaseapp.storage import open_database, open_workflows
from releaseapp.wakeups import Work, open_wakeups
from releaseapp.workflows.service import create_workflow, publish
from releaseapp.workflows.store import By, Store
from releaseapp.workspaces.service import create_workspace

HOME = "workspace-lab"


class Clock:
    """The present moment, which stands still until it is moved... but for a millisecond at each look."""

    def __init__(self, monkeypatch):
        self._now = clock.now()
        self._guard = threading.Lock()
        monkeypatch.setattr(clock, "now", self.now)

    def now(self):
        with self._guard:
            self._now += timedelta(microseconds=10)
            return self._now

    def pass_time(self, seconds):
        with self._guard:
            self._now += timedelta(seconds=seconds)


class Lab:
    """One database, one workspace ``lab`` with the account a@example.com, and as many workers as are asked for."""

    def __init__(self, folder, **changes):
        self.folder = folder
        self.settings = settings_for(folder, **{"run_threads": 2, **changes})
        self.db = open_database(self.settings)
        self.store = Store(self.db, open_workflows(self.settings))
        self.person = create_account(self.db, self.settings, "a@example.com", "A", "a long password")
        create_workspace(self.db, "lab", "Lab", self.person, workspace_id=HOME)
        self.wakeups = open_wakeups(self.settings, Work.RUNS)
        self.task_wakeups = open_wakeups(self.settings, Work.TASKS)
        self.kit = Kit(
            db=self.db,
            store=self.store,
            settings=self.settings,
            wake=self.wakeups.wake,
            vault=open_vault(self.settings),
            outbound=open_outbound(self.settings),
            wake_task=self.task_wakeups.wake,
        )
        self.workers = []
        self.worker = self.new_worker()

    def new_worker(self):
        worker = RunWorker(self.kit, self.wakeups)
        self.workers.append(worker)
        return worker

    def task_worker(self):
        return Worker(self.db, self.task_wakeups, self.settings)

    def close(self):
        for worker in self.workers:
            worker.stop(grace_seconds=0.1)
        self.kit.outbound.close()
        self.wakeups.close()
        self.task_wakeups.close()
        self.db.close()

    def workflow(self, *steps, name="W", home=HOME, **head):
        made = create_workflow(self.store, home, {"name": name, "steps": list(steps), **head}, By(None))
        return publish(self.store, made, 1, By(None))

    def start(self, workflow, inputs=None, **start):
        given = service.Start(inputs or {}, **start)
        return service.start_run(self.kit, workflow.workspace_id, workflow.id, given)

    def work(self):
        """Brings back what is due, and works off what is in the queue, until nothing is left to do now."""
        done = 0
        while True:
            self.worker.tick()
            self.worker.sweep()
            worked = self.worker.work_off()
            done += worked
            if not worked:
                return done

    def run(self, workflow, inputs=None, **start):
        """Starts a run, works, and gives the run as it stands then."""
        run = self.start(workflow, inputs, **start)
        self.work()
        return self.now(run)

    def now(self, run):
        return queries.find_run_anywhere(self.db, run.id)

    def steps(self, run):
        """How each attempt stands: key and attempt to status."""
        return {(step.key, step.attempt): step.status.value for step in queries.list_steps(self.db, run.id)}

    def step(self, run, step_id, item=-1):
        """The newest attempt at a step."""
        return queries.list_attempts_of_step(self.db, run.id, step_id, item)[-1]

    def log(self, run):
        return [line.text for line in queries.list_log(self.db, run.id, 0, 1000)]

    def events(self, run=None):
        """The types of all events, of one run in their order."""
        found, last = [], 0
        while page := list_events_after(self.db, last, 1000):
            found += page
            last = page[-1].id
        return [event for event in found if run is None or event.subject == run.id]

    def told(self, run):
        return [
            event.type
            + (f" {event.data['step_id']}" if event.type.startswith("step.") and "step_id" in event.data else "")
            for event in self.events(run)
        ]


def offer(monkeypatch, name, function, *, outside=True, has_effects=True, output=None):
    """Offers a type of step for this test: ``function(config, context)`` gives its output, or a result."""
    import msgspec

    class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
        """A step of a test."""

        value: object = None

    def run(config, context):
        found = function(config, context)
        return found if isinstance(found, msgspec.Struct) else Done(found)

    kind = StepType("Test", "spark", Config, run, output, outside=outside, has_effects=has_effects)
    monkeypatch.setitem(step_types(), name, kind)
    # Blueprints of the same text keep the types of the test before.
    blueprint_of.cache_clear()


def transform(step_id, value, **more):
    return {"id": step_id, "type": "transform", "config": {"value": value}, **more}


def work(step_id, value=None, kind="test.work", **more):
    return {"id": step_id, "type": kind, "config": {"value": value}, **more}


def until_over(operation_id):
    """Waits for an operation that a thread of this process carries out."""
    for thread in threading.enumerate():
        if thread.name == operation_id:
            thread.join(30)
