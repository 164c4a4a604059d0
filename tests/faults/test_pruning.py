"""Pruning is killed at random moments; what it has begun is done by the next, and nothing is half forgotten."""

import random
import signal
import subprocess
import sys
import time

import pytest
from kept_runs import add_run, add_workspace, count, kept

from releaseapp import clock
from releaseapp.db import connect
from releaseapp.db.migrate import migrate
from releaseapp.runs.retention import service
from releaseapp.settings import Mode, Settings

PRUNE = """
import sys
from releaseapp import clock
from releaseapp.db import connect
from releaseapp.runs.retention import service
from releaseapp.settings import Settings

db = connect(sys.argv[1])
print("ready", flush=True)
while service.prune(db, Settings(run_keep_days=5), clock.now_text(), seconds=0.2).more:
    pass
for _ in service.give_back_space(db):
    pass
print("done", flush=True)
"""
HOME = "workspace-lab"
LARGE, SMALL = 6, 200


@pytest.mark.timeout(120)
def test_pruning_survives_being_killed_and_every_run_is_whole_or_gone(tmp_path):
    seed = random.randrange(1_000_000)
    dice = random.Random(seed)
    path = tmp_path / "agents.db"
    db = connect(path)
    migrate(db)
    add_workspace(db)
    with db.transaction():
        large = [add_run(db, HOME, days=20, steps=1500, lines=4000, size=50) for _ in range(LARGE)]
        for _ in range(SMALL):
            add_run(db, HOME, days=10, steps=3, lines=9, size=50, digest="old")
        stays = [add_run(db, HOME, days=1, steps=3, lines=9, digest="new") for _ in range(5)]

    kills = done = 0
    while not done:
        process = subprocess.Popen([sys.executable, "-c", PRUNE, str(path)], stdout=subprocess.PIPE, text=True)
        assert process.stdout.readline() == "ready\n"
        if kills < 8:
            time.sleep(dice.uniform(0.0, 0.15))
            process.send_signal(signal.SIGKILL)
        done = process.stdout.read() == "done\n"
        process.stdout.close()
        process.wait(10)
        kills += not done
        check_all_are_whole(db, large, f"seed {seed}, {kills} kills")

    where = f"seed {seed}, {kills} kills"
    assert kills >= 3, where
    assert kept(db) == stays, where
    assert (count(db, "run_steps"), count(db, "run_log_lines")) == (15, 45), where
    assert [row["digest"] for row in db.all("SELECT digest FROM run_definitions")] == ["new"], where
    assert db.first("PRAGMA integrity_check")["integrity_check"] == "ok", where
    assert db.first("PRAGMA freelist_count")["freelist_count"] == 0, where
    db.close()


def check_all_are_whole(db, large, where):
    """But for at most one, with which the next to prune begins."""
    rows = db.all(
        """
        SELECT id, wake_at, (SELECT COUNT(*) FROM run_steps WHERE run_id = runs.id) AS steps,
               (SELECT COUNT(*) FROM run_log_lines WHERE run_id = runs.id) AS lines
        FROM runs
        """
    )
    begun = [row for row in rows if row["wake_at"] is not None]
    assert len(begun) <= 1, where
    for row in rows:
        whole = (1500, 4000) if row["id"] in large else (3, 9) if row["steps"] == 3 else (1, 1)
        assert row in begun or (row["steps"], row["lines"]) == whole, where


@pytest.mark.timeout(60)
def test_those_who_write_beside_pruning_are_not_refused(tmp_path):
    path = tmp_path / "agents.db"
    db, other = connect(path), connect(path, busy_timeout=1.0)
    migrate(db)
    add_workspace(db)
    add_run(db, HOME, days=20, steps=1, lines=25_000, size=20)
    add_run(db, HOME, days=1)
    process = subprocess.Popen([sys.executable, "-c", PRUNE, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    waits = []
    while len(kept(db)) > 1:
        began = time.monotonic()
        with other.transaction() as tx:
            tx.run("UPDATE workspaces SET revision = revision + 1")
        waits.append(time.monotonic() - began)
    assert process.communicate(timeout=30)[0] == "done\n"
    assert len(waits) > 20
    assert sorted(waits)[len(waits) // 2] < 0.1
    other.close()
    db.close()


def test_a_call_of_the_keeper_does_little_at_a_time_and_the_next_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(service, "_SECONDS_A_CALL", 0.0)
    db = connect(tmp_path / "agents.db")
    migrate(db)
    add_workspace(db)
    add_run(db, HOME, days=20, steps=1, lines=5000, size=20)
    add_run(db, HOME, days=1)
    limits = Settings(mode=Mode.DEVELOPMENT, run_keep_days=5)
    lefts = []
    while not service.prune_some(db, limits, clock.now_text()):
        lefts.append(count(db, "run_log_lines"))
    assert lefts[0] >= 3000
    assert lefts[:5] == sorted(set(lefts[:5]), reverse=True)
    assert len(kept(db)) == 1
    db.close()
