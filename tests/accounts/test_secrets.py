"""Secrets: how they stand, that a rotation is told once, and that two live keys interrupt nobody."""

import contextlib
import json
import sqlite3
import urllib.error

import pytest
from click.testing import CliRunner
from conftest import settings_for
from servers import Program, RunningServer

from releaseapp.cli import main
from releaseapp.keys import list_secrets, note_secrets

AVERY = "avery.owner@example.com"
OLD, NEW = "the old secret of this server, 0123456789", "the new secret of this server, 9876543210"
VAULT = "what seals credentials on this server, 5555"


def status(ini, *words, **environ):
    return CliRunner().invoke(main, ["secrets", "status", str(ini), *words], env=environ)


def rotations(db):
    return [
        json.loads(row["data"]) for row in db.all("SELECT data FROM events WHERE type = 'secret.rotated' ORDER BY id")
    ]


def test_a_rotation_is_told_once_and_never_with_the_secret(db, tmp_path):
    before, after = settings_for(tmp_path, jwt_secret=OLD), settings_for(tmp_path, jwt_secret=NEW)
    assert note_secrets(db, before) == []
    assert note_secrets(db, before) == []
    assert rotations(db) == []
    assert note_secrets(db, after) == ["jwt_secret"]
    assert note_secrets(db, after) == []
    (told,) = rotations(db)
    assert told["secret"] == "jwt_secret"
    assert told["before"] != told["now"]
    kept = json.dumps([dict(row) for row in db.all("SELECT * FROM server_state")]) + json.dumps(told)
    assert OLD not in kept
    assert NEW not in kept


def test_only_the_secret_that_changed_is_new(db, tmp_path):
    note_secrets(db, settings_for(tmp_path, jwt_secret=OLD))
    since = {one.name: one.since for one in list_secrets(db, settings_for(tmp_path, jwt_secret=OLD))}
    changed = settings_for(tmp_path, jwt_secret=OLD, snapshot_secret=NEW)
    assert note_secrets(db, changed) == ["snapshot_secret"]
    kept = {one.name: one for one in list_secrets(db, changed)}
    assert kept["jwt_secret"].since == since["jwt_secret"]
    assert kept["snapshot_secret"].since is not None
    assert kept["credentials_secret"].fingerprint != kept["jwt_secret"].fingerprint


def test_the_status_says_what_a_rotation_still_waits_for(ini):
    said = status(ini)
    assert said.exit_code == 0
    assert "no server has served with it yet" in said.output
    assert "snapshot_secret     not set: snapshots are not encrypted" in said.output
    said = status(ini, JWT_SECRET_PREVIOUS=OLD, CREDENTIALS_SECRET_PREVIOUS=NEW)
    assert "sessions of before end with the old one" in said.output
    assert "releaseapp credentials rotate INI" in said.output
    assert OLD not in said.output + said.stderr
    by_vault = json.loads(status(ini, "--json").stdout)["credentials"]["key_id"]
    assert f"credentials_secret  {by_vault}  no server" in said.output
    told = json.loads(status(ini, "--json", JWT_SECRET_PREVIOUS=OLD).stdout)
    assert [bool(one["previous"]) for one in told["secrets"]] == [True, False, False]


def test_a_new_secret_is_printed_and_another_each_time():
    said = [CliRunner().invoke(main, ["secrets", "generate", "jwt_secret"]) for _ in range(2)]
    lines = {one.stdout.strip() for one in said}
    assert len(lines) == 2
    assert all(line.startswith("JWT_SECRET=") and len(line) > 70 for line in lines)
    assert "JWT_SECRET_PREVIOUS" in said[0].stderr
    assert CliRunner().invoke(main, ["secrets", "generate", "another"]).exit_code == 2


@pytest.mark.xdist_group("secrets")
def test_with_two_keys_live_nobody_has_to_sign_in_again_and_with_one_everybody(tmp_path):
    server = RunningServer(tmp_path, JWT_SECRET=OLD, CREDENTIALS_SECRET=VAULT)
    with contextlib.ExitStack() as stack:
        stack.callback(server.end)
        before = Program(server.start(), AVERY)
        server.stop()
        server.environ = {"JWT_SECRET": NEW, "JWT_SECRET_PREVIOUS": OLD, "CREDENTIALS_SECRET": VAULT}
        server.start()
        assert before.send("/auth/me")["user"]["email"] == AVERY
        after = Program(server, AVERY)
        server.stop()
        server.environ = {"JWT_SECRET": NEW, "CREDENTIALS_SECRET": VAULT}
        server.start()
        assert after.send("/auth/me")["user"]["email"] == AVERY
        with pytest.raises(urllib.error.HTTPError, match="401"):
            before.send("/auth/me")
        server.stop()
    with contextlib.closing(sqlite3.connect(tmp_path / "var" / "agents.db")) as db:
        assert db.execute("SELECT subject FROM events WHERE type = 'secret.rotated'").fetchall() == [("jwt_secret",)]
