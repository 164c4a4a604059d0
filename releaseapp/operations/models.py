"""What an operation is: work on the server that an operator, or the clock, has begun."""

from enum import StrEnum
from typing import Any

import msgspec


class Kind(StrEnum):
    """What is being done."""

    CHECK = "check"
    DRILL = "drill"
    IMPORT = "import"
    PRUNE = "prune"
    RELEASE = "release"
    RESTORE = "restore"
    ROLLBACK = "rollback"
    SNAPSHOT = "snapshot"
    VERIFY = "verify"


ALONE = frozenset(Kind) - {Kind.CHECK, Kind.RELEASE, Kind.VERIFY}
"""Kinds of which one at a time is at work, in all processes together. A release takes its snapshot as one of these."""


class Status(StrEnum):
    """Where an operation is; one whose process has died is interrupted."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


class Operation(msgspec.Struct, frozen=True):
    """One piece of work.

    ``actor`` is an account's id, None for the clock and the command line; ``process`` who does it (host and pid);
    ``beat_at`` when that process was last known to live; ``progress`` from 0 to 1, None while nobody can say;
    ``sentence`` what it is at, or how it ended; ``result`` figures for whoever shows it.
    """

    id: str
    kind: Kind
    status: Status
    actor: str | None
    process: str
    started_at: str
    beat_at: str
    finished_at: str | None
    progress: float | None
    sentence: str
    result: dict[str, Any]
