"""What the live channel counts; whoever serves ``/metrics`` reads it, and whoever samples it."""

import threading
from collections import Counter, OrderedDict, deque
from dataclasses import dataclass, field

from releaseapp import clock

_TOO_SLOW = 1013
LOST = frozenset({1006, 1011, 1012, 1013})
"""Codes after which a client comes back by itself: the others are goodbyes that somebody meant."""

BACK_SECONDS = 120.0
"""Who comes back later than this has not reconnected, but come anew."""

_MOST_REMEMBERED = 20_000


@dataclass(slots=True)
class Counters:
    """Counts since the server started. ``opened == open + sum(closed.values())`` always.

    ``closed`` counts by close code, 1006 for clients that vanished without a
    word; ``events_sent`` deliveries (an event heard by three sockets counts
    three); ``refused`` handshakes answered with an HTTP error, by status;
    ``reconnects`` clients that came back, by the milliseconds that it took
    (two digits count); ``strangers`` when clients came with a ``since`` whose
    connection was not lost here, but perhaps in the process before;
    ``left_at`` when everybody was told that the server stops.
    """

    open: int = 0
    opened: int = 0
    events_sent: int = 0
    closed: Counter[int] = field(default_factory=Counter)
    refused: Counter[int] = field(default_factory=Counter)
    reconnects: Counter[int] = field(default_factory=Counter)
    strangers: deque[str] = field(default_factory=lambda: deque(maxlen=_MOST_REMEMBERED))
    left_at: str | None = None
    _lost: OrderedDict[str, deque[float]] = field(default_factory=OrderedDict)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def count_open(self, session_id: str = "", *, returning: bool = False) -> None:
        """One more connection; ``returning`` when its client knows events from a connection before."""
        self.opened += 1
        self.open += 1
        if returning and session_id:
            self._count_return(session_id, clock.monotonic())

    def count_closed(self, code: int, session_id: str = "") -> None:
        """One connection less."""
        self.open -= 1
        self.closed[int(code)] += 1
        if session_id and code in LOST:
            self._lost.setdefault(session_id, deque(maxlen=100)).append(clock.monotonic())
            self._lost.move_to_end(session_id)
            if len(self._lost) > _MOST_REMEMBERED:
                self._lost.popitem(last=False)

    def count_reconnect(self, seconds: float) -> None:
        """One client that was gone for so long; a sampling thread may count too."""
        with self._guard:
            self.reconnects[rounded_milliseconds(seconds)] += 1

    @property
    def dropped_slow(self) -> int:
        """Connections ended because they read too slowly."""
        return self.closed[_TOO_SLOW]

    def _count_return(self, session_id: str, now: float) -> None:
        lost = self._lost.get(session_id, deque())
        # A session with many pages loses many connections at once; each is taken for its own return.
        while lost and now - lost[0] > BACK_SECONDS:
            lost.popleft()
        if lost:
            self.count_reconnect(now - lost.popleft())
        else:
            self.strangers.append(clock.now_text())
        if not lost:
            self._lost.pop(session_id, None)


def rounded_milliseconds(seconds: float) -> int:
    """Milliseconds, rounded up to two digits: 1.234 s is 1300. Few distinct numbers, none off by more than a tenth."""
    whole = max(1, round(seconds * 1000))
    step: int = 10 ** max(0, len(str(whole)) - 2)
    return -(-whole // step) * step
