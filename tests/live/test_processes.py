"""The server factories, as ``pserve`` uses them: a process of its own, ended by a signal."""

import signal
import subprocess
import sys
import urllib.error
import urllib.request

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

PROGRAM = """
import sys
from types import SimpleNamespace
from releaseapp import server
from releaseapp.db import connect
from releaseapp.settings import Mode, Settings

kind, path, secret = sys.argv[1:]

def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"a page"]

settings = Settings(mode=Mode.DEVELOPMENT, agent_db_path=path, jwt_secret=secret)
app.registry = SimpleNamespace(db=connect(path), app_settings=settings, demo_lines=["sign in as vera"])
getattr(server, kind)({}, port="0")(app)
print("ended well", flush=True)
"""


@pytest.fixture
def launch(world):
    launched = []

    def start(kind: str):
        arguments = [kind, world.settings.agent_db_path, world.settings.jwt_secret]
        process = subprocess.Popen([sys.executable, "-c", PROGRAM, *arguments], stdout=subprocess.PIPE, text=True)
        launched.append(process)
        line = process.stdout.readline()
        assert line.startswith("releaseapp listens at http://127.0.0.1:"), line
        return process, line.split()[-1]

    yield start
    for process in launched:
        process.kill()
        process.wait(10)
        process.stdout.close()


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_process_well(launch, world, sign):
    process, address = launch("all_in_one")
    assert process.stdout.readline() == "sign in as vera\n"
    with urllib.request.urlopen(address) as answer:
        assert answer.read() == b"a page"
    headers = {"Authorization": f"Bearer {world.tokens['vera']}"}
    with connect(address.replace("http", "ws") + "/ws", additional_headers=headers) as client:
        client.recv(timeout=5)
        process.send_signal(sign)
        assert '"goodbye"' in client.recv(timeout=5)
        with pytest.raises(ConnectionClosed) as closed:
            client.recv(timeout=5)
    assert closed.value.rcvd.code == 1012
    assert process.wait(10) == 0
    assert process.stdout.read() == "ended well\n"


def test_an_event_of_one_process_is_heard_in_another(launch, world):
    _, address = launch("all_in_one")
    headers = {"Authorization": f"Bearer {world.tokens['vera']}"}
    with connect(address.replace("http", "ws") + "/ws", additional_headers=headers) as client:
        client.recv(timeout=5)
        world.happen("cobalt", name="from elsewhere")
        assert "from elsewhere" in client.recv(timeout=5)


def test_the_live_server_serves_the_channel_and_nothing_else(launch, world):
    _, address = launch("live")
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(address)
    assert error.value.code == 404
    error.value.close()
    headers = {"Authorization": f"Bearer {world.tokens['vera']}"}
    with connect(address.replace("http", "ws") + "/ws", additional_headers=headers) as client:
        assert '"hello"' in client.recv(timeout=5)
