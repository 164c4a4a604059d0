"""A lock that is given in the order in which it was asked for."""

import threading
from collections import deque


class Turn:
    """Lets the threads of one process write one after another, first come, first served.

    ``threading.Lock`` promises no order: a thread that releases it and asks again at once
    usually gets it before those that wait, who then run into their timeouts.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._taken = False
        self._waiting: deque[threading.Lock] = deque()

    def acquire(self, timeout: float) -> bool:
        """Waits for the turn, at most ``timeout`` seconds; whether it came."""
        with self._guard:
            if not self._taken:
                self._taken = True
                return True
            mine = threading.Lock()
            mine.acquire()
            self._waiting.append(mine)
        came = False
        try:
            came = mine.acquire(timeout=max(0.0, timeout))
        finally:
            if not came:
                self._leave(mine)
        return came

    def release(self) -> None:
        """Hands the turn to whoever has waited longest."""
        with self._guard:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._taken = False

    def _leave(self, mine: threading.Lock) -> None:
        with self._guard:
            if mine in self._waiting:
                self._waiting.remove(mine)
                return
        # It was handed over in the moment of giving up, so it is passed on.
        self.release()
