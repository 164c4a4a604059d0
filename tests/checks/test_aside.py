"""``releaseapp check INI --account``: this version serves a copy of the data, and the data itself is only read."""

import json
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner
from conftest import settings_for, write_ini
from databases import database_on, postgres  # noqa: F401 - a fixture
from pasts import tools

from releaseapp.auth.people.service import require_change
from releaseapp.cli import main
from releaseapp.db.migrations import Migration, known_migrations
from releaseapp.seeds import SEED_PASSWORD, seed
from releaseapp.storage import open_database, open_workflows

AVERY, DEVON = "avery.owner@example.com", "devon.viewer@example.com"
OF_A_PERSON = ["sign-in", "me", "agents", "live"]


def check(ini, *emails, password=SEED_PASSWORD):
    words = [word for email in emails for word in ("--account", email)]
    done = CliRunner().invoke(
        main, ["check", str(ini), "--json", "--only", "schema", *words], env={"RELEASEAPP_PASSWORD": password}
    )
    return done.exit_code, json.loads(done.stdout)["outcomes"][1:]


def rows(db):
    tables = [row["name"] for row in db.all("SELECT name FROM sqlite_master WHERE type = 'table' AND sql IS NOT NULL")]
    return {name: db.first(f'SELECT count(*) AS n FROM "{name}"')["n"] for name in tables}


def test_accounts_find_their_way_on_a_copy_and_nothing_of_it_is_left(ini, settings, seeded):
    before = rows(seeded)
    code, found = check(ini, AVERY, DEVON)
    assert code == 0
    assert [one["name"] for one in found] == ["aside", *OF_A_PERSON, *OF_A_PERSON]
    assert all(one["ok"] for one in found)
    assert "came round on /ws" in found[4]["sentence"]
    assert rows(seeded) == before
    assert list(settings.snapshots.iterdir()) == []


@pytest.mark.parametrize(("email", "password"), [(AVERY, "not the password"), ("nobody@example.com", SEED_PASSWORD)])
def test_who_cannot_sign_in_is_named_and_the_real_throttle_does_not_count_it(ini, seeded, email, password):
    before = rows(seeded)
    code, found = check(ini, email, password=password)
    assert code == 2
    assert [(one["name"], one["ok"]) for one in found] == [("aside", True), ("sign-in", False)]
    assert email in found[1]["title"]
    assert rows(seeded) == before


def test_who_must_change_the_password_first_is_told_so(ini, seeded):
    require_change(seeded, seeded.first("SELECT id FROM accounts WHERE email = :email", email=DEVON)["id"])
    code, found = check(ini, DEVON)
    assert (code, found[-1]["ok"]) == (2, False)
    assert "password" in found[-1]["sentence"]


def test_a_migration_that_is_pending_is_applied_to_the_copy_alone(ini, seeded, monkeypatch):
    from releaseapp.db import migrate

    newer = [*known_migrations(), Migration("m9999_more", ["CREATE TABLE more (id TEXT PRIMARY KEY)"])]
    monkeypatch.setattr(migrate, "known_migrations", lambda: newer)
    code, found = check(ini, AVERY)
    assert (code, [one for one in found if not one["ok"]]) == (0, [])
    assert "more" not in rows(seeded)


def test_work_that_waits_is_left_alone(ini, seeded):
    with seeded.transaction() as tx:
        agent = tx.first("SELECT id, workspace_id FROM agents")
        tx.run(
            "INSERT INTO tasks (id, workspace_id, agent_id, title, input, status, usage, created_at)"
            " VALUES ('tsk_waits', :workspace_id, :agent_id, 'Waits', '{}', 'queued', '{}', '2026-01-01T00:00:00.000Z')",
            workspace_id=agent["workspace_id"],
            agent_id=agent["id"],
        )
    assert check(ini, AVERY)[0] == 0
    assert seeded.first("SELECT status FROM tasks WHERE id = 'tsk_waits'")["status"] == "queued"


def test_without_a_workflow_file_there_is_nothing_to_serve(ini, settings):
    open_workflows(settings).path.unlink()
    code, found = check(ini, AVERY)
    assert (code, [one["name"] for one in found]) == (2, ["aside"])
    assert "cannot be read" in found[0]["sentence"]


@pytest.mark.xdist_group("postgresql")
def test_on_postgresql_the_copy_is_a_database_of_its_own(postgres, tmp_path):  # noqa: F811
    with database_on(postgres) as made:
        # Named where it wins over the path: were it kept, the copy would be the database itself.
        address = f"{made}{'&' if '?' in made else '?'}dbname={urlsplit(made).path[1:]}"
        db = open_database(settings := settings_for(tmp_path, agent_db_path=address))
        seed(db, settings)
        open_workflows(settings)
        path = write_ini(tmp_path, "development", f"postgres_tools = {tools(address)}")
        path.write_text(path.read_text().replace("agent_db_path = %(here)s/agents.db", f"agent_db_path = {address}"))
        sessions = "SELECT count(*) AS n FROM sessions"
        code, found = check(path, AVERY)
        assert ([one["sentence"] for one in found if not one["ok"]], code) == ([], 0)
        assert db.first(sessions)["n"] == 0
        left = db.all("SELECT datname FROM pg_database WHERE starts_with(datname, 'releaseapp_aside_')")
        assert left == []
        db.close()
