"""Connections that were checked, that end in time, and that are cut when nobody waits any more."""

import ssl
import threading
from collections.abc import Callable, Iterable
from typing import Any

import httpcore

from releaseapp import clock
from releaseapp.outbound.errors import OutboundError

_SLICE_SECONDS = 0.25

Check = Callable[[str, int], list[str]]
"""Gives the addresses that may be connected to for a host and a port; raises OutboundError."""


class Patience:
    """How long an exchange may take as a whole, and whether anybody still waits for it."""

    def __init__(self, seconds: float, abandoned: threading.Event | None) -> None:
        self._seconds = seconds
        self._until = clock.monotonic() + seconds
        self._abandoned = abandoned

    def left(self) -> float:
        """The seconds that are left; raises OutboundError when there are none, or nobody waits."""
        if self._abandoned is not None and self._abandoned.is_set():
            raise OutboundError("The request was given up, for nobody waits for its answer.")
        left = self._until - clock.monotonic()
        if left <= 0:
            raise OutboundError(f"There was no whole answer within {self._seconds:g} seconds.")
        return left

    def slice(self) -> float:
        """How long to wait before looking again."""
        return min(self.left(), _SLICE_SECONDS)


class Line(httpcore.NetworkStream):
    """A connection whose reads and writes share the patience of the exchange."""

    def __init__(self, inner: httpcore.NetworkStream, patience: Patience) -> None:
        self._inner = inner
        self._patience = patience

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - the library's signature
        """The next bytes, as soon as there are some."""
        while True:
            try:
                return self._inner.read(max_bytes, self._patience.slice())
            except httpcore.ReadTimeout:
                self._patience.left()

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        """Sends, in parts small enough to look up in between."""
        view = memoryview(buffer)
        size = 65_536
        for start in range(0, len(view), size):
            self._inner.write(bytes(view[start : start + size]), self._patience.left())

    def close(self) -> None:
        """Hangs up."""
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        """The same connection, encrypted; the certificate is checked against the name, not the address."""
        return Line(self._inner.start_tls(ssl_context, server_hostname, self._patience.left()), self._patience)

    def get_extra_info(self, info: str) -> Any:
        """What the library knows of the connection."""
        return self._inner.get_extra_info(info)


class CheckedBackend(httpcore.NetworkBackend):
    """Connects to the very addresses that were checked, so that a name cannot point elsewhere a moment later."""

    def __init__(self, check: Check, patience: Patience) -> None:
        self._check = check
        self._patience = patience
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - the patience of the exchange holds
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """A connection to the first of the checked addresses that takes one."""
        refusal: Exception | None = None
        for address in self._check(host, port):
            try:
                inner = self._inner.connect_tcp(address, port, self._patience.left(), local_address, socket_options)
            except httpcore.ConnectError as error:
                refusal = error
            else:
                return Line(inner, self._patience)
        raise OutboundError(f"{host} does not take connections at port {port}.") from refusal

    def connect_unix_socket(self, *_arguments: Any, **_options: Any) -> httpcore.NetworkStream:
        """There are none."""
        raise OutboundError("A socket of this machine cannot be reached from here.", retryable=False)
