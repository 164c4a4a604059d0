"""``releaseapp check INI --account``: this version serves a copy of the data, and the data itself is only read."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner
from conftest import settings_for, write_ini
from databases import database_on, postgres  # noqa: F401 - a fixture
from pasts import tools
from running import Lab, offer, work

from releaseapp.auth.people.service import require_change
from releaseapp.caretaker import Caretaker
from releaseapp.cli import main
from releaseapp.db.migrations import Migration, known_migrations
from releaseapp.runs.models import RunStatus
from releaseapp.seeds import SEED_PASSWORD, seed
from releaseapp.storage import open_database, open_workflows
from releaseapp.workers import Workers

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


def test_a_run_that_waits_is_not_carried_on_in_the_copy_either(tmp_path, monkeypatch):
    done = []
    offer(monkeypatch, "test.work", lambda value, _context: done.append(value))
    # They would come by it only after a while: its queue has no call for it.
    for kind in (Workers, Caretaker):
        monkeypatch.setattr(kind, "start", lambda _at_work: done.append("began"))
    with closing(Lab(tmp_path)) as lab:
        waits = lab.start(lab.workflow(work("a")))
        code, found = check(write_ini(tmp_path), "a@example.com", password="a long password")
        assert ([one["sentence"] for one in found if not one["ok"]], code) == ([], 0)
        assert (done, lab.now(waits).status) == ([], RunStatus.QUEUED)


def ended_by(ini, settings, number):
    """A check in a process of its own, which is sent a signal while it visits; the copies that are left."""
    words = [sys.executable, "-m", "releaseapp.cli", "check", str(ini), "--account", AVERY, "--patience", "600"]
    environ = {**os.environ, "RELEASEAPP_PASSWORD": SEED_PASSWORD}
    with subprocess.Popen(words, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            deadline = time.monotonic() + 60
            while not any(visited(log) for log in settings.snapshots.glob(".making-*/agents.db-wal")):
                assert process.poll() is None, process.stdout.read()
                assert time.monotonic() < deadline
                time.sleep(0.02)
            process.send_signal(number)
            process.wait(60)
        finally:
            process.kill()
    return list(settings.snapshots.iterdir())


def visited(log):
    # There is a log once the copy is served; who reads it while it is made holds that up.
    copy = log.with_name("agents.db")
    with suppress(sqlite3.Error), closing(sqlite3.connect(f"file:{copy}?mode=ro", uri=True)) as db:
        return db.execute("SELECT count(*) FROM sessions").fetchone()[0]
    return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_that_is_asked_to_end_takes_its_copy_away(ini, settings, seeded, number):
    before = rows(seeded)
    assert ended_by(ini, settings, number) == []
    assert rows(seeded) == before


def test_the_copy_of_one_that_was_killed_is_cleared_away_by_a_later_one(ini, settings, seeded):
    before = rows(seeded)
    (left,) = ended_by(ini, settings, signal.SIGKILL)
    assert left.stat().st_mode & 0o077 == 0
    yesterday = time.time() - 25 * 3600
    os.utime(left, (yesterday, yesterday))
    assert check(ini, AVERY)[0] == 0
    assert list(settings.snapshots.iterdir()) == []
    assert rows(seeded) == before


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
