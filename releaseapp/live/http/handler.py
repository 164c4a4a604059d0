"""One connection: reads its requests, has them answered, or hands it to the live channel."""

import logging
import socket
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from math import inf
from typing import Any, Final

import gevent

from releaseapp import clock
from releaseapp.live.gateway import UpgradingHandler
from releaseapp.live.handshake import Refused
from releaseapp.live.http.answers import Answer, Rest, problem
from releaseapp.live.http.bodies import Stream, read_chunks, too_large
from releaseapp.live.http.heads import BadRequest, Head, parse_head

log = logging.getLogger(__name__)

LIVE_PATH: Final = "/ws"
_RECEIVE_BYTES = 65_536
_LARGEST_HEAD = 32_768
_LINGER_SECONDS = 2.0
_WRITE_SECONDS = 30.0
_SLOWEST_BYTES_A_SECOND = 10_000


class _CalledAway(Exception):
    """The connection shall go on in another process."""


class _NoFile:
    """In place of a buffered file, which pywsgi would make for every connection."""

    closed = False

    def read(self, _size: int = -1) -> bytes:
        """Never asked."""
        return b""


class Handler(UpgradingHandler):
    """Speaks HTTP/1.1 on one connection.

    ``deadline``: when the server cuts it off; ``busy``: whether a request is being answered; ``leaving``: whether an
    answer waits for the client to read it, or the connection is on its way to another process.
    """

    def __init__(self, sock: Any, address: Any, server: Any, pending: bytes = b"") -> None:
        """``pending`` is what another process has read of the first request."""
        super().__init__(sock, address, server, rfile=_NoFile())
        self.socket: Any = sock
        self._bare = sock._sock  # noqa: SLF001 - to be shut without waking gevent's own waiters by an error
        self._stream = Stream(partial(sock.recv, _RECEIVE_BYTES))
        self._stream.pending = pending
        self._resting = False
        self._greenlet: Any = None
        self.deadline = inf
        self.busy = False
        self.leaving = False

    def handle(self) -> None:
        """All requests of the connection; then closes it."""
        self.server.handlers[self] = None
        self._greenlet = gevent.getcurrent()
        try:
            super().handle()
        except (OSError, EOFError):
            pass  # The client went away; nobody is left to be told.
        finally:
            del self.server.handlers[self]

    def cut(self) -> None:
        """Ends the connection from outside: whatever it waits for comes to its end."""
        with suppress(OSError):
            self._bare.shutdown(socket.SHUT_RDWR)

    def call_away(self) -> None:
        """Has the connection go to another process if it waits for a request. Called by the hub itself."""
        if self._resting:
            self._greenlet.throw(_CalledAway)

    def handle_one_request(self) -> bool | None:
        """One request; True when another may follow, None at the end, as pywsgi wants it."""
        try:
            data = self._read_head()
            if data is None:
                return None
            self.busy = True
            head = parse_head(data)
            body = self._read_body(head)
            self.environ = self.server.environ_of(head, body, self.client_address)
        except BadRequest as error:
            self._send(problem(error.status, error.detail))
            self._linger()
            return None
        self.deadline = inf
        if self.environ["PATH_INFO"] == LIVE_PATH:
            return self._serve_live(head)
        # Without a process that goes on with the connection, this answer is its last.
        closing = self.server.stopping and self.server.give is None
        return self._send(self.server.answer(self.environ, keep_alive=head.keep_alive and not closing))

    def _read_head(self) -> bytes | None:
        limits = self.server.limits
        stream = self._stream
        self.busy = False
        self.deadline = clock.monotonic() + (limits.head_seconds if stream.pending else limits.idle_seconds)
        while True:
            if self.server.stopping and self._goes_over():
                return None
            end = stream.pending.find(b"\r\n\r\n")
            if 0 <= end <= _LARGEST_HEAD:
                data, stream.pending = stream.pending[: end + 2], stream.pending[end + 4 :]
                # A line break too many between requests is forgiven, as RFC 9112 asks.
                return data.lstrip(b"\r\n")
            if len(stream.pending) > _LARGEST_HEAD:
                raise BadRequest(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The head of the request is too long.")
            begun = bool(stream.pending)
            if (self.server.stopping and not self.server.patient) or not self._rest():
                return None
            if not begun:
                self.deadline = clock.monotonic() + limits.head_seconds

    def _rest(self) -> bool:
        """Waits for more of a request; False at the end of the connection. May be called away meanwhile."""
        self._resting = True
        try:
            return self._stream.more()
        except _CalledAway:
            return True
        finally:
            self._resting = False

    def _goes_over(self) -> bool:
        """Gives the connection to the process that takes over, if there is one; nothing is read here any more."""
        give = self.server.give
        if give is None:
            return False
        self.busy = self.leaving = True
        try:
            taken = bool(give(self._bare, self.client_address, self._stream.pending))
        finally:
            self.busy = self.leaving = False
        if taken:
            # Whatever else comes is not ours to read, nor is the connection ours to shut.
            self.socket.close()
            self.socket = None
        return taken

    def _read_body(self, head: Head) -> bytes:
        limit = self.server.limits.body_bytes
        if head.length == 0:
            return b""
        if head.length is not None and head.length > limit:
            raise too_large(limit)
        self.deadline = clock.monotonic() + self.server.limits.body_seconds
        if head.expects_continue and not self._stream.pending:
            self.socket.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        if head.length is None:
            return read_chunks(self._stream, limit)
        return self._stream.take(head.length)

    def _serve_live(self, head: Head) -> bool | None:
        gateway = self.server.gateway
        try:
            ask, admitted = gateway.admit(self.environ)
        except Refused as refused:
            return self._send(problem(refused.status, refused.detail, refused.headers, keep_alive=head.keep_alive))
        self.request_version = head.version
        received, self._stream.pending = self._stream.pending, b""
        gateway.serve(self, received, ask, admitted)
        return None

    def _send(self, answer: Answer) -> bool | None:
        if answer.rest is None:
            self._send_bytes(answer.data)
        elif not self._send_parts(answer.data, answer.rest):
            return None
        if not answer.keep_alive and self.server.patient:
            self._linger()
        return True if answer.keep_alive else None

    def _send_bytes(self, data: bytes) -> None:
        # However slow the client is, it gets time for what it asked for.
        self.deadline = clock.monotonic() + _WRITE_SECONDS + len(data) / _SLOWEST_BYTES_A_SECOND
        try:
            sent = self._bare.send(data)
        except BlockingIOError:
            sent = 0
        if sent < len(data):
            self.leaving = True
            try:
                self.socket.sendall(data[sent:])
            finally:
                self.leaving = False

    def _send_parts(self, head: bytes, rest: Rest) -> bool:
        """Sends a large body as it comes; False when it ended early, which the client must see by the connection."""
        part = head
        try:
            while part:
                self._send_bytes(part)
                # Nobody cuts it off between two parts because another process takes over.
                self.leaving = True
                part = self.server.threads.run(rest.next)
        except OSError:
            # Of the socket, or of the file that is read.
            log.info("a large answer was not sent to its end")
            return False
        except Exception:
            log.exception("a large answer broke off")
            return False
        finally:
            self.leaving = False
            self.server.threads.run(rest.close)
        return True

    def _linger(self) -> None:
        """Lets the client read the refusal: closing on unread input would reset the connection before it can."""
        self.deadline = clock.monotonic() + _LINGER_SECONDS
        self._bare.shutdown(socket.SHUT_WR)
        while self.socket.recv(_RECEIVE_BYTES):
            pass
