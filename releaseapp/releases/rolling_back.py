"""Rolling a release back: its snapshot is put back while the server runs, and what was replaced is kept."""

import msgspec

from releaseapp import clock
from releaseapp.errors import AppError, Conflict
from releaseapp.operations.service import Report
from releaseapp.releases import journal, queries
from releaseapp.releases.ground import Ground
from releaseapp.releases.journal import Line
from releaseapp.releases.machine import Verb, require
from releaseapp.releases.models import EntryKind, Loss, PutBack, Release, Status, Who
from releaseapp.releases.texts import refuse_long
from releaseapp.releases.working import NONE_OPEN, Begun, Refused, claim, what_happened


def what_is_lost(ground: Ground) -> Loss:
    """What rolling the open release back would lose; raises Conflict when none can be rolled back."""
    release = queries.find_open(ground.db)
    if release is None:
        raise Conflict(NONE_OPEN)
    require(Verb.ROLLBACK, release, what_happened(ground.db, release.id))
    return ground.preview(_snapshot_of(release))


def roll_back(ground: Ground, who: Who, why: str) -> Begun:
    """Rolls the open release back; raises Conflict as :func:`claim` does, Invalid when ``why`` is too long.

    The work raises Refused when the snapshot cannot be put back. Done again after a process died in the middle, it
    puts the snapshot back unless that was done.
    """
    refuse_long(why=why)
    return claim(ground, Verb.ROLLBACK, who, lambda one, report: _roll_back(ground, who, one, why.strip(), report))


def _roll_back(ground: Ground, who: Who, release: Release, why: str, report: Report) -> str:
    name = _snapshot_of(release)
    put_back = _put_back_already(ground, release)
    if put_back is None:
        report.tell("Looks at what would be lost.", 0.05)
        loss = ground.preview(name)
        if not loss.possible:
            sentence = f"Not rolled back. {' '.join(loss.sentences)}"
            journal.note_down(ground.db, release, who, Line(EntryKind.REFUSED, sentence, {"verb": "rollback"}))
            raise Refused(sentence)
        reason = f": {why}" if why else "."
        line = Line(EntryKind.ROLLBACK_BEGUN, f"Rolls back to the snapshot {name}{reason}", {"loss": loss.sentences})
        release = journal.move(ground.db, release, who, line, status=Status.ROLLING_BACK)
        put_back = _put_back(ground, who, release, report)
    with ground.db.transaction() as tx:
        journal.write(tx, release, who, Line(EntryKind.RESTORED, put_back.sentence, msgspec.to_builtins(put_back)))
        line = Line(
            EntryKind.ROLLED_BACK,
            f"Rolled back: start {put_back.app_version}, which fits the data.",
            {"app_version": put_back.app_version},
        )
        journal.move(ground.db, release, who, line, status=Status.ROLLED_BACK, finished_at=clock.now_text())
    return f"{put_back.sentence} Start {put_back.app_version}."


def _put_back(ground: Ground, who: Who, release: Release, report: Report) -> PutBack:
    try:
        return ground.put_back(_snapshot_of(release), who.actor, report)
    except AppError as error:
        # A restore that is refused has changed nothing, so the release stands where it stood.
        former = Status.PROMOTED if release.promoted_at else Status.STARTED
        sentence = f"Not rolled back, and nothing has changed. {error}"
        journal.move(ground.db, release, who, Line(EntryKind.REFUSED, sentence, {"verb": "rollback"}), status=former)
        raise Refused(sentence) from error


def _put_back_already(ground: Ground, release: Release) -> PutBack | None:
    """What a process did that died before it could write it down: done twice, the undo would lead nowhere."""
    if release.status is not Status.ROLLING_BACK:
        return None
    entries = queries.list_entries(ground.db, release.id, 0)
    begun = next((one for one in reversed(entries) if one.kind is EntryKind.ROLLBACK_BEGUN), None)
    before = ground.was_put_back(_snapshot_of(release), begun.at) if begun else None
    if before is None:
        return None
    return PutBack(_snapshot_of(release), before, None, None, None, release.from_version)


def _snapshot_of(release: Release) -> str:
    if release.snapshot is None:
        raise Conflict("The release has no snapshot, for it has not started; abandon it instead.")
    return release.snapshot
