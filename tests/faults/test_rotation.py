"""A rotation that is killed again and again while others read and write: nothing is lost, nothing is done twice."""

import itertools
import json
import os
import random
import subprocess
import sys
import threading

import pytest

from releaseapp.credentials import queries, service
from releaseapp.credentials.models import CredentialType
from releaseapp.credentials.schemas import CredentialChange, CredentialCreate
from releaseapp.credentials.vault import Vault

OLD = "the secret that was used before, 0123456789"
NEW = "the secret that takes its place, 0123456789"
AURORA, COBALT = "workspace-aurora", "workspace-cobalt"
TOTAL = 1000
ROTATE = "from releaseapp.cli.credentials import credentials; credentials()"


@pytest.fixture
def world(settings, seeded, tmp_path):
    db = seeded
    ini = tmp_path / "server.ini"
    ini.write_text(
        "[app:main]\nuse = egg:releaseapp\nmode = development\n"
        "agent_db_path = %(here)s/agents.db\nworkflow_store_path = %(here)s/workflows.json\n"
    )
    old = Vault([OLD], settings.sqlite_databases)
    with db.transaction():
        for number in range(TOTAL):
            given = CredentialCreate(f"C {number}", CredentialType.API_KEY, {"key": f"secret-{number}"})
            service.create_credential(db, old, (AURORA, COBALT)[number % 2], given, actor="a")
    return db, ini, settings.sqlite_databases


def rotate(ini, *options, new=NEW, old=OLD):
    environ = {**os.environ, "CREDENTIALS_SECRET": new, "CREDENTIALS_SECRET_PREVIOUS": old}
    return subprocess.Popen(
        [sys.executable, "-c", ROTATE, "rotate", str(ini), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environ,
    )


def rotated_by_events(db):
    rows = db.all("SELECT workspace_id, data FROM events WHERE type = 'credential.rotated'")
    return sum(json.loads(row["data"])["number"] for row in rows)


def test_a_rotation_that_is_killed_goes_on_while_others_read_and_write(world):
    db, ini, folder = world
    both = Vault([NEW, OLD], folder)
    stop = threading.Event()
    faults, replaced, tried, added = [], {}, {}, []
    ids = {one.state.credential.name: one.state.credential for one in queries.list_sealed(db, AURORA)}

    def read():
        names = itertools.cycle(sorted(ids))
        while not stop.is_set():
            name = next(names)
            secret = service.open_credential(db, both, AURORA, name)
            known = {f"secret-{name.split()[1]}", *tried.get(name, ())}
            # What was there at first, or what the writer put there: never anything else.
            if secret.fields["key"] not in known:
                faults.append((name, secret.fields["key"], known))

    def write():
        for number, name in enumerate(itertools.cycle(sorted(ids))):
            if stop.is_set():
                return
            replaced[name] = f"replaced-{number}"
            tried.setdefault(name, []).append(replaced[name])
            service.change_credential(db, both, ids[name], CredentialChange(fields={"key": replaced[name]}), actor="a")
            given = CredentialCreate(f"New {number}", CredentialType.API_KEY, {"key": f"new-{number}"})
            added.append(service.create_credential(db, both, COBALT, given, actor="a").credential.name)
            stop.wait(0.01)

    threads = [threading.Thread(target=work) for work in (read, write)]
    for thread in threads:
        thread.start()
    try:
        killed = 0
        while service.vault_state(db, both).status == "rotating":
            process = rotate(ini)
            for _ in range(random.randint(1, 3)):
                if not process.stderr.readline():
                    break
            # In the midst of the next batch, at a moment that nobody chose.
            stop.wait(random.random() * 0.01)
            process.kill()
            process.communicate()
            killed += process.returncode == -9
            assert killed < 100
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert killed >= 2
    assert not faults
    last = rotate(ini, "--json")
    outcome = json.loads(last.communicate()[0])
    assert (last.returncode, outcome["remaining"], outcome["skipped"]) == (0, 0, [])
    new = Vault([NEW], folder)
    assert outcome["under"] == {new.key_id: TOTAL + len(added)}
    assert service.unreadable(db, new) == []
    for workspace in (AURORA, COBALT):
        for secret in service.secrets_of_workspace(db, new, workspace):
            kind, number = secret.name.split()
            wanted = f"new-{number}" if kind == "New" else replaced.get(secret.name, f"secret-{number}")
            assert secret.fields["key"] == wanted
    # What people replaced meanwhile was sealed by the new key already, and so not by the rotation.
    assert TOTAL - len(replaced) <= rotated_by_events(db) <= TOTAL
    revisions = {one.state.revision for one in queries.list_sealed(db, COBALT)}
    assert revisions == {1}


def test_undisturbed_each_is_sealed_anew_once_with_its_event(world):
    db, ini, folder = world
    process = rotate(ini)
    output, progress = process.communicate()
    assert process.returncode == 0, progress
    assert f"{TOTAL:,} sealed anew" in output
    assert "no longer needed" in output
    assert progress.count("\n") >= TOTAL // 100
    assert rotated_by_events(db) == TOTAL
    keys = {row["key_id"]: row["retired_at"] for row in queries.list_keys(db)}
    assert keys[Vault([NEW], folder).key_id] is None
    assert keys[Vault([OLD], folder).key_id] is not None
    again = rotate(ini)
    assert again.communicate()[0].startswith("0 sealed anew")
    assert rotated_by_events(db) == TOTAL
    assert OLD not in output + progress
    assert NEW not in output + progress


def test_two_rotations_at_once_do_the_work_once(world):
    db, ini, _ = world
    processes = [rotate(ini, "--json") for _ in range(2)]
    outcomes = [json.loads(process.communicate()[0]) for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert sum(outcome["rotated"] for outcome in outcomes) == rotated_by_events(db) == TOTAL


def test_what_cannot_be_opened_stays_as_it_is_and_is_named(world):
    db, ini, _ = world
    with db.transaction() as tx:
        tx.run("UPDATE credentials SET sealed = substr(sealed, 1, 40) WHERE name = 'C 7'")
    before = {one.state.credential.id: one.sealed for one in queries.list_sealed(db, COBALT)}
    process = rotate(ini)
    output, _ = process.communicate()
    assert process.returncode == 1
    assert "'C 7'" in output
    (left,) = (one for one in queries.list_sealed(db, COBALT) if one.state.credential.name == "C 7")
    assert left.sealed == before[left.state.credential.id]
    assert rotated_by_events(db) == TOTAL - 1


def test_a_rotation_with_a_wrong_previous_secret_changes_nothing(world):
    db, ini, folder = world
    process = rotate(ini, "--json", old="neither the one nor the other, 0123456789")
    outcome = json.loads(process.communicate()[0])
    assert process.returncode == 1
    assert (outcome["rotated"], outcome["remaining"]) == (0, TOTAL)
    assert rotated_by_events(db) == 0
    assert service.unreadable(db, Vault([OLD], folder)) == []
