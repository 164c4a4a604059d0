"""Deaths in the midst of a hand-over, and who else knocks at the control socket."""

import http.client
import json
import os
import signal
import socket
import urllib.request

import pytest
from handover.houses import House

from releaseapp.server import control


def answers(house) -> bool:
    with urllib.request.urlopen(f"{house.url}/healthz", timeout=10) as answer:
        return answer.status == 200


def kept_connection(house) -> http.client.HTTPConnection:
    connection = http.client.HTTPConnection("127.0.0.1", house.port, timeout=10)
    connection.request("GET", "/healthz")
    assert connection.getresponse().read()
    return connection


def ask_for_the_socket(house) -> tuple[socket.socket, dict, list[int]]:
    """As a new process does; gives the conversation, the answer, and the file descriptors that came."""
    line = socket.socket(socket.AF_UNIX)
    line.settimeout(10)
    line.connect(str(house.socket))
    asked = {"protocol": 1, "process": os.getpid(), "network": control.network(), "version": "9"}
    line.sendall(json.dumps(asked).encode() + b"\n")
    data, descriptors, _, _ = socket.recv_fds(line, 4096, 4)
    return line, json.loads(data), descriptors


def test_while_one_takes_over_another_says_why_it_ends(house):
    old = house.serving()
    line, _, (descriptor,) = ask_for_the_socket(house)
    second = house.start()
    assert second.ends() == 1
    assert f"process {os.getpid()} is just taking over this address; this one ends" in second.says()
    assert "File " not in second.says(), "a sentence is enough"
    line.close()
    os.close(descriptor)
    old.wait_for("did not get ready to take over")
    house.serving()
    assert old.ends() == 0


@pytest.mark.parametrize("said", [b'{"ready": false}\n', b"{}\n", b"[1]\n", b"\xff\xfe\n", b"ready\n"])
def test_who_says_anything_but_that_it_is_ready_has_not_taken_over(house, said):
    old = house.serving()
    line, _, (descriptor,) = ask_for_the_socket(house)
    line.sendall(said)
    old.wait_for("did not get ready to take over; this one goes on as before")
    line.close()
    os.close(descriptor)
    assert answers(house)


def test_the_socket_that_is_given_is_the_very_one_that_listens(house):
    house.serving()
    line, told, (descriptor,) = ask_for_the_socket(house)
    with socket.socket(fileno=descriptor) as given:
        assert given.getsockname() == ("127.0.0.1", house.port)
        assert given.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    assert told["process"] == house.processes[0].pid
    line.close()


def test_a_process_of_another_network_gets_nothing_and_is_told_why(house):
    house.serving()
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(str(house.socket))
        line.sendall(b'{"protocol": 1, "process": 7, "network": "net:[1]", "version": "9"}\n')
        data, descriptors, _, _ = socket.recv_fds(line, 4096, 4)
    assert descriptors == []
    assert "another network" in json.loads(data)["refused"]


def test_the_other_end_must_be_the_same_user(monkeypatch):
    one, other = socket.socketpair(socket.AF_UNIX)
    with one, other:
        assert control.is_this_user(one)
        monkeypatch.setattr(os, "geteuid", lambda: 4711)
        assert not control.is_this_user(one)


def test_a_folder_whose_name_is_longer_than_an_address_may_be(tmp_path):
    house = House(tmp_path / ("a folder with a long name " * 6).strip())
    try:
        old = house.serving()
        assert house.socket.exists()
        house.serving()
        assert old.ends() == 0
    finally:
        house.end()


def test_an_old_process_that_dies_while_it_gives_connections_away_takes_only_those_with_it(house):
    old = house.play("""
import os, signal
from releaseapp.server.handover import Successor
def die(self, *_arguments):
    os.kill(os.getpid(), signal.SIGKILL)
Successor.take = die
""").wait_for("releaseapp listens at")
    kept = kept_connection(house)
    new = house.serving()
    assert old.ends() == -signal.SIGKILL
    kept.request("GET", "/healthz")
    with pytest.raises((OSError, http.client.HTTPException)):
        kept.getresponse()
    assert answers(house)
    new.wait_for(f"process {old.pid} has left; 0 of its connections came over")


def test_a_new_process_that_dies_while_it_adopts_connections_lets_the_old_one_leave_and_the_next_one_start(house):
    old = house.serving()
    kept = [kept_connection(house) for _ in range(3)]
    new = house.play("""
import os, signal
from releaseapp.live.http.server import Server
def die(self, *_arguments):
    os.kill(os.getpid(), signal.SIGKILL)
Server.adopt = die
""")
    assert new.ends() == -signal.SIGKILL
    assert old.ends() == 0
    for connection in kept:
        connection.close()
    house.serving()
    assert answers(house)
