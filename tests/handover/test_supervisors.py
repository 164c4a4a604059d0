"""Started with a socket that is open already, as systemd does it, and telling how it goes."""

import http.client
import os
import signal
import socket
import sys
import threading

import pytest

from releaseapp.errors import SettingsError
from releaseapp.server.options import read_options

LAUNCH = """
import os
os.dup2(GIVEN, 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execv(PYTHON, [PYTHON, "-m", "pyramid.scripts.pserve", INI])
"""


@pytest.fixture
def listener(house):
    """The socket that a supervisor holds open, whatever becomes of the servers."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as sock:
        house.port = sock.getsockname()[1]
        house.url = f"http://127.0.0.1:{house.port}"
        yield sock


def activate(house, listener):
    os.set_inheritable(listener.fileno(), True)
    text = LAUNCH.replace("GIVEN", str(listener.fileno())).replace("PYTHON", repr(sys.executable))
    command = [sys.executable, "-c", text.replace("INI", repr(str(house.server.ini)))]
    return house._start(command, close_fds=False)


def test_a_server_serves_on_the_socket_that_it_is_given(house, listener):
    process = activate(house, listener).wait_for(f"releaseapp listens at {house.url}")
    connection = http.client.HTTPConnection("127.0.0.1", house.port, timeout=10)
    connection.request("GET", "/healthz")
    assert connection.getresponse().status == 200
    connection.close()
    process.popen.send_signal(signal.SIGTERM)
    assert process.ends() == 0


def test_a_restart_by_the_supervisor_lets_clients_wait_and_fails_none(house, listener):
    """The last answer on each connection says that it is the last, and what comes meanwhile waits in the queue."""
    process = activate(house, listener).wait_for("releaseapp listens at")
    over = threading.Event()
    statuses: list[int] = []
    faults: list[BaseException] = []

    def ask() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", house.port, timeout=30)
        try:
            while not over.is_set():
                connection.request("POST", "/auth/login", b"{}", {"Content-Type": "application/json"})
                answer = connection.getresponse()
                answer.read()
                statuses.append(answer.status)
        except (OSError, http.client.HTTPException) as error:
            faults.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    process.popen.send_signal(signal.SIGTERM)
    assert process.ends() == 0
    answered = len(statuses)
    activate(house, listener).wait_for("releaseapp listens at")
    while len(statuses) < answered + 50 and not faults:
        over.wait(0.05)
    over.set()
    for thread in threads:
        thread.join()
    assert not faults
    assert set(statuses) <= {400, 429}


@pytest.mark.parametrize("abstract", [False, True])
def test_a_supervisor_that_asks_is_told_when_it_is_ready_and_when_it_stops(house, abstract):
    name = f"\0releaseapp-test-{os.getpid()}" if abstract else str(house.folder / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ears:
        ears.bind(name)
        ears.settimeout(60)
        house.environ["NOTIFY_SOCKET"] = name.replace("\0", "@")
        process = house.start()
        told = ears.recv(4096).decode().splitlines()
        assert told[0] == "READY=1"
        assert house.url in told[1]
        process.popen.send_signal(signal.SIGTERM)
        assert ears.recv(4096) == b"STOPPING=1"
        assert process.ends() == 0


def test_a_socket_meant_for_another_process_is_left_alone(house):
    house.environ.update(LISTEN_FDS="1", LISTEN_PID="1")
    house.serving()


@pytest.mark.parametrize("kind", ["datagrams", "file"])
def test_what_is_given_and_is_no_socket_of_tcp_is_a_sentence(house, tmp_path, kind):
    if kind == "file":
        with (tmp_path / "a file").open("w") as given:
            process = activate(house, given)
    else:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as given:
            given.bind(("127.0.0.1", 0))
            process = activate(house, given)
    assert process.ends() == 1
    assert "LISTEN_FDS: " in process.says()
    assert 'File "' not in process.says()


def test_numbers_that_cannot_be_are_named_before_anything_is_opened():
    lines = {"port": "70000", "grace_seconds": "-1", "threads": "0"}
    with pytest.raises(SettingsError) as told:
        read_options(lines)
    assert all(f"{name} cannot be '{text}'." in str(told.value) for name, text in lines.items())
