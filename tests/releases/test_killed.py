"""A process that is killed in the middle of a release: the state says what to do, and the next command goes on."""

import os
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from releases.world import AVERY, BAILEY, PLAN, ground_of

from releaseapp import clock
from releaseapp.errors import Conflict
from releaseapp.releases.models import Status
from releaseapp.releases.promoting import Wish
from releaseapp.releases.service import (
    find_open,
    finish,
    list_entries,
    log_as_markdown,
    perform,
    promote,
    roll_back,
    start,
)
from releaseapp.releases.state import state_of

HERE = Path(__file__).parent
TESTS = HERE.parent

STAGES = [
    ("start", "check", Status.STARTING),
    ("start", "take_snapshot", Status.STARTING),
    ("start", "matrix", Status.STARTING),
    ("promote", "ask_health", Status.STARTED),
    ("promote", "connections", Status.STARTED),
    ("finish", "connections", Status.PROMOTED),
    ("finish", "call_hook", Status.PROMOTED),
    ("rollback", "put_back", Status.ROLLING_BACK),
    ("rollback-late", "put_back", Status.ROLLING_BACK),
]


@pytest.fixture
def calling(ground, settings, world):
    return ground_of(ground.db, replace(settings, release_hook_url="https://cdn.example.com/clear"), world)


def kill_at(folder, verb, stage):
    process = subprocess.Popen(
        [sys.executable, str(HERE / "stage.py"), str(folder), verb, stage],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": f"{TESTS.parent}:{TESTS}"},
        cwd=TESTS.parent,
    )
    try:
        assert process.stdout.readline() == b"here\n", process.stderr.read().decode()
    finally:
        process.kill()
        process.wait(timeout=30)
        process.stdout.close()
        process.stderr.close()


@pytest.mark.parametrize(("verb", "stage", "status"), STAGES)
def test_who_is_killed_leaves_a_state_that_says_what_to_do(calling, tmp_path, verb, stage, status, monkeypatch, world):
    command = verb.partition("-")[0]
    begin = {
        "start": lambda who: start(calling, who, PLAN),
        "promote": lambda who: promote(calling, who, Wish()),
        "finish": lambda who: finish(calling, who, Wish()),
        "rollback": lambda who: roll_back(calling, who, ""),
    }[command]
    if command != "start":
        perform(calling, start(calling, AVERY, PLAN))
    if command == "finish":
        perform(calling, promote(calling, AVERY, Wish()))
    kill_at(tmp_path, verb, stage)
    assert find_open(calling.db).status is status
    with pytest.raises(Conflict, match="at work on the release"):
        begin(BAILEY)
    later = clock.now() + timedelta(seconds=15)
    monkeypatch.setattr(clock, "now", lambda: later)
    advice = state_of(calling).next
    assert (advice.verb, advice.command) == (command, f"releaseapp release {command}")
    if verb == "rollback-late":
        calling = ground_of(calling.db, calling.settings, world, was_put_back=lambda _name, _since: "kept-before")
    done = perform(calling, begin(BAILEY))
    if verb == "rollback-late":
        assert world.put_back == [], "what was put back is not put back again: the undo would lead nowhere"
        assert "kept as kept-before" in list_entries(calling.db, done.id)[-2].sentence
        assert "not known, for the process died" in log_as_markdown(calling.db, done.id)
    assert (
        done.status.value
        == {"start": "started", "promote": "promoted", "finish": "finished", "rollback": "rolled_back"}[command]
    )
    kinds = [entry.kind.value for entry in list_entries(calling.db, done.id)]
    assert kinds.count({"start": "snapshot", "rollback": "restored"}.get(command, "begun")) == 1
