"""Doing a verb: claimed by one operator in all processes, seen by all, and ended whatever happens."""

from collections.abc import Callable

import msgspec

from releaseapp import clock
from releaseapp.db.api import Reader, Transaction
from releaseapp.errors import AppError, Conflict
from releaseapp.operations import service as operations
from releaseapp.operations.models import Kind, Operation
from releaseapp.operations.service import Report, Work
from releaseapp.releases import journal, queries
from releaseapp.releases.ground import Ground
from releaseapp.releases.journal import Line
from releaseapp.releases.machine import Verb, require
from releaseapp.releases.models import EntryKind, Release, Who

VERBS = frozenset({Kind.RELEASE, Kind.ROLLBACK})
NONE_OPEN = "No release is open; `releaseapp release start` begins one."


class Begun(msgspec.Struct, frozen=True):
    """A verb that is claimed and not yet done: the release as it stands, and the work that is left."""

    release: Release
    operation: Operation
    work: Work


class Refused(Conflict):
    """A verb that said no: what it found is in the log of the release. ``waits`` says that time may cure it."""

    def __init__(self, sentence: str, *, waits: bool = False) -> None:
        super().__init__(sentence)
        self.waits = waits


def claim(ground: Ground, verb: Verb, who: Who, work: Callable[[Release, Report], str]) -> Begun:
    """Claims the open release for a verb; ``work`` gives the sentence that says how it ended.

    Raises Conflict, saying what happened, when none is open, when it stands where the verb is impossible, or when
    another verb is at work.
    """
    with ground.db.transaction() as tx:
        refuse_while_another(tx)
        release = queries.find_open(tx)
        if release is None:
            raise Conflict(_none_open(tx))
        require(verb, release, what_happened(tx, release.id))
        return claimed(ground, verb, who, release, work)


def claimed(ground: Ground, verb: Verb, who: Who, release: Release, work: Callable[[Release, Report], str]) -> Begun:
    """Begins the operation of a verb for a release, in the transaction that is open."""
    kind = Kind.ROLLBACK if verb is Verb.ROLLBACK else Kind.RELEASE
    operation = operations.begin(ground.db, kind, who.actor)

    def go(report: Report) -> tuple[str, dict[str, object]]:
        try:
            return work(release, report), {"release": release.id, "verb": verb.value}
        except Refused:
            raise
        except AppError as error:
            journal.note_down(ground.db, release, who, Line(EntryKind.REFUSED, f"{verb.capitalize()} failed: {error}"))
            raise

    return Begun(release, operation, go)


def perform(ground: Ground, begun: Begun) -> Release:
    """Does it in this thread; returns the release as it is afterwards. Raises what the verb refuses with."""
    operations.carry_out(ground.db, begun.operation, begun.work)
    return queries.find_release(ground.db, begun.release.id) or begun.release


def perform_in_thread(ground: Ground, begun: Begun) -> Release:
    """Does it in a thread of its own, for pages; how it ended stands in the log of the release."""
    operations.go_on_in_thread(ground.db, begun.operation, begun.work)
    return begun.release


def refuse_while_another(tx: Transaction) -> None:
    """Raises Conflict while any verb is at work in any process."""
    for one in operations.list_at_work(tx):
        if one.kind in VERBS:
            raise Conflict(
                f"Another operator is at work on the release since {one.started_at} ({one.process}): {one.sentence} "
                f"`releaseapp release status --follow` shows how it goes on."
            )


def what_happened(db: Reader, release_id: str) -> str:
    """The last thing that was written of a release, with who and when; "" when nothing was."""
    entry = queries.newest_entry(db, release_id)
    return f"Last, at {clock.to_the_second(entry.at)}, {entry.who}: {entry.sentence}" if entry else ""


def _none_open(db: Reader) -> str:
    newest = queries.find_newest(db)
    return f"{NONE_OPEN} {what_happened(db, newest.id)}".strip() if newest else NONE_OPEN
