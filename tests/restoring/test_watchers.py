"""A real server goes on while a snapshot is put back by another process: requests are answered, sockets hear of it."""

import json
import os
import subprocess
import sys
import threading

import pytest
from servers import Program, RunningServer
from websockets.sync.client import connect


@pytest.fixture
def server(tmp_path):
    running = RunningServer(tmp_path)
    yield running.start()
    running.end()


def command(server, *words):
    done = subprocess.run(
        [sys.executable, "-m", "releaseapp.cli", "snapshot", *words[:1], str(server.ini), *words[1:]],
        capture_output=True,
        text=True,
        env={**os.environ, **server.environ},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def socket_of(server, program):
    address = f"{server.url.replace('http', 'ws')}/ws"
    return connect(address, additional_headers={"Authorization": f"Bearer {program._token}"})


def test_sockets_are_told_and_no_request_fails_while_a_snapshot_is_put_back_and_undone(server):
    owner = Program(server, "avery.owner@example.com")
    name = json.loads(command(server, "create", "--json"))["name"]
    added = owner.send("/workspaces/aurora/agents", {"name": "Added Since"})
    stop, answered, failed = threading.Event(), [], []

    def ask():
        while not stop.is_set():
            try:
                owner.send("/workspaces/aurora/agents")
                answered.append(owner.send("/auth/me"))
            except OSError as error:
                failed.append(error)

    asking = threading.Thread(target=ask)
    with socket_of(server, owner) as socket:
        assert json.loads(socket.recv(timeout=10))["type"] == "hello"
        asking.start()
        command(server, "restore", name, "--yes")
        while (heard := json.loads(socket.recv(timeout=10)))["type"] != "reset":
            pass
        assert heard["restored"]
        names = [one["name"] for one in owner.send("/workspaces/aurora/agents")["items"]]
        assert "Added Since" not in names
        command(server, "undo", "--yes")
        while (heard := json.loads(socket.recv(timeout=10)))["type"] != "reset":
            pass
        stop.set()
        asking.join(30)
    assert owner.send(f"/workspaces/aurora/agents/{added['id']}")["name"] == "Added Since"
    assert failed == []
    assert answered
