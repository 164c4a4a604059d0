"""``releaseapp check``: what is wrong is found, named, and told with a cure."""

import json
import os
import shutil
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner
from conftest import write_ini
from msgspec import structs
from running import until_over

from releaseapp.checks import service
from releaseapp.checks.models import Found
from releaseapp.cli import main
from releaseapp.credentials.vault import open_vault
from releaseapp.db.migrations import Migration, known_migrations
from releaseapp.snapshots.models import Reason
from releaseapp.snapshots.service import Snapshots, make_snapshot
from releaseapp.storage import open_workflows

AVERY = "avery.owner@example.com"


def check(ini, *words):
    done = CliRunner().invoke(main, ["check", str(ini), "--json", *words])
    try:
        return done.exit_code, {one["name"]: one for one in json.loads(done.stdout)["outcomes"]}
    except json.JSONDecodeError:
        return done.exit_code, done.output


def test_a_server_that_is_well_has_no_errors_and_nothing_is_written(ini, tmp_path, settings, seeded):
    make_snapshot(Snapshots(seeded, open_workflows(settings), settings, open_vault(settings)), Reason.ASKED, None)
    before = {
        path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file() and "-shm" not in path.name
    }
    code, found = check(ini)
    assert code == 0
    assert [one["name"] for one in found.values() if not one["ok"] and one["severity"] == "error"] == []
    for one in found.values():
        assert one["sentence"].endswith(".")
        assert one["ok"] or one["cure"]
    after = {
        path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file() and "-shm" not in path.name
    }
    assert {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)} <= {
        tmp_path / "workflows.json.lock"
    }


def test_warnings_are_an_exit_code_of_their_own_when_one_is_strict(ini):
    assert check(ini)[0] == 0
    code, found = check(ini, "--strict")
    assert (code, found["snapshot"]["ok"]) == (1, False)
    assert "releaseapp snapshot create" in found["snapshot"]["cure"]


def test_one_check_alone(ini):
    code, found = check(ini, "--only", "database")
    assert (code, list(found)) == (0, ["database"])
    code, said = check(ini, "--only", "nothing")
    assert (code, "There is no check nothing" in said) == (2, True)


def test_the_demos_password_in_production_is_an_error(ini, tmp_path):
    code, found = check(write_ini(tmp_path, "production"))
    assert code == 2
    assert AVERY in found["demo"]["sentence"]
    assert not found["address"]["ok"]


def test_a_database_that_is_not_there_is_not_made(tmp_path):
    code, said = check(write_ini(tmp_path))
    assert (code, "There is no database" in said) == (2, True)
    assert not (tmp_path / "agents.db").exists()


def test_a_damaged_workflow_file_is_an_error(ini, tmp_path):
    (tmp_path / "workflows.json").write_text("{")
    code, found = check(ini)
    assert (code, found["workflow-file"]["ok"]) == (2, False)


def test_credentials_that_do_not_open_are_an_error(ini, seeded):
    with seeded.transaction() as tx:
        tx.run(
            """
            INSERT INTO credentials SELECT 'crd_1', id, 'Shop', 'shop', 'api-key', '[]', '[]', '{}', '["key"]', 1, NULL,
            NULL, '2026', '2026', 'abcdefabcdef', 'v1.abcdefabcdef.AAAA' FROM workspaces LIMIT 1
            """
        )
    code, found = check(ini)
    assert (code, found["credentials"]["sentence"]) == (2, "1 credentials cannot be opened.")


def test_an_index_that_is_gone_is_an_error(ini, seeded):
    with seeded.transaction() as tx:
        tx.run("DROP INDEX operations_by_kind")
    code, found = check(ini)
    assert code == 2
    assert "operations" in found["schema"]["sentence"]


def test_pending_migrations_are_tried_on_a_copy_alone(ini, seeded, monkeypatch):
    def known(*more):
        everything = [*known_migrations_before, *more]
        monkeypatch.setattr("releaseapp.db.migrate.known_migrations", lambda: everything)

    known_migrations_before = known_migrations()
    known(Migration("m9998_good", ["CREATE TABLE good (id TEXT PRIMARY KEY)"]))
    code, found = check(ini, "--only", "migrations")
    assert (code, found["migrations"]["sentence"]) == (0, "Tried on a copy, and well: m9998_good.")
    assert seeded.first("SELECT 1 AS yes FROM sqlite_master WHERE name = 'good'") is None
    known(Migration("m9999_bad", ["CREATE TABLE agents (id TEXT)"]))
    code, found = check(ini, "--only", "migrations")
    assert (code, found["migrations"]["ok"]) == (2, False)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_to_is_an_error(ini, tmp_path):
    tmp_path.chmod(0o500)
    try:
        assert check(ini, "--only", "folder")[0] == 2
    finally:
        tmp_path.chmod(0o700)


def test_an_operator_checks_on_the_page(app):
    page = app.as_browser(AVERY)
    assert "Not checked yet" in page.get("/release/checks").text
    avery = app.as_program(AVERY)
    begun = avery.post_json("/release/checks", {}, status=202).json
    until_over(begun["id"])
    found = avery.get("/release/checks").json["operation"]
    assert found["status"] == "done"
    assert {one["name"] for one in found["result"]["outcomes"]} >= {"database", "credentials", "snapshot"}
    assert "Every stored credential opens." in page.get("/release/checks").text


def test_a_check_that_does_not_end_is_told_and_holds_up_neither_the_others_nor_the_command(ini, monkeypatch):
    over, ended = threading.Event(), threading.Event()

    def hang(place):
        # Within a statement, as the check of a large database is: nobody else can close its connection meanwhile.
        place.db.sqlite_utils().conn.create_function("hang", 0, lambda: over.wait(60))
        try:
            place.db.first("SELECT hang() AS hung")
        finally:
            ended.set()
        return Found(ok=True, sentence="At last.")

    hanging = [structs.replace(one, look=hang) if one.name == "database" else one for one in service.CHECKS]
    monkeypatch.setattr(service, "CHECKS", hanging)
    try:
        code, found = check(ini, "--limit", "1", "--only", "database", "--only", "schema")
        assert not ended.is_set()
    finally:
        over.set()
    assert ended.wait(20)
    assert code == 2
    assert "not over within 1 s" in found["database"]["sentence"]
    assert "--limit" in found["database"]["cure"]
    assert found["schema"]["ok"]


def test_what_a_young_server_has_in_the_log_of_its_database_is_counted(ini, seeded, tmp_path):
    with seeded.transaction() as tx:
        tx.run("UPDATE accounts SET name = :long", long="x" * 2_000_000)
    log = (tmp_path / "agents.db-wal").stat().st_size
    assert log > 2_000_000
    code, found = check(ini, "--only", "disk")
    told = float(found["disk"]["sentence"].partition("the data takes ")[2].removesuffix(" MB."))
    assert (code, told >= log / 1e6) == (0, True)


@pytest.mark.parametrize("damage", [lambda _whole: b"no database at all", lambda whole: whole[: len(whole) // 2]])
def test_a_damaged_database_is_named_with_what_helps_and_nothing_breaks(ini, settings, seeded, caplog, damage):
    seeded.close()
    file = Path(settings.agent_db_path)
    file.write_bytes(damage(file.read_bytes()))
    before = file.read_bytes()
    code, found = check(ini)
    assert (code, found["database"]["ok"]) == (2, False)
    assert "snapshot restore" in found["database"]["cure"]
    assert not [one for one in found.values() if "broke" in one["sentence"]]
    assert "Traceback" not in caplog.text
    assert file.read_bytes() == before


def test_an_empty_file_is_no_database_and_stays_empty(ini, settings, seeded):
    seeded.close()
    file = Path(settings.agent_db_path)
    file.write_bytes(b"")
    code, said = check(ini)
    assert (code, "There is no database" in said) == (2, True)
    assert file.read_bytes() == b""


def test_a_lock_that_somebody_keeps_is_an_error(tmp_path, ini, settings):
    assert check(ini, "--only", "writes")[0] == 0
    write_ini(tmp_path, "development", "busy_timeout_seconds = 1")
    with closing(sqlite3.connect(settings.agent_db_path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        code, found = check(ini, "--only", "writes")
    assert (code, found["writes"]["ok"]) == (2, False)
    assert "somebody keeps the lock" in found["writes"]["sentence"]


def test_a_database_that_may_only_be_read_is_an_error(ini, settings, seeded, monkeypatch):
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda path, **more: connect(f"file:{path}?mode=ro", uri=True, **more))
    code, found = check(ini, "--only", "writes")
    assert (code, found["writes"]["ok"]) == (2, False)
    assert "readonly" in found["writes"]["sentence"]


def test_a_log_that_is_not_brought_in_is_told(ini, seeded, monkeypatch):
    monkeypatch.setattr("releaseapp.checks.database._LEAST_LONG_BYTES", 10_000)
    with seeded.transaction() as tx:
        tx.run("UPDATE accounts SET name = :long", long="x" * 300_000)
    code, found = check(ini, "--only", "log", "--strict")
    assert (code, found["log"]["ok"]) == (1, False)
    monkeypatch.undo()
    assert check(ini, "--only", "log", "--strict")[0] == 0


def test_a_volume_on_which_there_can_be_no_log_is_told(ini, monkeypatch):
    monkeypatch.setattr("releaseapp.checks.queries.journal_mode", lambda _db: "delete")
    code, found = check(ini, "--only", "log", "--strict")
    assert (code, "journal_mode is delete" in found["log"]["sentence"]) == (1, True)


def test_snapshots_that_are_elsewhere_need_room_and_a_folder_too(tmp_path, ini, monkeypatch):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    write_ini(tmp_path, "development", f"snapshot_folder = {elsewhere}/snapshots")
    usage = shutil.disk_usage
    full = usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: full if Path(path) == elsewhere else usage(path))
    _code, found = check(ini, "--only", "disk")
    assert (found["disk"]["ok"], str(elsewhere) in found["disk"]["sentence"]) == (False, True)
    write_ini(tmp_path, "development", "snapshot_folder = %(here)s/server.ini/snapshots")
    code, found = check(ini, "--only", "folder")
    assert (code, "server.ini" in found["folder"]["sentence"]) == (2, True)


def test_a_workflow_file_that_is_older_than_the_database_knows_is_an_error(app, ini, settings):
    file = open_workflows(settings).path
    before = file.read_bytes()
    casey = app.as_program("casey.editor@example.com")
    casey.post_json("/workspaces/aurora/workflows", {"template": "blank", "name": "Later"}, status=201)
    assert check(ini, "--only", "workflow-file")[0] == 0
    file.write_bytes(before)
    code, found = check(ini, "--only", "workflow-file")
    assert (code, "the database knows of" in found["workflow-file"]["sentence"]) == (2, True)


def test_a_password_that_nobody_can_be_asked_for_is_no_warning(ini, monkeypatch):
    monkeypatch.delenv("RELEASEAPP_PASSWORD", raising=False)
    code, said = check(ini, "--account", AVERY)
    assert (code, "RELEASEAPP_PASSWORD" in said) == (2, True)


def test_checks_that_are_named_are_those_of_an_ini_file():
    done = CliRunner().invoke(main, ["check", "--url", "http://127.0.0.1:9", "--only", "tls"])
    assert (done.exit_code, "--only chooses among" in done.output) == (2, True)
