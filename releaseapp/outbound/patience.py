"""How long something may take as a whole, and whether anybody still waits for it."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from socket import socket
from typing import TypeVar

from releaseapp import clock
from releaseapp.outbound.errors import OutboundError

_SLICE_SECONDS = 0.25

T = TypeVar("T")


class Patience:
    """Shared by all that one exchange does: the look-up, the connection, and every read and write."""

    def __init__(self, seconds: float, abandoned: threading.Event | None, what: str = "whole answer") -> None:
        self._seconds = seconds
        self._until = clock.monotonic() + seconds
        self._abandoned = abandoned
        self._what = what

    def left(self) -> float:
        """The seconds that are left; raises OutboundError when there are none, or nobody waits."""
        if self._abandoned is not None and self._abandoned.is_set():
            raise OutboundError("The request was given up, for nobody waits for its answer.", retryable=False)
        left = self._until - clock.monotonic()
        if left <= 0:
            raise OutboundError(f"There was no {self._what} within {self._seconds:g} seconds.")
        return left

    def slice(self) -> float:
        """How long to wait before looking again; raises as :meth:`left` does."""
        return min(self.left(), _SLICE_SECONDS)

    def through(self, line: socket, act: Callable[[], T]) -> T:
        """What ``act`` gives, which waits for the line; raises OSError as it does, and OutboundError."""
        while True:
            line.settimeout(self.slice())
            try:
                return act()
            except TimeoutError as error:
                # One with a number comes from the system, which has given the connection up.
                if error.errno is not None:
                    raise

    def with_thread(self, act: Callable[[], T]) -> T:
        """What ``act`` gives, which cannot be told to end: a look-up of a name. It is left alone when it takes long."""
        future: Future[T] = Future()

        def work() -> None:
            try:
                future.set_result(act())
            except BaseException as error:  # noqa: BLE001 - it is raised again where it is waited for
                future.set_exception(error)

        threading.Thread(target=work, name="look-up", daemon=True).start()
        while not future.done():
            wait([future], timeout=self.slice())
        return future.result()
