"""Writes, snapshots, restores and undos in any order: data is exactly as it was, and what may never go back does not."""

import shutil
import tempfile
from pathlib import Path

from conftest import settings_for
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pasts import Place

from releaseapp import clock
from releaseapp.auth import queries as auth
from releaseapp.events.models import EventType
from releaseapp.events.queries import last_event_id
from releaseapp.events.service import append
from releaseapp.runs.queues.service import publish
from releaseapp.snapshots.restoring.rules import JOINED, KEPT, LEDGERS
from releaseapp.storage import open_database, open_workflows
from releaseapp.workflows.service import create_workflow, delete_workflow
from releaseapp.workflows.store import By, Store

NUMBER = st.integers(0, 5)
WRITES = (
    "add agent", "rename agent", "delete agent", "add member", "remove member", "add workflow", "delete workflow",
    "make token", "revoke token", "sign in", "sign out", "change password", "disable", "publish", "rename account",
    "add account", "of the server",
)  # fmt: skip
PAIRS = (("make token", "revoke token"), ("sign in", "sign out"), ("add workflow", "delete workflow"))


def _steps(about):
    """A story about few things at a time: what belongs together happens to the same thing often enough."""
    writes = st.tuples(st.sampled_from(about), NUMBER)
    others = st.tuples(st.sampled_from(["snapshot", "restore", "undo"]), NUMBER)
    return st.lists(st.one_of(writes, writes, others), min_size=10, max_size=25)


STEPS = st.one_of(
    st.sampled_from(PAIRS).flatmap(_steps),
    st.lists(st.sampled_from(WRITES), min_size=3, max_size=6, unique=True).flatmap(_steps),
)
OWN_RULES = JOINED | KEPT | LEDGERS | {"events", "api_tokens"}
"""Tables that have rules of their own, which are looked after one by one; all others are as they were."""


class Story:
    """What happened so far, and what may never be otherwise afterwards."""

    def __init__(self, folder):
        values = settings_for(folder)
        self.db = open_database(values)
        self.place = Place(folder, values, self.db, open_workflows(values))
        self.store = Store(self.db, self.place.file)
        self.snapshots = []
        self.replaced = None
        self.events = {}
        self.revoked, self.ended, self.disabled, self.versions = {}, {}, set(), {}
        self.revision = 0

    def pick(self, table, number, column="id"):
        rows = self.db.all(f"SELECT {column} AS id FROM {table} ORDER BY {column}")
        return rows[number % len(rows)]["id"] if rows else None

    def newest(self, table, unless):
        row = self.db.first(f"SELECT MAX(id) AS id FROM {table} WHERE {unless} IS NULL")
        return row["id"]

    def write(self, what, number):
        now = clock.now_text()
        account, workspace = self.pick("accounts", number), self.pick("workspaces", number)
        with self.db.transaction() as tx:
            getattr(self, what.replace(" ", "_"))(tx, number, account, workspace, now)

    def add_agent(self, tx, number, account, workspace, now):
        tx.run(
            "INSERT INTO agents SELECT :id, workspace_id, :name, description, status, runtime, instructions, tags, limits,"
            " 0, 0, NULL, 1, :now, :now FROM agents LIMIT 1",
            id=clock.new_id("agt"), name=f"Agent {number}", now=now,
        )  # fmt: skip
        append(tx, EventType.AGENT_CREATED, "some", workspace_id=workspace, actor=account)

    def rename_agent(self, tx, number, account, workspace, now):
        del account, workspace
        tx.run("UPDATE agents SET name = :now WHERE id = :id", now=now, id=self.pick("agents", number))

    def delete_agent(self, tx, number, account, workspace, now):
        del account, workspace, now
        tx.run(
            "DELETE FROM agents WHERE id = :id AND 2 < (SELECT COUNT(*) FROM agents)", id=self.pick("agents", number)
        )

    def add_member(self, tx, number, account, workspace, now):
        del number
        tx.run(
            "INSERT INTO memberships VALUES (:w, :a, 'viewer', :now, :now) ON CONFLICT DO NOTHING",
            w=workspace, a=account, now=now,
        )  # fmt: skip

    def remove_member(self, tx, number, account, workspace, now):
        del number, workspace, now
        tx.run("DELETE FROM memberships WHERE account_id = :a", a=account)

    def add_workflow(self, tx, number, account, workspace, now):
        del tx, now
        definition = {"name": f"W{number}", "steps": [{"id": "a", "type": "transform", "config": {"value": 1}}]}
        create_workflow(self.store, workspace, definition, By(account))

    def delete_workflow(self, tx, number, account, workspace, now):
        del tx, workspace, now
        found = [one for one in self.place.file.read().workflows if one.deleted_at is None]
        if found:
            delete_workflow(self.store, found[number % len(found)], By(account))

    def make_token(self, tx, number, account, workspace, now):
        del number
        tx.run(
            "INSERT INTO api_tokens VALUES (:id, :a, :w, 'CI', 'viewer', :id, :now, '2099', NULL, NULL)",
            id=clock.new_id("tok"), a=account, w=workspace, now=now,
        )  # fmt: skip

    def revoke_token(self, tx, number, account, workspace, now):
        del number, account, workspace
        token = self.newest("api_tokens", "revoked_at")
        if token and tx.run(
            "UPDATE api_tokens SET revoked_at = :now WHERE id = :id AND revoked_at IS NULL", now=now, id=token
        ):
            self.revoked[token] = now

    def sign_in(self, tx, number, account, workspace, now):
        del number, workspace
        tx.run("INSERT INTO sessions VALUES (:id, :a, '', '', :now, :now, '2099', NULL)",
               id=clock.new_id("ses"), a=account, now=now)  # fmt: skip

    def sign_out(self, tx, number, account, workspace, now):
        del number, account, workspace
        session = self.newest("sessions", "ended_at")
        if session and tx.run(
            "UPDATE sessions SET ended_at = :now WHERE id = :id AND ended_at IS NULL", now=now, id=session
        ):
            self.ended[session] = now

    def change_password(self, tx, number, account, workspace, now):
        del number, workspace
        auth.set_password(tx, account, now, now)

    def disable(self, tx, number, account, workspace, now):
        del number, workspace
        auth.set_account_disabled(tx, account, now, disabled=True)
        self.disabled.add(account)

    def publish(self, tx, number, account, workspace, now):
        del now
        publish(tx, workspace, "orders", {"n": number}, account)

    def rename_account(self, tx, number, account, workspace, now):
        del number, workspace
        tx.run("UPDATE accounts SET name = :now WHERE id = :id", now=now, id=account)

    def add_account(self, tx, number, account, workspace, now):
        del number, account, workspace
        new = clock.new_id("acc")
        tx.run(
            "INSERT INTO accounts (id, email, name, password_hash, created_at, updated_at)"
            " VALUES (:id, :id, 'New', 'x', :now, :now)",
            id=new, now=now,
        )  # fmt: skip

    def of_the_server(self, tx, number, account, workspace, now):
        del workspace, now
        append(tx, EventType.MAINTENANCE_BEGAN, str(number), actor=account)

    # ── snapshots ────────────────────────────────────────────────────────────

    def take(self):
        tables = [row["name"] for row in self.db.all("SELECT name FROM sqlite_master WHERE type = 'table'")]
        data = {name: self.place.rows(name) for name in tables if name not in OWN_RULES and "sqlite" not in name}
        names = {row["id"]: (row["email"], row["name"]) for row in self.place.rows("accounts")}
        tokens = {row["id"] for row in self.place.rows("api_tokens")}
        return self.place.copy(), data, names, tokens, self.place.file.read().workflows, last_event_id(self.db)

    def put_back(self, snapshot):
        there, data, names, tokens, workflows, newest = snapshot
        self.replaced = self.take()
        sign_in = {row["id"]: row for row in self.place.rows("accounts")}
        sessions = self.place.rows("sessions")
        of_the_server = self.db.all("SELECT * FROM events WHERE workspace_id IS NULL AND id > :n", n=newest)
        self.place.put_back(there)
        still = self.db.all("SELECT * FROM events WHERE id > :n ORDER BY id", n=newest)
        assert still[:-1] == of_the_server
        assert still[-1]["type"] == "snapshot.restored"
        for name, rows in data.items():
            assert self.place.rows(name) == rows, name
        now = {row["id"]: row for row in self.place.rows("accounts")}
        assert {key: (now[key]["email"], now[key]["name"]) for key in names} == names
        assert now.keys() >= sign_in.keys()
        for key, row in sign_in.items():
            for column in ("password_hash", "token_version", "is_disabled", "is_operator", "must_change_password"):
                assert now[key][column] == row[column]
        assert self.place.rows("sessions") == sessions
        assert {row["id"] for row in self.place.rows("api_tokens")} == tokens
        assert self.place.file.read().workflows == workflows

    def look(self):
        """What may never be otherwise, whatever happened."""
        for row in self.db.all("SELECT * FROM events"):
            assert self.events.setdefault(row["id"], row) == row, "an id was given twice"
        for row in self.place.rows("api_tokens"):
            assert row["revoked_at"] == self.revoked.get(row["id"])
        for row in self.place.rows("sessions"):
            assert row["ended_at"] == self.ended.get(row["id"])
        for row in self.place.rows("accounts"):
            assert row["is_disabled"] == (row["id"] in self.disabled)
            assert row["token_version"] >= self.versions.get(row["id"], 0)
            self.versions[row["id"]] = row["token_version"]
        assert self.place.file.read().revision >= self.revision
        self.revision = self.place.file.read().revision
        assert self.db.all("PRAGMA foreign_key_check") == []

    def step(self, what, number):
        if what == "snapshot":
            self.snapshots.append(self.take())
        elif what == "restore" and self.snapshots:
            self.put_back(self.snapshots[-1 - number % len(self.snapshots)])
        elif what == "undo" and self.replaced is not None:
            self.put_back(self.replaced)
        elif what in WRITES:
            self.write(what, number)
        self.look()


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_data_is_as_it_was_and_what_may_never_go_back_does_not(steps, seeded_folder):
    folder = Path(tempfile.mkdtemp(prefix="any-order-"))
    try:
        shutil.copytree(seeded_folder, folder, dirs_exist_ok=True)
        story = Story(folder)
        try:
            for what, number in [("snapshot", 0), *steps, ("restore", len(steps)), ("undo", 0)]:
                story.step(what, number)
        finally:
            story.db.close()
    finally:
        shutil.rmtree(folder)
