"""Native threads that work for greenlets: where everything runs that would stop the hub."""

import threading
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, Generic, TypeVar, cast

from gevent.hub import Waiter, get_hub

from releaseapp import clock

T = TypeVar("T")

_LAST_SECONDS = 1.0


class _Outcome(Generic[T]):
    """What a call gave: a value, or an error to be raised where it is asked for."""

    __slots__ = ("_error", "_value")

    def __init__(self, call: Callable[[], T]) -> None:
        self._value: T | None = None
        self._error: BaseException | None = None
        try:
            self._value = call()
        except BaseException as error:  # noqa: BLE001 - it is raised again in the greenlet that asked
            self._error = error

    def get(self) -> T:
        if self._error is not None:
            raise self._error
        return cast("T", self._value)


class Threads:
    """A fixed number of threads; made in the hub's thread and used by its greenlets.

    gevent's own pool costs several switches of the hub for each call; this one
    costs one, and many calls that end together share one wake-up.
    """

    def __init__(self, count: int, name: str, at_end: Callable[[], None] | None = None) -> None:
        """Starts ``count`` threads; each calls ``at_end`` before it ends."""
        self._jobs: SimpleQueue[tuple[Callable[[], Any], Waiter[Any]] | None] = SimpleQueue()
        self._done: deque[tuple[Waiter[Any], _Outcome[Any]]] = deque()
        self._at_end = at_end
        self._signal = get_hub().loop.async_()
        self._signal.start(self._resume)
        self._threads = [threading.Thread(target=self._work, name=f"{name} {n}", daemon=True) for n in range(count)]
        for thread in self._threads:
            thread.start()

    def run(self, call: Callable[[], T]) -> T:
        """Runs ``call`` in a thread while other greenlets go on; returns or raises what it does."""
        waiter: Waiter[_Outcome[T]] = Waiter()
        self._jobs.put((call, waiter))
        return waiter.get().get()

    def stop(self) -> None:
        """Ends the threads once they have done what they were given; a thread that hangs is left behind."""
        for _ in self._threads:
            self._jobs.put(None)
        end = clock.monotonic() + _LAST_SECONDS
        for thread in self._threads:
            thread.join(timeout=max(0.0, end - clock.monotonic()))
        self._signal.stop()
        if not any(thread.is_alive() for thread in self._threads):
            # A thread that was left behind will still send; that does nothing, but needs something to send to.
            self._signal.close()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            call, waiter = job
            self._done.append((waiter, _Outcome(call)))
            self._signal.send()
            # Neither may live on in this frame until the next job comes.
            del job, call, waiter
        if self._at_end is not None:
            self._at_end()

    def _resume(self) -> None:
        while self._done:
            waiter, outcome = self._done.popleft()
            waiter.switch(outcome)
