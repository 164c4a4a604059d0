"""A listening socket whose connections are greenlets, and whose application runs in native threads."""

import logging
import socket
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import gevent
from gevent.hub import get_hub
from gevent.pywsgi import WSGIServer
from gevent.socket import socket as GreenSocket  # noqa: N812 - a class, whatever its name

from releaseapp import clock
from releaseapp.live.gateway import Gateway
from releaseapp.live.http.answers import Answer, Application, answer_of
from releaseapp.live.http.environs import base_environ, make_environ
from releaseapp.live.http.handler import Handler
from releaseapp.live.http.heads import Head
from releaseapp.live.threads import Threads

_BACKLOG = 1024
_SWEEP_SECONDS = 0.5
_SENDING_SECONDS = 900.0
_PATIENCE = 1.0
"""Seconds that an open connection has for one more request when this server stops and others serve on."""

Give = Callable[[Any, Any, bytes], bool]
"""Gives a connection away: the bare socket, the client's address, what was read of its next request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How patient a server is with its clients."""

    body_bytes: int
    head_seconds: float = 10.0
    body_seconds: float = 60.0
    idle_seconds: float = 75.0


def listen(host: str, port: int, *, reuse_port: bool = False) -> socket.socket:
    """A listening socket, whose accepted ones inherit its options; raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        _prepare(sock, (host, port), reuse_port=reuse_port)
    except OSError:
        sock.close()
        raise
    return sock


def _prepare(sock: socket.socket, address: tuple[str, int], *, reuse_port: bool) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if reuse_port:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    # Without it every answer on a connection that is kept waits 40 ms for the client's acknowledgement.
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.bind(address)
    sock.listen(_BACKLOG)
    sock.setblocking(False)  # noqa: FBT003 - the standard library's signature


class Server(WSGIServer):
    """Serves a WSGI application and the live channel on one port.

    ``shared``: others listen at the address too, so that a client that is told to come again will be served.
    ``give`` hands connections to the process that takes over, while this one stops.
    """

    handler_class = Handler
    logger = logging.getLogger(__name__)

    def __init__(
        self, sock: socket.socket, app: Application, gateway: Gateway, limits: Limits, threads: Threads, **proxy: str
    ) -> None:
        """``proxy`` may have ``trusted_proxy``, the address of a proxy to be believed."""
        super().__init__(sock, None, log=None, error_log=None)
        self.app = app
        self.gateway = gateway
        self.limits = limits
        self.threads = threads
        self.stopping = False
        self.patient = False
        self.shared = False
        self.give: Give | None = None
        self.handlers: dict[Handler, None] = {}
        self._trusted_proxy = proxy.get("trusted_proxy", "")
        self._base = base_environ(sock.getsockname())
        self._sweeper: gevent.Greenlet[..., None] | None = None

    def start(self) -> None:
        """Begins to accept."""
        super().start()
        self._sweeper = gevent.spawn(self._sweep)

    def environ_of(self, head: Head, body: bytes, peer: tuple[Any, ...]) -> dict[str, Any]:
        """The WSGI environ of a request."""
        return make_environ(self._base, head, body, peer, self._trusted_proxy)

    def answer(self, environ: dict[str, Any], *, keep_alive: bool) -> Answer:
        """Runs the application in a native thread."""
        return self.threads.run(partial(answer_of, self.app, environ, keep_alive=keep_alive))

    def adopt(self, descriptor: int, address: tuple[Any, ...], pending: bytes) -> None:
        """Goes on with a connection of another process; ``pending`` is what that has read of the next request."""
        sock = GreenSocket(fileno=descriptor)
        handler = Handler(sock, address, self, pending)
        gevent.spawn(self._go_on, handler, sock)

    def begin_to_stop(self, give: Give | None = None) -> None:
        """Accepts nothing new. Connections without a request in hand go to ``give``, if there is one.

        Without, and when others listen at the address, each has a moment for one more request, which is answered
        with ``Connection: close``: to close while a request is on its way would leave its sender in doubt.
        """
        self.stop_accepting()
        self.give = give
        self.patient = self.shared and give is None
        if self.patient:
            # What waits in the queue of a socket that is this server's alone would be reset.
            while (accepted := self.do_read()) is not None:
                self.do_handle(*accepted)
        self.stopping = True
        if give is not None:
            get_hub().loop.run_callback(self._call_away)

    def drain(self, grace_seconds: float) -> None:
        """Lets what runs come to its end; cuts off what has not after ``grace_seconds``.

        After a hand-over nobody waits for this server any more: answers go on being sent, however slow the reader.
        """
        self.stopping = True
        self.close()
        if self.patient:
            self._wait(lambda: bool(self.handlers), min(_PATIENCE, grace_seconds))
        self._wait(lambda: any(handler.busy for handler in self.handlers), grace_seconds)
        if self.give is not None:
            self._cut(lambda handler: not handler.leaving)
            self._wait(lambda: any(handler.leaving for handler in self.handlers), _SENDING_SECONDS)
        self._cut(lambda _handler: True)
        self._wait(lambda: bool(self.handlers), 1.0)
        if self._sweeper is not None:
            self._sweeper.kill()

    def _cut(self, which: Callable[[Handler], bool]) -> None:
        for handler in list(self.handlers):
            if which(handler):
                handler.cut()

    def _call_away(self) -> None:
        """Called by the hub itself, so that no connection changes its state meanwhile."""
        for handler in list(self.handlers):
            handler.call_away()

    @staticmethod
    def _go_on(handler: Handler, sock: Any) -> None:
        try:
            handler.handle()
        finally:
            sock.close()

    @staticmethod
    def _wait(busy: Callable[[], bool], seconds: float) -> None:
        end = clock.monotonic() + seconds
        while busy() and clock.monotonic() < end:
            gevent.sleep(0.01)

    def _sweep(self) -> None:
        while True:
            gevent.sleep(_SWEEP_SECONDS)
            now = clock.monotonic()
            for handler in list(self.handlers):
                if handler.deadline <= now:
                    handler.cut()
