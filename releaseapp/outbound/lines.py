"""Connections to addresses that were checked, which end in time, and at once when nobody waits any more."""

import os
import selectors
import socket
import ssl
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from errno import EINPROGRESS, ETIMEDOUT
from typing import Any

import httpcore

from releaseapp import clock
from releaseapp.outbound.errors import OutboundError
from releaseapp.outbound.patience import Patience

Check = Callable[[str, int], list[str]]
"""Gives the addresses that may be connected to for a host and a port; raises OutboundError."""


class Line(httpcore.NetworkStream):
    """A connection whose reads and writes share the patience of the exchange; the library's own limits do not hold."""

    def __init__(self, opened: socket.socket, patience: Patience) -> None:
        self._opened = opened
        self._patience = patience

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - the library's signature
        """The next bytes, as soon as there are some; none at the end."""
        with _failing_as(httpcore.ReadError):
            return self._patience.through(self._opened, lambda: self._opened.recv(max_bytes))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        """Sends all of it."""
        rest = memoryview(buffer)
        with _failing_as(httpcore.WriteError):
            while rest:
                rest = rest[self._patience.through(self._opened, lambda: self._opened.send(rest)) :]  # noqa: B023

    def close(self) -> None:
        """Hangs up."""
        self._opened.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        """The same connection, encrypted; the certificate is checked against the name, not the address."""
        try:
            with _failing_as(httpcore.ConnectError):
                secured = ssl_context.wrap_socket(
                    self._opened, server_hostname=server_hostname, do_handshake_on_connect=False
                )
                # It has taken the socket over.
                self._opened = secured
                self._patience.through(secured, secured.do_handshake)
        except BaseException:
            self.close()
            raise
        return Line(secured, self._patience)

    def get_extra_info(self, info: str) -> Any:
        """What the library wants to know: nothing, for it shall neither speak HTTP/2 nor keep the connection."""
        _ = info


class CheckedBackend(httpcore.NetworkBackend):
    """Connects to the very addresses that were checked, so that a name cannot point elsewhere a moment later."""

    def __init__(self, check: Check, patience: Patience) -> None:
        self._check = check
        self._patience = patience

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - the patience of the exchange holds
        local_address: str | None = None,  # noqa: ARG002
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        """A connection to the first of the checked addresses that takes one; raises OutboundError."""
        addresses = self._check(host, port)
        refusal: OSError | None = None
        for number, address in enumerate(addresses):
            # An address that does not answer must not use up the time of those behind it.
            share = self._patience.left() / (len(addresses) - number)
            try:
                return Line(_connected(address, port, self._patience, clock.monotonic() + share), self._patience)
            except OSError as error:
                refusal = error
        self._patience.left()
        raise OutboundError(f"{host} does not take connections at port {port}.") from refusal

    def connect_unix_socket(self, *_arguments: Any, **_options: Any) -> httpcore.NetworkStream:
        """There are none."""
        raise OutboundError("A socket of this machine cannot be reached from here.", retryable=False)


def _connected(address: str, port: int, patience: Patience, until: float) -> socket.socket:
    """A connection to an address, given up at ``until``; raises OSError, and OutboundError when patience ends."""
    opened = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    try:
        opened.settimeout(0)
        code = opened.connect_ex((address, port))
        if code == EINPROGRESS:
            code = _outcome(opened, patience, until)
        _raise_if(code)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        opened.close()
        raise
    return opened


def _outcome(opened: socket.socket, patience: Patience, until: float) -> int:
    """What became of a connection that is being made, as the system numbers it."""
    with selectors.DefaultSelector() as selector:
        selector.register(opened, selectors.EVENT_WRITE)
        while not selector.select(patience.slice()):
            if clock.monotonic() >= until:
                return ETIMEDOUT
    return opened.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)


def _raise_if(code: int) -> None:
    if code:
        raise OSError(code, os.strerror(code))


@contextmanager
def _failing_as(kind: type[Exception]) -> Iterator[None]:
    """What the system says of a connection, as the library says it. ValueError: no certificate can have that name."""
    try:
        yield
    except (OSError, ValueError) as error:
        raise kind(error) from error
