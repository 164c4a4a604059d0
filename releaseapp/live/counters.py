"""What the live channel counts; whoever serves ``/metrics`` reads it."""

from collections import Counter
from dataclasses import dataclass, field

_TOO_SLOW = 1013


@dataclass(slots=True)
class Counters:
    """Counts since the server started. ``opened == open + sum(closed.values())`` always.

    ``closed`` counts by close code, 1006 for clients that vanished without a
    word; ``events_sent`` deliveries (an event heard by three sockets counts
    three); ``refused`` handshakes answered with an HTTP error, by status.
    """

    open: int = 0
    opened: int = 0
    events_sent: int = 0
    closed: Counter[int] = field(default_factory=Counter)
    refused: Counter[int] = field(default_factory=Counter)

    def count_open(self) -> None:
        """One more connection."""
        self.opened += 1
        self.open += 1

    def count_closed(self, code: int) -> None:
        """One connection less."""
        self.open -= 1
        self.closed[int(code)] += 1

    @property
    def dropped_slow(self) -> int:
        """Connections ended because they read too slowly."""
        return self.closed[_TOO_SLOW]
