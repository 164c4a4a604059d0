"""Restores, undos and drills as operations: what is done, and what the journal keeps of it."""

from typing import Any

import msgspec

from releaseapp.operations.service import Report
from releaseapp.snapshots.restoring import service
from releaseapp.snapshots.service import Snapshots

Ended = tuple[str, dict[str, Any]]
"""The sentence that says how it ended, and its figures."""


def restoring(s: Snapshots, name: str, report: Report, *, keep_schema: bool = False) -> Ended:
    """Puts a snapshot back; raises as :func:`releaseapp.snapshots.restoring.service.restore`."""
    done = service.restore(s, name, report.operation.actor, report, keep_schema=keep_schema)
    return done.sentence, msgspec.to_builtins(done)


def undoing(s: Snapshots, report: Report) -> Ended:
    """Puts back what the newest restore replaced."""
    done = service.undo(s, report.operation.actor, report)
    return done.sentence, msgspec.to_builtins(done)


def drilling(s: Snapshots, report: Report, name: str | None = None) -> Ended:
    """Tries the newest snapshot, or the one of that name, aside."""
    result = service.drill(s, report.operation.actor, report, name)
    return service.drill_sentence(result), result
