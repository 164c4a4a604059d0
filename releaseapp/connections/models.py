"""What a sample of the connections is, and what the gate says."""

from typing import Any, Literal

import msgspec

ABNORMAL = ("1006", "1011", "1013")
"""Codes of connections that ended ill: vanished, did not answer, read too slowly."""

TOLD_TO_RETURN = "1012"
"""The code of a server that stops, and of which clients come back."""


class Sample(msgspec.Struct, frozen=True):
    """What happened to the connections of one process since the sample before.

    ``open`` is how many there are at that moment; ``opened``, ``closed`` (by code), ``refused`` (by HTTP status) and
    ``reconnects`` (by milliseconds) what was counted in the ``seconds`` before it; ``left_at`` when the process told
    everybody that it stops, in its last sample.
    """

    process: str
    process_started_at: str
    at: str
    seconds: float
    open: int
    opened: int
    closed: dict[str, int]
    refused: dict[str, int]
    reconnects: dict[str, int]
    left_at: str | None = None

    @property
    def source(self) -> tuple[str, str]:
        """Which process it is; the number of one may be given again to another."""
        return self.process, self.process_started_at

    @property
    def abnormal(self) -> int:
        """How many connections ended ill."""
        return sum(self.closed.get(code, 0) for code in ABNORMAL)

    @property
    def told_to_return(self) -> int:
        """How many were told that the server stops."""
        return self.closed.get(TOLD_TO_RETURN, 0)


class Gate(msgspec.Struct, frozen=True):
    """Whether connections are calm, busy or stormy; ``reasons`` in sentences, ``figures`` what they were read from."""

    verdict: Literal["calm", "busy", "stormy"]
    reasons: list[str]
    figures: dict[str, Any]
