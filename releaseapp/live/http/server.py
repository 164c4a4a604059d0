"""A listening socket whose connections are greenlets, and whose application runs in native threads."""

import logging
import socket
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import gevent
from gevent.pywsgi import WSGIServer

from releaseapp import clock
from releaseapp.live.gateway import Gateway
from releaseapp.live.http.answers import Answer, Application, answer_of
from releaseapp.live.http.environs import base_environ, make_environ
from releaseapp.live.http.handler import Handler
from releaseapp.live.http.heads import Head
from releaseapp.live.threads import Threads

_BACKLOG = 1024
_SWEEP_SECONDS = 0.5


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
    """Serves a WSGI application and the live channel on one port."""

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

    def drain(self, grace_seconds: float) -> None:
        """Accepts nothing new, and lets what runs come to its end; cuts off what has not after ``grace_seconds``."""
        self.stopping = True
        self.close()
        self._wait(lambda: any(handler.busy for handler in self.handlers), grace_seconds)
        for handler in list(self.handlers):
            handler.cut()
        self._wait(lambda: bool(self.handlers), 1.0)
        if self._sweeper is not None:
            self._sweeper.kill()

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
