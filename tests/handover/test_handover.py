"""Start the new process: it takes over, and the old one leaves by itself. Nobody notices but the log."""

import http.client
import os
import signal
import socket
import sqlite3
import stat
import threading
import time
import urllib.request

import pytest
from servers import Program


def version_of(house) -> int:
    with urllib.request.urlopen(f"{house.url}/healthz", timeout=10) as answer:
        return answer.status


def test_the_new_process_takes_over_and_the_old_one_leaves_well(house):
    old = house.serving()
    new = house.serving()
    assert old.ends() == 0
    assert f"process {new.pid} has taken over" in old.says()
    new.wait_for(f"process {old.pid} has left")
    assert version_of(house) == 200


def test_the_control_socket_is_for_this_user_alone(house):
    house.serving()
    assert stat.S_IMODE(house.socket.stat().st_mode) == 0o600
    assert stat.S_ISSOCK(house.socket.stat().st_mode)


def test_a_server_that_stops_takes_its_control_socket_away_but_not_that_of_its_successor(house):
    old = house.serving()
    new = house.serving()
    assert old.ends() == 0
    assert house.socket.exists()
    new.popen.send_signal(signal.SIGTERM)
    assert new.ends() == 0
    assert not house.socket.exists()


def test_a_connection_that_is_kept_goes_on_in_the_new_process(house):
    old = house.serving()
    connection = http.client.HTTPConnection("127.0.0.1", house.port, timeout=10)
    connection.request("GET", "/healthz")
    assert connection.getresponse().read()
    kept = connection.sock
    house.serving()
    assert old.ends() == 0
    connection.request("POST", "/auth/login", b"{}", {"Content-Type": "application/json"})
    answer = connection.getresponse()
    assert answer.status == 400
    assert connection.sock is kept, "the client had to connect anew"
    connection.close()


def test_half_a_head_sent_to_the_old_process_is_answered_by_the_new_one(house):
    old = house.serving()
    with socket.create_connection(("127.0.0.1", house.port), timeout=10) as client:
        client.sendall(b"GET /healthz HTTP/1.1\r\nHo")
        time.sleep(0.3)
        house.serving()
        assert old.ends() == 0
        client.sendall(b"st: a\r\nConnection: close\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 200 OK")


def test_connections_that_nobody_has_accepted_yet_are_not_lost(house):
    old = house.serving()
    os.kill(old.pid, signal.SIGSTOP)
    waiting = [socket.create_connection(("127.0.0.1", house.port), timeout=30) for _ in range(50)]
    for client in waiting:
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    new = house.start()
    time.sleep(0.5)
    os.kill(old.pid, signal.SIGCONT)
    new.wait_for("releaseapp listens at")
    for client in waiting:
        assert client.recv(100).startswith(b"HTTP/1.1 200 OK")
        client.close()
    assert old.ends() == 0


def test_a_chain_of_ten_leaves_one_process(house):
    before = house.serving()
    for _ in range(4):
        after = house.serving()
        assert before.ends() == 0
        before = after
    assert version_of(house) == 200


def test_of_two_new_ones_at_once_one_serves_and_nobody_is_left_without(house):
    first = house.serving()
    two = [house.start(), house.start()]
    assert first.ends() == 0
    deadline = time.monotonic() + 60
    while sum(one.popen.poll() is None for one in two) > 1:
        assert time.monotonic() < deadline, [one.says() for one in two]
        time.sleep(0.05)
    gone = next(one for one in two if one.popen.poll() is not None)
    # Either it came while the other was at it, and says so, or it came first and was itself taken over.
    assert gone.ends() == 0 or "is just taking over this address; this one ends" in gone.says(), gone.says()
    assert version_of(house) == 200


@pytest.mark.parametrize("stage", ["before it asks", "after it has the socket", "while it says that it is ready"])
def test_a_new_process_that_dies_leaves_the_old_one_as_it_was(house, stage):
    die = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    name = {
        "before it asks": "releaseapp.server.entrance.find_predecessor",
        "after it has the socket": "releaseapp.live.gateway.Gateway.start",
        "while it says that it is ready": "releaseapp.server.handover.Predecessor.take_over",
    }[stage]
    module, _, attribute = name.rpartition(".")
    program = f"""
from importlib import import_module
def die(*_arguments):
    {die}
parts = {module!r}.split(".")
place = import_module(".".join(part for part in parts if part[0].islower()))
for part in parts:
    if part[0].isupper():
        place = getattr(place, part)
setattr(place, {attribute!r}, die)
"""
    old = house.serving()
    connection = http.client.HTTPConnection("127.0.0.1", house.port, timeout=10)
    assert house.play(program).ends() == -signal.SIGKILL
    if stage != "before it asks":
        old.wait_for("did not get ready to take over; this one goes on as before")
    connection.request("GET", "/healthz")
    assert connection.getresponse().status == 200
    connection.close()
    assert old.popen.poll() is None
    new = house.serving()
    assert old.ends() == 0
    assert new.popen.poll() is None


def test_a_new_version_that_cannot_be_started_leaves_the_old_one_as_it_was(house):
    old = house.serving()
    house.server.ini.write_text(house.server.ini.read_text().replace("mode = development", "mode = sideways"))
    failed = house.start()
    assert failed.ends() != 0
    assert "must be development or production" in failed.says()
    assert old.popen.poll() is None
    assert version_of(house) == 200


@pytest.mark.parametrize("moment", ["tell_ready", "serving"])
def test_an_old_process_that_dies_meanwhile_leaves_its_socket_to_the_new_one(house, moment):
    old = house.serving()
    if moment == "serving":
        new = house.serving()
        old.popen.kill()
    else:
        program = f"""
import os, signal
from releaseapp.server.handover import Predecessor
take_over = Predecessor.take_over
def kill_first(self, adopt):
    os.kill({old.pid}, signal.SIGKILL)
    take_over(self, adopt)
Predecessor.take_over = kill_first
"""
        new = house.play(program).wait_for("releaseapp listens at")
    old.ends()
    assert version_of(house) == 200
    assert new.popen.poll() is None


def test_a_control_socket_that_a_killed_process_left_behind_is_no_hindrance(house):
    house.serving().kill()
    assert house.socket.exists()
    house.serving()
    assert version_of(house) == 200


def begin_upload(client, body):
    """Sends the head and the beginning of the body, once a process has said that it reads it."""
    head = (
        "POST /auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nExpect: 100-continue\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    client.sendall(head.encode())
    assert client.recv(4096).startswith(b"HTTP/1.1 100 ")
    client.sendall(body[:10])


def test_a_slow_upload_may_take_longer_than_the_grace_for_nobody_waits_for_the_old_process(house):
    ini = house.server.ini
    ini.write_text(ini.read_text().replace("hand_over = true", "hand_over = true\ngrace_seconds = 0"))
    old = house.serving()
    body = b'{"email":"nobody@example.com","password":"wrong-password"}'
    with socket.create_connection(("127.0.0.1", house.port), timeout=20) as client:
        begin_upload(client, body)
        house.serving()
        old.wait_for("releaseapp.server.service: stopping")
        client.sendall(body[10:])
        assert client.recv(4096).startswith(b"HTTP/1.1 401")
    assert old.ends() == 0


def test_a_request_in_hand_is_brought_to_its_end_by_the_old_process(house):
    """Its body comes slowly: the old process has read the head, so the request is its own to answer."""
    old = house.serving()
    body = b'{"email":"nobody@example.com","password":"wrong-password"}'
    with socket.create_connection(("127.0.0.1", house.port), timeout=20) as client:
        begin_upload(client, body)
        new = house.serving()
        assert old.popen.poll() is None
        client.sendall(body[10:])
        answer = client.recv(4096)
        assert answer.startswith(b"HTTP/1.1 401")
        assert old.ends() == 0
        # And the connection, which was kept, goes on in the new one.
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        assert client.recv(4096).startswith(b"HTTP/1.1 200 OK")
        assert new.popen.poll() is None


def test_somebody_who_says_nonsense_to_the_control_socket_changes_nothing(house):
    old = house.serving()
    for words in (b"hello\n", b"{}\n", b'{"protocol": 99, "process": "x"}\n', b"[]\n", b"\xff" * 100_000):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(house.socket))
            client.sendall(words)
            client.shutdown(socket.SHUT_WR)
            client.settimeout(10)
            while client.recv(4096):
                pass
    assert version_of(house) == 200
    house.serving()
    assert old.ends() == 0


def test_clients_that_never_pause_notice_nothing(house):
    """Four readers and a writer on kept connections, two readers on new ones: every request of theirs is answered."""
    process = house.serving()
    over = threading.Event()
    answers: list[int] = []
    faults: list[BaseException] = []

    def ask(*, keep: bool) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", house.port, timeout=30)
        try:
            while not over.is_set():
                connection.request("GET", "/version", headers={"Connection": "keep-alive" if keep else "close"})
                answer = connection.getresponse()
                answer.read()
                answers.append(answer.status)
        except (OSError, http.client.HTTPException) as error:
            faults.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=ask, kwargs={"keep": number < 5}) for number in range(7)]
    for thread in threads:
        thread.start()
    for _ in range(2):
        following = house.serving()
        assert process.ends() == 0
        process = following
    over.set()
    for thread in threads:
        thread.join()
    assert not faults
    assert set(answers) == {200}
    assert len(answers) > 200


NEXT_VERSION = """
from releaseapp.db import migrate
from releaseapp.db.migrations import Migration, known_migrations
known = [*known_migrations(), Migration("m9999_next", [{statement!r}])]
migrate.known_migrations = lambda: known
"""


def test_the_old_process_serves_on_over_a_database_that_a_newer_version_has_migrated(house):
    old = house.serving()
    die = "\nimport os\nfrom releaseapp.live.gateway import Gateway\nGateway.start = lambda self: os._exit(9)\n"
    assert house.play(NEXT_VERSION.format(statement="CREATE TABLE next_thing (id TEXT)") + die).ends() == 9
    owner = Program(house.server, "avery.owner@example.com")
    made = owner.send("/workspaces/aurora/agents", {"name": "Nova"})
    assert owner.send(f"/workspaces/aurora/agents/{made['id']}")["name"] == "Nova"
    assert old.popen.poll() is None
    # The new version is mended, and takes over.
    house.play(NEXT_VERSION.format(statement="CREATE TABLE next_thing (id TEXT)")).wait_for("releaseapp listens at")
    assert old.ends() == 0
    assert owner.send(f"/workspaces/aurora/agents/{made['id']}")["name"] == "Nova"


def test_a_migration_that_fails_leaves_the_old_process_as_it_was(house):
    old = house.serving()
    assert house.play(NEXT_VERSION.format(statement="CREATE TABLE (")).ends() != 0
    owner = Program(house.server, "avery.owner@example.com")
    assert owner.send("/workspaces/aurora/agents", {"name": "Nova"})["name"] == "Nova"
    assert old.popen.poll() is None


def test_what_a_worker_has_in_hand_is_handed_over_and_done_once(house):
    """A run that waits in a step of some seconds: the new process brings it to its end."""
    old = house.serving()
    owner = Program(house.server, "avery.owner@example.com")
    steps = [
        {"id": "a", "type": "delay", "config": {"seconds": 3}},
        {"id": "b", "type": "transform", "config": {"value": 7}},
    ]
    made = owner.send("/workspaces/aurora/workflows", {"definition": {"name": "W", "steps": steps}})
    there = f"/workspaces/aurora/workflows/{made['id']}"
    owner.send(f"{there}/versions/1/publish", {})
    runs = [owner.send(f"{there}/run", {}) for _ in range(3)]
    house.serving()
    assert old.ends() == 0
    deadline = time.monotonic() + 60
    for run in runs:
        while (status := owner.send(f"/workspaces/aurora/runs/{run['id']}")["status"]) != "succeeded":
            assert status in {"queued", "running", "waiting"}
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_an_operation_at_work_in_the_old_process_is_brought_to_its_end(house):
    operate = """
import threading, time
from releaseapp.operations.models import Kind
from releaseapp.operations.service import start_in_thread
from releaseapp.server.service import Service
begin = Service._start
def start(self, entrance):
    def work(report):
        while not __import__("pathlib").Path(GO).exists():
            time.sleep(0.02)
        return "Done.", {}
    start_in_thread(self._app.registry.db, Kind.SNAPSHOT, None, work)
    return begin(self, entrance)
Service._start = start
""".replace("GO", repr(str(house.folder / "go")))
    old = house.play(operate).wait_for("releaseapp listens at")
    house.serving()
    old.wait_for("has taken over")
    time.sleep(1)
    assert old.popen.poll() is None
    (house.folder / "go").touch()
    assert old.ends() == 0
    with sqlite3.connect(house.folder / "var" / "agents.db") as db:
        assert db.execute("SELECT status FROM operations").fetchall() == [("done",)]
