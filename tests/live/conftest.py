"""A server in a thread of this process, with its own database, and clients that speak to it over real sockets.

``world``   two workspaces, cobalt and aurora, with people; nobody is connected
``serve``   starts a server on it, with settings of your choice
``server``  one with the usual settings
"""

import base64
import http.client
import json
import os
import shutil
import socket
import struct
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from releaseapp.auth import service as auth
from releaseapp.auth.models import Account
from releaseapp.db import connect as open_sqlite
from releaseapp.db.migrate import migrate
from releaseapp.events.models import EventType
from releaseapp.events.service import append
from releaseapp.permissions import Role
from releaseapp.server import Options, Service
from releaseapp.settings import Mode, Settings
from releaseapp.workflows.file import WorkflowFile
from releaseapp.workspaces import service as workspaces

PASSWORD = "correct horse battery"
SECRET = "a secret for tests, long enough and varied: 0123456789"
PEOPLE = {
    "olga": ("cobalt", Role.OWNER),
    "adam": ("cobalt", Role.ADMIN),
    "vera": ("cobalt", Role.VIEWER),
    "anna": ("aurora", Role.OWNER),
}


def wait_until(condition, seconds=5.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.005)


@dataclass
class World:
    """The database that servers of a test stand on, and who is in it."""

    folder: Path
    people: dict[str, Account]
    tokens: dict[str, str]
    sessions: dict[str, str]
    workspaces: dict[str, str]
    settings: Settings = field(init=False)
    db: object = field(init=False)

    def open(self) -> None:
        self.settings = settings_for(self.folder)
        self.db = open_sqlite(self.settings.agent_db_path, synchronous="NORMAL")

    def happen(self, workspace: str | None, event_type: EventType = EventType.AGENT_UPDATED, **data) -> None:
        """Has an event happen, as if a service had changed something."""
        with self.db.transaction() as tx:
            append(tx, event_type, "thing_1", workspace_id=workspace and self.workspaces[workspace], data=data)

    def identity(self, name: str):
        return workspaces.identify(self.db, self.settings, self.tokens[name])

    def program_token(self, name: str, workspace: str, role: Role, days: int = 1):
        return auth.create_api_token(self.db, self.people[name].id, self.workspaces[workspace], "robot", role, days)


def settings_for(folder: Path, **changes) -> Settings:
    values = {
        "mode": Mode.DEVELOPMENT,
        "agent_db_path": str(folder / "agents.db"),
        "workflow_store_path": str(folder / "workflows.json"),
        "jwt_secret": SECRET,
    }
    return Settings(**{**values, **changes})


@pytest.fixture(scope="session")
def template(tmp_path_factory) -> World:
    """Made once: hashing passwords takes a while."""
    folder = tmp_path_factory.mktemp("live")
    settings = settings_for(folder)
    db = open_sqlite(settings.agent_db_path, synchronous="NORMAL")
    migrate(db)
    people = {n: auth.create_account(db, settings, f"{n}@example.com", n.title(), PASSWORD) for n in PEOPLE}
    made = {}
    for name, (slug, role) in PEOPLE.items():
        if role is Role.OWNER:
            made[slug] = workspaces.create_workspace(db, slug, slug.title(), people[name]).id
        else:
            workspaces.add_member(db, made[slug], people[name], role, actor=None)
    caller = auth.Caller("127.0.0.1", "test")
    signed_in = {name: auth.sign_in(db, settings, f"{name}@example.com", PASSWORD, caller) for name in PEOPLE}
    db.close()
    return World(
        folder,
        people,
        {name: one.token for name, one in signed_in.items()},
        {name: one.session.id for name, one in signed_in.items()},
        made,
    )


@pytest.fixture
def world(template, tmp_path):
    folder = tmp_path / "data"
    shutil.copytree(template.folder, folder)
    copy = World(folder, template.people, template.tokens, template.sessions, template.workspaces)
    copy.open()
    yield copy
    copy.db.close()


def small_app(settings, db, routes):
    """The smallest application with what a server asks of one."""

    def app(environ, start_response):
        status, headers, body = routes(environ)
        start_response(status, headers)
        return [body] if isinstance(body, bytes) else body

    file = WorkflowFile(Path(settings.workflow_store_path))
    app.registry = SimpleNamespace(db=db, app_settings=settings, workflow_file=file)
    return app


def hello(environ):
    return "200 OK", [("Content-Type", "text/plain")], b"hello"


class Running:
    """A server that runs in a thread, seen from outside."""

    def __init__(self, world: World, routes=hello, options=None, **settings) -> None:
        self.world = world
        self.settings = settings_for(world.folder, **settings)
        # Its own door to the database, as another process would have.
        self.db = open_sqlite(self.settings.agent_db_path, synchronous="NORMAL")
        self.app = small_app(self.settings, self.db, routes)
        self.service = Service(self.app, options or Options(port=0, grace_seconds=3))
        self.thread = threading.Thread(target=self.service.run, daemon=True)
        self.thread.start()
        assert self.service.started.wait(10)

    @property
    def port(self) -> int:
        return self.service.address[1]

    @property
    def counters(self):
        return self.app.registry.live_counters

    def stop(self) -> None:
        if self.thread.is_alive():
            self.service.stop()
            self.thread.join(10)
        assert not self.thread.is_alive(), "the server did not stop"

    def dial(self, name_or_token: str, query: str = "", **options):
        """A connected WebSocket; use it in a with statement."""
        token = self.world.tokens.get(name_or_token, name_or_token)
        headers = {"Authorization": f"Bearer {token}", **options.pop("headers", {})}
        return connect(f"ws://127.0.0.1:{self.port}/ws{query}", additional_headers=headers, **options)

    @contextmanager
    def hear(self, name: str, query: str = ""):
        """A connected client that has been greeted."""
        with self.dial(name, query) as client:
            heard = Client(client)
            heard.greeting = heard.next()
            assert heard.greeting["type"] == "hello"
            yield heard

    def raw(self, **options) -> "RawClient":
        return RawClient(self.port, **options)

    def upgraded(self, name: str = "vera") -> "RawClient":
        """A socket after a good handshake and the greeting, for frames of our own making."""
        raw = self.raw()
        raw.send(handshake(self.world.tokens[name]))
        assert b" 101 " in raw.head()
        assert json.loads(raw.frame()[1])["type"] == "hello"
        return raw

    def get(self, path: str, method: str = "GET", body=None, **headers):
        """Status, headers and body of an HTTP answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()


class Client:
    """Reads messages as JSON."""

    def __init__(self, client) -> None:
        self.client = client
        self.greeting = None

    def next(self, timeout: float = 5.0) -> dict:
        return json.loads(self.client.recv(timeout=timeout))

    def event(self, timeout: float = 5.0) -> dict:
        """The next event; fails on anything else but a ping."""
        while (message := self.next(timeout))["type"] == "ping":
            pass
        assert message["type"] == "event", message
        return message["event"]

    def goodbye(self, timeout: float = 5.0) -> int:
        """The close code, whatever was said before it."""
        try:
            while True:
                self.client.recv(timeout=timeout)
        except ConnectionClosed as closed:
            return closed.rcvd.code


class RawClient:
    """A bare socket, for everything that a well-behaved client would not send."""

    def __init__(self, port: int, receive_buffer: int | None = None) -> None:
        self.socket = socket.socket()
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        try:
            self.socket.connect(("127.0.0.1", port))
        except OSError:
            self.socket.close()
            raise
        self.socket.settimeout(10)
        self.received = b""

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def head(self) -> bytes:
        """Up to the blank line of an HTTP answer."""
        while b"\r\n\r\n" not in self.received:
            assert self._more(), self.received
        head, _, self.received = self.received.partition(b"\r\n\r\n")
        return head

    def rest(self) -> bytes:
        """Everything until the server closes."""
        while self._more():
            pass
        return self.received

    def take(self, size: int) -> bytes:
        while len(self.received) < size:
            assert self._more(), "the server closed too early"
        taken, self.received = self.received[:size], self.received[size:]
        return taken

    def frame(self) -> tuple[int, bytes]:
        """The first byte and the payload of the next frame."""
        first, length = self.take(2)
        if length == 126:
            (length,) = struct.unpack("!H", self.take(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", self.take(8))
        return first, self.take(length)

    def close_code(self) -> int:
        """The code of the close frame, whatever comes before it."""
        while True:
            first, payload = self.frame()
            if first == 0x88:
                return struct.unpack("!H", payload[:2])[0] if payload else 1005

    def _more(self) -> bool:
        data = self.socket.recv(65536)
        self.received += data
        return bool(data)


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True, masked: bool = True) -> bytes:
    """A frame as a client makes it."""
    first = (0x80 if fin else 0) | opcode
    bit = 0x80 if masked else 0
    size = len(payload)
    if size < 126:
        head = bytes((first, bit | size))
    elif size < 65536:
        head = bytes((first, bit | 126)) + struct.pack("!H", size)
    else:
        head = bytes((first, bit | 127)) + struct.pack("!Q", size)
    if not masked:
        return head + payload
    key = os.urandom(4)
    return head + key + bytes(byte ^ key[index % 4] for index, byte in enumerate(payload))


def handshake(token: str | None = None, path: str = "/ws", **changes: str | None) -> bytes:
    """A handshake; ``changes`` replace header fields, or leave them out when None."""
    fields = {
        "Host": "127.0.0.1",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(b"sixteen bytes...").decode(),
        "Authorization": token and f"Bearer {token}",
    }
    fields.update({name.replace("_", "-"): value for name, value in changes.items()})
    lines = [f"{name}: {value}" for name, value in fields.items() if value is not None]
    return "\r\n".join([f"GET {path} HTTP/1.1", *lines, "", ""]).encode()


@pytest.fixture
def serve(world):
    running = []

    def start(routes=hello, options=None, **settings) -> Running:
        running.append(Running(world, routes, options, **settings))
        return running[-1]

    yield start
    for one in running:
        one.stop()


@pytest.fixture
def server(serve) -> Running:
    return serve()


@pytest.fixture
def frames():
    """Makes frames and handshakes; waits."""
    return SimpleNamespace(frame=frame, handshake=handshake, wait_until=wait_until)
