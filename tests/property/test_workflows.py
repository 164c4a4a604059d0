"""Any order of things done to workflows, against a model: the rules hold after each."""

import tempfile
from pathlib import Path

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from releaseapp.db import connect
from releaseapp.db.migrate import migrate
from releaseapp.errors import Conflict
from releaseapp.workflows import queries, service
from releaseapp.workflows.file import WorkflowFile
from releaseapp.workflows.models import Action, VersionStatus, WorkflowStatus
from releaseapp.workflows.store import By, Store

BY = By("acc_tester")


def definition(value):
    return {"name": "W", "steps": [{"id": "a", "type": "transform", "config": {"value": value}}]}


class Workflows(RuleBasedStateMachine):
    made = Bundle("made")

    @initialize()
    def begin(self):
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name)
        self.db = connect(path / "agents.db", synchronous="NORMAL")
        migrate(self.db)
        file = WorkflowFile(path / "workflows.json")
        file.ensure()
        self.store = Store(self.db, file)
        self.model = {}
        self.writes = 0

    def teardown(self):
        self.db.close()
        self.folder.cleanup()

    def present(self, workflow_id):
        return service.find_workflow(self.store, "w", workflow_id)

    def attempt(self, allowed, do, *arguments):
        """Does it; it must be refused exactly when the model says so."""
        if allowed:
            self.writes += 1
            return do(self.store, *arguments)
        try:
            do(self.store, *arguments)
        except Conflict:
            return None
        raise AssertionError(f"{do.__name__} should have been refused")

    @rule(target=made, value=st.integers())
    def create(self, value):
        workflow = service.create_workflow(self.store, "w", definition(value), BY)
        self.writes += 1
        self.model[workflow.id] = {
            "versions": {1: ["draft", value, None]}, "published": None, "status": "draft", "bin": False,
        }  # fmt: skip
        return workflow.id

    @rule(workflow_id=made, which=st.integers(0, 5), value=st.integers())
    def change(self, workflow_id, which, value):
        number, version, one = self.choose(workflow_id, which)
        allowed = version[0] == "draft" and not one["bin"]
        if self.attempt(allowed, service.change_draft, self.present(workflow_id), number, definition(value), BY):
            version[1] = value

    @rule(workflow_id=made, which=st.integers(0, 5), anyway=st.booleans())
    def publish(self, workflow_id, which, anyway):
        number, version, one = self.choose(workflow_id, which)
        fits = anyway or version[2] == one["published"]
        allowed = version[0] == "draft" and not one["bin"] and fits

        def do(store, workflow, by):
            return service.publish(store, workflow, number, by, anyway=anyway)

        if self.attempt(allowed, do, self.present(workflow_id), BY):
            self.model_publish(one, number)

    @rule(workflow_id=made, which=st.integers(0, 5), action=st.sampled_from([Action.DUPLICATED, Action.REVERTED]))
    def add(self, workflow_id, which, action):
        number, version, one = self.choose(workflow_id, which)
        if self.attempt(not one["bin"], service.add_draft, self.present(workflow_id), number, action, BY):
            one["versions"][max(one["versions"]) + 1] = ["draft", version[1], one["published"]]

    @rule(workflow_id=made, which=st.integers(0, 5))
    def revert_and_publish(self, workflow_id, which):
        number, version, one = self.choose(workflow_id, which)
        if self.attempt(not one["bin"], service.revert_and_publish, self.present(workflow_id), number, BY):
            new = max(one["versions"]) + 1
            one["versions"][new] = ["draft", version[1], one["published"]]
            self.model_publish(one, new)

    @rule(workflow_id=made, which=st.integers(0, 5))
    def archive(self, workflow_id, which):
        number, version, one = self.choose(workflow_id, which)
        allowed = version[0] != "archived" and not one["bin"]
        if self.attempt(allowed, service.archive_version, self.present(workflow_id), number, BY):
            version[0] = "archived"
            if one["published"] == number:
                one["published"], one["status"] = None, "draft"

    @rule(workflow_id=made, pause=st.booleans())
    def pause_or_resume(self, workflow_id, pause):
        one = self.model[workflow_id]
        before, after = ("active", "paused") if pause else ("paused", "active")
        do = service.pause if pause else service.resume
        if self.attempt(one["status"] == before and not one["bin"], do, self.present(workflow_id), BY):
            one["status"] = after

    @rule(workflow_id=made, away=st.booleans())
    def bin_or_restore(self, workflow_id, away):
        one = self.model[workflow_id]
        do = service.delete_workflow if away else service.restore_workflow
        if self.attempt(one["bin"] is not away, do, self.present(workflow_id), BY):
            one["bin"] = away

    @rule()
    def open_it_anew(self):
        self.store = Store(self.db, WorkflowFile(self.store.file.path))

    @invariant()
    def what_is_kept_is_what_the_model_says(self):
        document = self.store.file.read()
        assert document.revision == self.writes == queries.last_file_revision(self.db)
        assert not service.reconcile(self.store)
        assert {one.id for one in document.workflows} == set(self.model)
        for workflow in document.workflows:
            one = self.model[workflow.id]
            assert workflow.published_version == one["published"]
            assert workflow.status == WorkflowStatus(one["status"])
            assert (workflow.deleted_at is not None) is one["bin"]
            kept = {v.number: [v.status.value, value_of(v), v.base] for v in workflow.versions}
            assert kept == one["versions"]
            published = [v.number for v in workflow.versions if v.status is VersionStatus.PUBLISHED]
            assert published == ([one["published"]] if one["published"] else [])
            assert workflow.history[0].action is Action.CREATED

    def choose(self, workflow_id, which):
        one = self.model[workflow_id]
        numbers = sorted(one["versions"])
        number = numbers[which % len(numbers)]
        return number, one["versions"][number], one

    @staticmethod
    def model_publish(one, number):
        for version in one["versions"].values():
            if version[0] == "published":
                version[0] = "archived"
        one["versions"][number][0] = "published"
        one["published"] = number
        one["status"] = "paused" if one["status"] == "paused" else "active"


def value_of(version):
    return msgspec.json.decode(version.definition)["steps"][0]["config"]["value"]


TestWorkflows = Workflows.TestCase
TestWorkflows.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
