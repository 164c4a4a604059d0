"""A release from beginning to end with two versions of the product, real processes, and load: the second has one more
migration, a route that lets viewers do more, and calls itself 0.2.0. Its gate is stormy at first; it goes out all the same,
is rolled back, and the rollback is undone, while 500 live clients listen, and others read and write.

An event is lost when somebody was not told of it: of every event in what is there at the end, and in what the undo
replaced, each client has heard exactly once, or was told after it to read everything anew.
"""

import json
import subprocess
import sys
import threading
import time
import urllib.request

import pytest
from handover.houses import House
from releases.crowd import Crowd, events_in_newest_snapshot, events_of, make_room, missed_by
from servers import Program

SOCKETS = 500
OWNER = "avery.owner@example.com"
OFTEN = """
from releaseapp.connections import sampler
sampler.SAMPLE_SECONDS = 0.5
"""
NEXT = (
    OFTEN
    + """
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
)
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
    """Reads lists and writes to an agent, one after the other; notes each failure, and the longest wait of each stage."""

    def __init__(self, house):
        super().__init__(daemon=True)
        self.program = Program(house.server, OWNER)
        self.over = threading.Event()
        self.failures, self.answers = [], 0
        self.stage, self.longest = "before", {}
        self.agent = self.program.send("/workspaces/aurora/agents")["items"][0]["id"]

    def run(self):
        while not self.over.wait(0.02):
            began = time.monotonic()
            try:
                self.program.send("/workspaces/aurora/agents")
                self.program.send("/workspaces/lumen/workflows")
                self.program.send(
                    f"/workspaces/aurora/agents/{self.agent}", {"instructions": f"{self.answers} answers"}, "PATCH"
                )
            except Exception as error:
                self.failures.append(f"{self.stage}: {error!r}")
            self.answers += 3
            self.longest[self.stage] = max(self.longest.get(self.stage, 0), time.monotonic() - began)


def command(house, *words, program=None, code=0):
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
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + (done.stderr if code else "")


def version(house):
    with urllib.request.urlopen(f"{house.url}/version", timeout=10) as answer:
        return json.load(answer)["version"]


def names(owner):
    return {one["name"] for one in owner.send("/workspaces/aurora/agents")["items"]}


@pytest.fixture
def crowd(house):
    make_room(SOCKETS)
    house.play(OFTEN).wait_for("releaseapp listens at")
    made = Crowd(house.port, Program(house.server, OWNER)._token, SOCKETS)
    made.start()
    made.all_listen()
    yield made
    made.end()


def test_a_release_goes_out_is_rolled_back_and_comes_again_and_nobody_loses_anything(house, crowd):
    (first,) = house.processes
    owner = Program(house.server, OWNER)
    owner.send("/workspaces/aurora/agents", {"name": "From before"})
    load = Load(house)
    load.start()

    begin = ("release", "start", "--version", "0.2.0", "--why", "One more table")
    assert "Version 0.1.0 serves" in command(house, *begin, program=AS_NEXT, code=2)
    started = command(house, *begin)
    assert "Took the snapshot" in started
    load.stage = "hand-over to 0.2.0"
    second = house.play(NEXT).wait_for("releaseapp listens at")
    assert first.ends() == 0
    assert version(house) == "0.2.0"
    assert owner.send("/workspaces/aurora/agents/fresh", {}) == {"fresh": True}
    confirmed = command(house, "release", "confirm-roles", program=AS_NEXT)
    assert "POST /workspaces/{workspace}/agents/fresh" in confirmed

    # Many lose their connection: the gate does not let it pass.
    crowd.all_listen()
    crowd.vanish(SOCKETS // 3)
    refused = until_refused_for_a_storm(house)
    assert "Not promoted" in refused
    crowd.all_listen()
    promoted = command(house, "release", "promote", "--wait", "0", "--despite", "it was our network", program=AS_NEXT)
    assert "0.2.0" in promoted
    owner.send("/workspaces/aurora/agents", {"name": "From after"})

    # It is found wanting: back to the data and the version from before.
    load.stage = "rollback"
    back = command(house, "release", "rollback", "--yes", program=AS_NEXT)
    assert "writes waited" in back
    assert "start 0.1.0" in back
    crowd.all_were_reset(1)
    load.stage = "hand-over to 0.1.0"
    third = house.play(OFTEN).wait_for("releaseapp listens at")
    assert second.ends() == 0
    assert version(house) == "0.1.0"
    assert "From before" in names(owner)
    assert "From after" not in names(owner)
    owner.send("/workspaces/aurora/agents", {"name": "Made meanwhile"})

    # The fault was elsewhere: the new version once more, and its data.
    load.stage = "hand-over to 0.2.0 again"
    house.play(NEXT).wait_for("releaseapp listens at")
    assert third.ends() == 0
    load.stage = "undo"
    command(house, "snapshot", "undo", "--yes", program=AS_NEXT)
    assert names(owner) >= {"From before", "From after"}
    assert "Made meanwhile" not in names(owner)
    crowd.all_were_reset(2)

    load.over.set()
    load.join(30)
    crowd.all_listen()
    told = tell_what_was_lost(house, crowd, load)
    assert load.failures == []
    assert load.answers > 50
    assert (told["lost"], told["twice"]) == (0, 0)
    log = command(house, "release", "log", program=AS_NEXT)
    assert "0.2.0" in log
    assert "Rolled back" in log
    assert "stormy" in log


def until_refused_for_a_storm(house):
    """What the command says once a sample has seen it."""
    deadline = time.monotonic() + 30
    while "ended abnormally" not in (
        said := command(house, "release", "promote", "--wait", "0", program=AS_NEXT, code=1)
    ):
        assert time.monotonic() < deadline, said
    return said


def tell_what_was_lost(house, crowd, load):
    """Counts it, and prints it for whoever reads the log of the tests."""
    var = house.folder / "var"
    there = events_of(var / "agents.db", "aurora")
    crowd.all_heard(max(there))
    events = there | events_in_newest_snapshot(var / "snapshots", "aurora")
    missed = [missed_by(one, events) for one in crowd.listeners]
    told = {
        "sockets": len(crowd.listeners),
        "told": sum(len(one.heard) for one in crowd.listeners),
        "lost": sum(len(lost) for lost, _ in missed),
        "twice": sum(len(one.heard) - len(set(one.heard)) for one in crowd.listeners),
        "stood for by a reset": sum(number for _, number in missed),
        "faults": sorted({fault for one in crowd.listeners for fault in one.faults}),
    }
    waits = ", ".join(f"{stage} {seconds:.2f} s" for stage, seconds in load.longest.items())
    sys.stdout.write(f"{load.answers} answers, {len(load.failures)} failed; {told}; the longest wait: {waits}\n")
    return told
