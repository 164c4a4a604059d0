"""A release from beginning to end with two versions of the product, real processes, and load: the second has one more
migration, a route that lets viewers do more, and calls itself 0.2.0. It goes out, is rolled back, and the rollback is undone."""

import json
import subprocess
import sys
import threading
import time
import urllib.request

import pytest
from handover.houses import House
from servers import Program

OWNER = "avery.owner@example.com"
NEXT = """
import releaseapp
releaseapp.__version__ = "0.2.0"
from releaseapp.db import migrations
known = [
    *migrations.known_migrations(),
    migrations.Migration("m9999_next", ["CREATE TABLE next_thing (id TEXT PRIMARY KEY)"]),
]
migrations.known_migrations = lambda: known
from releaseapp import health
exec('''
from releaseapp.agents.resources import Agents
from releaseapp.permissions import Permission
from releaseapp.web.views import api

@api(Agents, Permission.AGENTS_VIEW, "POST", name="fresh")
def fresh(_context, _request):
    return json_answer({"fresh": True})
''', vars(health))
"""
AS_NEXT = f"""{NEXT}
from releaseapp.cli import main
main()
"""


@pytest.fixture
def house(tmp_path):
    made = House(tmp_path)
    yield made
    made.end()


class Load(threading.Thread):
    """Asks for a list and writes an agent, one after the other, and notes each failure and the longest answer."""

    def __init__(self, house):
        super().__init__(daemon=True)
        self.program = Program(house.server, OWNER)
        self.over = threading.Event()
        self.failures, self.answers, self.longest = [], 0, 0.0

    def run(self):
        while not self.over.is_set():
            began = time.monotonic()
            try:
                self.program.send("/workspaces/aurora/agents")
                self.program.send("/workspaces/lumen/workflows")
            except Exception as error:
                self.failures.append(repr(error))
            self.answers += 2
            self.longest = max(self.longest, time.monotonic() - began)


def command(house, *words, program=None):
    """A command as an operator types it, beside the running server; gives what it printed."""
    begin = ["-c", program] if program else ["-m", "releaseapp.cli"]
    done = subprocess.run(
        [sys.executable, *begin, *words[:2], str(house.server.ini), *words[2:]],
        capture_output=True,
        text=True,
        env=house.environ,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def version(house):
    with urllib.request.urlopen(f"{house.url}/version", timeout=10) as answer:
        return json.load(answer)["version"]


def names(owner):
    return {one["name"] for one in owner.send("/workspaces/aurora/agents")["items"]}


def test_a_release_goes_out_is_rolled_back_and_comes_again_and_no_request_fails(house):
    first = house.serving()
    owner = Program(house.server, OWNER)
    owner.send("/workspaces/aurora/agents", {"name": "From before"})
    load = Load(house)
    load.start()

    started = command(house, "release", "start", "--version", "0.2.0", "--why", "One more table")
    assert "Took the snapshot" in started
    second = house.play(NEXT).wait_for("releaseapp listens at")
    assert first.ends() == 0
    assert version(house) == "0.2.0"
    assert owner.send("/workspaces/aurora/agents/fresh", {}) == {"fresh": True}
    confirmed = command(house, "release", "confirm-roles", program=AS_NEXT)
    assert "POST /workspaces/{workspace}/agents/fresh" in confirmed
    promoted = command(
        house, "release", "promote", "--wait", "0", "--despite", "there is no time to wait", program=AS_NEXT
    )
    assert "0.2.0" in promoted
    owner.send("/workspaces/aurora/agents", {"name": "From after"})

    # It is found wanting: back to the data and the version from before.
    back = command(house, "release", "rollback", "--yes", program=AS_NEXT)
    assert "writes waited" in back
    assert "start 0.1.0" in back
    third = house.serving()
    assert second.ends() == 0
    assert version(house) == "0.1.0"
    assert "From before" in names(owner)
    assert "From after" not in names(owner)
    owner.send("/workspaces/aurora/agents", {"name": "Made meanwhile"})

    # The fault was elsewhere: the new version once more, and its data.
    house.play(NEXT).wait_for("releaseapp listens at")
    assert third.ends() == 0
    command(house, "snapshot", "undo", "--yes", program=AS_NEXT)
    assert names(owner) >= {"From before", "From after"}
    assert "Made meanwhile" not in names(owner)

    load.over.set()
    load.join(30)
    assert load.failures == []
    assert load.answers > 50
    sys.stdout.write(f"{load.answers} answers, none failed; the longest pair took {load.longest:.2f} s\n")
    log = command(house, "release", "log", program=AS_NEXT)
    assert "0.2.0" in log
    assert "Rolled back" in log
