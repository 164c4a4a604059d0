"""A line to a live server: HTTP and its WebSocket, bounded in time and size, as its clients have it."""

import http.client
import json
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, Ping, RejectConnection, Request, TextMessage
from wsproto.frame_protocol import CloseReason
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

from releaseapp import clock
from releaseapp.errors import AppError

SECONDS = 10.0
"""For one answer, whole."""
_LARGEST_ANSWER = 4 * 1_048_576
_BLOCK = 65_536
_LEAVE_SECONDS = 2.0
_LONGEST_LINE = 8192


class Unreachable(AppError):
    """Nothing came back that could be used; the sentence says what was seen."""


class Refused(AppError):
    """The handshake of the WebSocket was answered in plain HTTP."""

    def __init__(self, status: int) -> None:
        super().__init__(f"The handshake of /ws was answered with {status}.")
        self.status = status


class Ended(AppError):
    """The server, or something before it, has ended the WebSocket; ``code`` is 1006 when it said none."""

    def __init__(self, code: int) -> None:
        super().__init__(f"The connection was ended with {code}.")
        self.code = code


class Answer(msgspec.Struct, frozen=True):
    """What came back; redirects are answers like any other, and are not followed."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    seconds: float

    @property
    def well(self) -> bool:
        """Whether it is 200."""
        return self.status == HTTPStatus.OK

    def json(self) -> Any:
        """The body as JSON, None when it is none."""
        try:
            return json.loads(self.content)
        except ValueError:
            return None


class Line:
    """To one server by its address, ``http`` or ``https``."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self.secure = urlsplit(url).scheme == "https"
        # What the machine trusts, and SSL_CERT_FILE adds: the server of a company may have a certificate of its own.
        self._trust = ssl.create_default_context()
        self._client = httpx.Client(base_url=self.url, timeout=SECONDS, verify=self._trust, trust_env=False)

    def close(self) -> None:
        """Lets the connections go."""
        self._client.close()

    def ask(self, method: str, path: str, *, token: str = "", body: object = None, accept: str = "") -> Answer:
        """One request; raises Unreachable."""
        headers = {"Accept": accept or "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        began = clock.monotonic()
        content = bytearray()
        try:
            with self._client.stream(method, path, headers=headers, json=body) as answer:
                for block in answer.iter_raw(_BLOCK):
                    content += block
                    if len(content) > _LARGEST_ANSWER:
                        raise Unreachable(f"The answer to {path} is larger than {_LARGEST_ANSWER:,} bytes.")
                    if clock.monotonic() > began + SECONDS:
                        raise Unreachable(f"The answer to {path} was not over within {SECONDS:.0f} s.")
                return Answer(answer.status_code, answer.headers, bytes(content), clock.monotonic() - began)
        except httpx.HTTPError as error:
            raise Unreachable(f"{path} cannot be asked: {error or type(error).__name__}.") from error

    def announce(self, path: str, size: int) -> Answer | None:
        """What is said to a body of ``size`` bytes before any of it is sent: 100 by who would take it.

        None when nothing is said, as by who waits for the body; raises Unreachable.
        """
        began = clock.monotonic()
        parts = urlsplit(self.url)
        lines = (
            f"POST {parts.path}{path} HTTP/1.1", f"Host: {parts.netloc}", "Accept: application/json",
            "Content-Type: application/json", f"Content-Length: {size}", "Expect: 100-continue", "", "",
        )  # fmt: skip
        try:
            with self._connect() as there, there.makefile("rb") as coming:
                there.sendall("\r\n".join(lines).encode())
                status = int(coming.readline(_LONGEST_LINE).split()[1])
                headers = {name.lower(): value for name, value in http.client.parse_headers(coming).items()}
        except TimeoutError:
            return None
        except (OSError, http.client.HTTPException, ValueError, IndexError) as error:
            raise Unreachable(f"{path} cannot be asked: {error or type(error).__name__}.") from error
        return Answer(status, headers, b"", clock.monotonic() - began)

    def certificate(self) -> dict[str, Any]:
        """What the server shows for itself, as ``ssl.getpeercert`` gives it; raises Unreachable."""
        try:
            with self._connect() as there:
                return dict(there.getpeercert() or {}) if isinstance(there, ssl.SSLSocket) else {}
        except OSError as error:
            raise Unreachable(f"The certificate cannot be read: {error}.") from error

    @contextmanager
    def hear(self, token: str) -> Iterator["Listener"]:
        """The live channel for a token; raises Unreachable, and Refused for an answer in plain HTTP."""
        try:
            connection = self._connect()
        except OSError as error:
            raise Unreachable(f"/ws cannot be reached: {error}.") from error
        with connection:
            listener = Listener(connection, urlsplit(self.url), token)
            try:
                yield listener
            finally:
                listener.take_leave()

    def _connect(self) -> socket.socket:
        parts = urlsplit(self.url)
        host = parts.hostname or ""
        plain = socket.create_connection((host, parts.port or (443 if self.secure else 80)), timeout=SECONDS)
        if not self.secure:
            return plain
        try:
            return self._trust.wrap_socket(plain, server_hostname=host)
        except OSError:
            plain.close()
            raise


def _members(text: str) -> dict[str, Any]:
    """Those of a JSON object; none of any other text."""
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


class Listener:
    """A WebSocket whose handshake is done."""

    def __init__(self, connection: socket.socket, address: Any, token: str) -> None:
        self._socket = connection
        self._protocol = WSConnection(ConnectionType.CLIENT)
        self._coming: list[Any] = []
        self._text = ""
        request = Request(
            host=address.netloc,
            target=f"{address.path}/ws",
            # As a page of that address would ask: a server that does not know its own address refuses it.
            extra_headers=[
                (b"Origin", f"{address.scheme}://{address.netloc}".encode()),
                (b"Authorization", f"Bearer {token}".encode()),
            ],
        )
        self._socket.sendall(self._protocol.send(request))
        first = self._next_event(clock.monotonic() + SECONDS)
        if isinstance(first, RejectConnection):
            raise Refused(first.status_code)
        if not isinstance(first, AcceptConnection):
            raise Unreachable("The handshake of /ws was answered with something else.")

    def next(self, seconds: float) -> dict[str, Any] | None:
        """The next message, None when none came in time; raises Ended."""
        deadline = clock.monotonic() + seconds
        while (event := self._next_event(deadline)) is not None:
            if isinstance(event, CloseConnection):
                raise Ended(int(event.code))
            if isinstance(event, Ping):
                self._socket.sendall(self._protocol.send(event.response()))
            if isinstance(event, TextMessage):
                self._text += event.data
                if len(self._text) > _LARGEST_ANSWER:
                    raise Unreachable(f"A message of /ws is larger than {_LARGEST_ANSWER:,} characters.")
                if event.message_finished:
                    text, self._text = self._text, ""
                    return _members(text)
        return None

    def take_leave(self) -> None:
        """Closes as a well-behaved client does: who just vanishes counts against the server in its own gate."""
        with suppress(OSError, LocalProtocolError, AppError, ValueError, TypeError):
            self._socket.sendall(self._protocol.send(CloseConnection(code=CloseReason.NORMAL_CLOSURE)))
            deadline = clock.monotonic() + _LEAVE_SECONDS
            while self.next(deadline - clock.monotonic()) is not None:
                pass

    def _next_event(self, deadline: float) -> Any:
        while not self._coming:
            left = deadline - clock.monotonic()
            if left <= 0:
                return None
            self._socket.settimeout(left)
            try:
                block = self._socket.recv(_BLOCK)
                self._protocol.receive_data(block or None)
            except TimeoutError:
                return None
            except (OSError, RemoteProtocolError) as error:
                raise Unreachable(f"/ws was answered with something else: {error}.") from error
            self._coming = list(self._protocol.events())
        return self._coming.pop(0)
