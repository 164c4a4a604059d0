"""``snapshot restore|undo|drill`` as one types them."""

import json
from contextlib import closing

import click
import pytest
from click.testing import CliRunner
from conftest import settings_for, write_ini

from releaseapp.cli import main
from releaseapp.cli.ini import make_server
from releaseapp.credentials.vault import open_vault
from releaseapp.db import connect
from releaseapp.db.migrate import apply, migrate, pending
from releaseapp.db.migrations import known_migrations
from releaseapp.operations import service as operations
from releaseapp.operations.models import Kind
from releaseapp.seeds import seed
from releaseapp.snapshots.models import Reason
from releaseapp.snapshots.restoring.service import JOURNAL
from releaseapp.snapshots.service import Snapshots, make_snapshot
from releaseapp.storage import open_workflows


@pytest.fixture
def world(tmp_path):
    ini = write_ini(tmp_path)
    settings, db = make_server(ini)
    seed(db, settings)
    s = Snapshots(db, open_workflows(settings), settings, open_vault(settings))
    yield ini, s, make_snapshot(s, Reason.ASKED, None).manifest.name
    db.close()


def run(*words, **options):
    return CliRunner().invoke(main, ["snapshot", *[str(word) for word in words]], **options)


def agents(s):
    return {row["name"] for row in s.db.all("SELECT name FROM agents")}


def rename(s):
    with s.db.transaction() as tx:
        tx.run("UPDATE agents SET name = 'Changed'")


def test_it_shows_the_loss_asks_tells_how_far_it_is_and_how_to_undo_it(world):
    ini, s, name = world
    then = agents(s)
    rename(s)
    refused = run("restore", ini, name, input="n\n")
    assert (refused.exit_code, agents(s)) == (1, {"Changed"})
    assert "Stays as it is now: passwords" in refused.output
    done = run("restore", ini, name, input="y\n")
    assert (done.exit_code, agents(s)) == (0, then), done.output
    assert "A snapshot of now is taken." in done.output
    assert f"Snapshot {name} is put back" in done.output
    assert "releaseapp snapshot undo" in done.output
    undone = run("undo", ini, "--yes", "--json")
    assert undone.exit_code == 0
    assert json.loads(undone.stdout)["seconds_writes_waited"] >= 0
    assert agents(s) == {"Changed"}


def test_only_a_preview_changes_nothing(world):
    ini, s, name = world
    rename(s)
    told = json.loads(run("restore", ini, name, "--preview", "--json").stdout)
    assert (told["possible"], told["snapshot"]) == (True, name)
    assert agents(s) == {"Changed"}


def test_what_is_not_there_is_refused_in_a_sentence(world):
    ini, _, _ = world
    assert run("restore", ini, "none", "--yes").exit_code == 2
    undo = run("undo", ini, "--yes")
    assert (undo.exit_code, "nothing to undo" in undo.output) == (2, True)


def test_undo_puts_back_what_it_showed_though_another_operator_puts_something_back_meanwhile(world, monkeypatch):
    ini, s, name = world
    rename(s)
    assert run("restore", ini, name, "--yes").exit_code == 0

    def another_comes_first(question, **_options):
        assert run("restore", ini, name, "--yes").exit_code == 0
        return True

    monkeypatch.setattr(click, "confirm", another_comes_first)
    assert run("undo", ini).exit_code == 0
    assert agents(s) == {"Changed"}


def test_a_drill_says_that_it_can_be_put_back(world):
    ini, _, name = world
    done = run("drill", ini)
    assert (done.exit_code, f"Snapshot {name}" in done.output, "can be put back" in done.output) == (0, True, True)
    told = CliRunner().invoke(main, ["release", "drill", str(ini), "--json"])
    assert json.loads(told.stdout)["snapshot"] == name


def test_a_drill_of_one_whose_credentials_do_not_open_says_no(world):
    ini, s, _ = world
    with s.db.transaction() as tx:
        tx.run(
            """
            INSERT INTO credentials SELECT 'crd_1', id, 'Shop', 'shop', 'api-key', '[]', '[]', '{}', '["key"]', 1, NULL,
            NULL, '2026', '2026', 'abcdefabcdef', 'v1.abcdefabcdef.AAAA' FROM workspaces LIMIT 1
            """
        )
    make_snapshot(s, Reason.ASKED, None)
    said = run("drill", ini)
    assert (said.exit_code, "1 credentials do not open" in said.output) == (1, True), said.output


def test_an_older_schema_is_put_back_as_it_was_while_nothing_else_is_at_work(tmp_path):
    ini, settings = write_ini(tmp_path), settings_for(tmp_path)
    with closing(connect(settings.agent_db_path)) as db:
        apply(db, [step for step in known_migrations() if step.name < JOURNAL])
        s = Snapshots(db, open_workflows(settings), settings, open_vault(settings))
        name = make_snapshot(s, Reason.MIGRATION, None).manifest.name
        migrate(db)
        other = operations.begin(db, Kind.SNAPSHOT, None)
        refused = run("restore", ini, name, "--yes", "--keep-schema")
        assert (refused.exit_code, "Wait for its end" in refused.output) == (2, True), refused.output
        assert pending(db) == []
        operations.carry_out(db, other, lambda _report: ("Made.", {}))
        done = run("restore", ini, name, "--yes", "--keep-schema")
        assert (done.exit_code, f"Snapshot {name} is put back" in done.output) == (0, True), done.output
        assert JOURNAL in pending(db)
