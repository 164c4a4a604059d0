"""Finishing a release: the connections stayed calm, and whoever must hear of it was called."""

import msgspec

from releaseapp import clock
from releaseapp.errors import Conflict
from releaseapp.operations.service import Report
from releaseapp.releases import journal, queries
from releaseapp.releases.ground import Ground
from releaseapp.releases.journal import Line
from releaseapp.releases.machine import Verb, require
from releaseapp.releases.models import EntryKind, HookAnswer, Release, Status, Who
from releaseapp.releases.promoting import BUSY, CALM, Look, Wish, insist, look_at_connections
from releaseapp.releases.texts import refuse_long
from releaseapp.releases.working import NONE_OPEN, Begun, Refused, claim, claimed, refuse_while_another, what_happened

_LATELY_SECONDS = 600.0


def finish(ground: Ground, who: Who, wish: Wish) -> Begun:
    """Finishes the open release; raises Conflict as :func:`claim` does, Invalid for a text that is too long.

    The work raises Refused when connections are not calm, or the hook has not answered well, and ``despite`` is no
    reason.
    """
    refuse_long(note=wish.note, despite=wish.despite)
    return claim(ground, Verb.FINISH, who, lambda one, report: _finish(ground, who, one, wish, report))


def call_hook_again(ground: Ground, who: Who) -> Begun:
    """Calls the hook for the release that is promoted, or else for the newest if it is finished.

    Raises Conflict when there is none, or no hook; the work raises Refused when it is not answered well.
    """
    if not ground.settings.release_hook_url:
        raise Conflict("No hook is set; release_hook_url names the address to call.")
    with ground.db.transaction() as tx:
        refuse_while_another(tx)
        release = queries.find_newest(tx)
        if release is None:
            raise Conflict(NONE_OPEN)
        require(Verb.HOOK, release, what_happened(tx, release.id))
        return claimed(ground, Verb.HOOK, who, release, lambda one, report: _hook(ground, who, one, report))


def hook_is_answered(ground: Ground, release: Release) -> bool:
    """Whether nobody must be called any more: it was answered well, or there is no hook."""
    if not ground.settings.release_hook_url:
        return True
    entries = queries.list_entries(ground.db, release.id, 0)
    return any(one.kind is EntryKind.HOOK_ANSWERED and one.data.get("success") for one in entries)


def _finish(ground: Ground, who: Who, release: Release, wish: Wish, report: Report) -> str:
    despite = wish.despite.strip()
    fault = _gate_fault(ground, who, release, wish.patience, report)
    if fault is not None:
        if not despite:
            raise _refuse(ground, who, release, fault[0], waits=fault[1])
        insist(ground, who, release, Verb.FINISH, [fault[0]], despite)
    elif not hook_is_answered(ground, release):
        # Only behind a gate that is green.
        report.tell("Calls the hook.", 0.5)
        answer = _call(ground, who, release)
        if not answer.is_success and not despite:
            raise _refuse(ground, who, release, f"The hook was not answered well. {answer.sentence}", waits=True)
        if not answer.is_success:
            insist(ground, who, release, Verb.FINISH, [answer.sentence], despite)
    with ground.db.transaction() as tx:
        if wish.note.strip():
            journal.write(tx, release, who, Line(EntryKind.NOTE, wish.note.strip()))
        line = Line(EntryKind.FINISHED, f"Finished: {release.to_version} is released.")
        journal.move(ground.db, release, who, line, status=Status.FINISHED, finished_at=clock.now_text())
    return f"The release of {release.to_version} is finished."


def _hook(ground: Ground, who: Who, release: Release, report: Report) -> str:
    fault = _gate_fault(ground, who, release, 0, report)
    if fault is not None:
        sentence = f"The hook was not called. {fault[0]}"
        line = Line(EntryKind.REFUSED, sentence, {"verb": Verb.HOOK.value, "faults": [fault[0]]})
        journal.note_down(ground.db, release, who, line)
        raise Refused(sentence, waits=fault[1])
    report.tell("Calls the hook.", 0.5)
    answer = _call(ground, who, release)
    if not answer.is_success:
        raise Refused(f"The hook was not answered well. {answer.sentence}")
    return answer.sentence


def _gate_fault(ground: Ground, who: Who, release: Release, patience: float, report: Report) -> tuple[str, bool] | None:
    """Why the gate is not green, and whether time may cure that; None when it is."""
    look = Look("since the promotion", release.promoted_at or release.started_at, patience)
    if release.is_over:
        look = Look("of the last ten minutes", clock.later_text(-_LATELY_SECONDS), patience)
    verdict = look_at_connections(ground, who, release, look, report)
    if verdict.verdict == CALM:
        return None
    return verdict.sentence(), verdict.verdict == BUSY


def _call(ground: Ground, who: Who, release: Release) -> HookAnswer:
    content = msgspec.json.encode(
        {
            "type": "release.finished",
            "release": release.id,
            "from_version": release.from_version,
            "to_version": release.to_version,
            "started_at": release.started_at,
            "promoted_at": release.promoted_at,
        }
    )
    # Written before: who finds this without an answer calls again, and the receiver knows the repeat by its id.
    journal.note_down(ground.db, release, who, Line(EntryKind.HOOK_CALLED, "Calls the hook."))
    answer = ground.call_hook(release.id, content)
    data = {"status": answer.status, "seconds": answer.seconds, "success": answer.is_success}
    journal.note_down(ground.db, release, who, Line(EntryKind.HOOK_ANSWERED, answer.sentence, data))
    return answer


def _refuse(ground: Ground, who: Who, release: Release, fault: str, *, waits: bool) -> Refused:
    line = Line(EntryKind.REFUSED, f"Not finished. {fault}", {"verb": "finish", "faults": [fault]})
    journal.note_down(ground.db, release, who, line)
    return Refused(f"Not finished. {fault}", waits=waits)
