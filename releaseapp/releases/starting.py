"""Starting a release: checked, a snapshot taken, the role matrix frozen. Interrupted, it goes on where it was."""

import re

import msgspec

import releaseapp
from releaseapp import clock
from releaseapp.errors import Conflict, Fault, Invalid
from releaseapp.operations.service import Report
from releaseapp.releases import journal, queries
from releaseapp.releases.ground import Ground
from releaseapp.releases.journal import Line
from releaseapp.releases.machine import Verb, require
from releaseapp.releases.models import EntryKind, Finding, Release, Status, Who
from releaseapp.releases.texts import one_line
from releaseapp.releases.working import Begun, Refused, claimed, refuse_while_another, what_happened

_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+_-]{0,63}")
_LONGEST = 2000
_BEFORE_SECONDS = 3600


class Plan(msgspec.Struct, frozen=True):
    """What is to be released, why, and when; ``despite`` is why errors of the checks shall not stop it."""

    version: str
    why: str
    window_starts_at: str | None = None
    window_ends_at: str | None = None
    despite: str = ""


def start(ground: Ground, who: Who, plan: Plan) -> Begun:
    """Begins a release, or goes on with one of the same version whose start did not come to its end.

    Raises Invalid for a plan that cannot be, Conflict when another release is open.
    """
    _validate(plan)
    with ground.db.transaction() as tx:
        refuse_while_another(tx)
        release = queries.find_open(tx)
        if release is None:
            release = _new_release(who, plan)
            queries.insert_release(tx, release)
            versions = f"{release.to_version}, from {release.from_version}"
            sentence = f"Begins the release of {versions}: {release.why}{_planned(release)}"
            journal.write(tx, release, who, Line(EntryKind.BEGUN, sentence, {"ini": ground.ini}))
        elif release.to_version != plan.version:
            raise Conflict(
                f"The release of {release.to_version} is open ({release.status.words}), and one is open at a time: "
                f"finish it, roll it back, or abandon it. {what_happened(tx, release.id)}"
            )
        require(Verb.START, release, what_happened(tx, release.id))
        return claimed(
            ground, Verb.START, who, release, lambda one, report: _go_on(ground, who, one, plan.despite, report)
        )


def read_moment(text: str, field: str) -> str | None:
    """A time as people write it (2030-01-31 08:00, in UTC, or RFC 3339); None for nothing. Raises Invalid."""
    if not text.strip():
        return None
    written = text.strip().replace(" ", "T", 1)
    try:
        return clock.text(clock.parse(written if re.search(r"(Z|[+-]\d\d:?\d\d)$", written) else f"{written}Z"))
    except (ValueError, OverflowError):
        raise Invalid.at(f"/{field}", "Give a time such as 2030-01-31T08:00Z, or 2030-01-31 08:00 in UTC.") from None


def _validate(plan: Plan) -> None:
    faults = []
    if not _VERSION.fullmatch(plan.version):
        faults.append(Fault("/version", "Give a version such as 1.4.0: letters, digits and . + _ - alone."))
    if not plan.why.strip():
        faults.append(Fault("/why", "Say why in a sentence; it stands in the log."))
    faults += [
        Fault(f"/{name}", f"At most {_LONGEST} characters.")
        for name in ("why", "despite")
        if len(getattr(plan, name)) > _LONGEST
    ]
    begin, end = plan.window_starts_at, plan.window_ends_at
    if begin and end and end <= begin:
        faults.append(Fault("/window_end", "The window must end after it begins."))
    elif end and end <= clock.now_text():
        faults.append(Fault("/window_end", "The window is over already; leave it out, or name a later end."))
    if faults:
        raise Invalid(faults)


def _new_release(who: Who, plan: Plan) -> Release:
    return Release(
        id=clock.new_id("rel"),
        status=Status.STARTING,
        from_version=releaseapp.__version__,
        to_version=plan.version,
        why=one_line(plan.why),
        actor=who.actor,
        who=who.name,
        window_starts_at=plan.window_starts_at,
        window_ends_at=plan.window_ends_at,
        snapshot=None,
        roles={},
        roles_confirmed_by=None,
        roles_confirmed_at=None,
        started_at=clock.now_text(),
        promoted_at=None,
        finished_at=None,
    )


def _planned(release: Release) -> str:
    begin, end = release.window_starts_at, release.window_ends_at
    words = [f"from {_minute(begin)}"] if begin else []
    words += [f"until {_minute(end)}"] if end else []
    return f" (planned {' '.join(words)} UTC)" if words else ""


def _minute(at: str) -> str:
    return at[:16].replace("T", " ")


def _go_on(ground: Ground, who: Who, release: Release, despite: str, report: Report) -> str:
    if release.snapshot is None:
        report.tell("Runs the checks.", 0.1)
        _check(ground, who, release, despite)
        report.tell("Takes the snapshot.", 0.4)
        taken = ground.take_snapshot(who.actor, f"before the release of {release.to_version}")
        size = f"{taken.bytes:,} bytes"
        sentence = f"Took the snapshot {taken.name} ({size})."
        line = Line(EntryKind.SNAPSHOT, sentence, msgspec.to_builtins(taken))
        release = journal.move(ground.db, release, who, line, snapshot=taken.name)
    report.tell("Freezes the role matrix.", 0.9)
    before = ground.connections(clock.later_text(-_BEFORE_SECONDS), clock.now_text())
    matrix = ground.matrix()
    with ground.db.transaction() as tx:
        figures = {"phase": "before", **msgspec.to_builtins(before)}
        journal.write(tx, release, who, Line(EntryKind.CONNECTIONS, before.sentence("before"), figures))
        line = Line(EntryKind.ROLES_FROZEN, "Froze the role matrix as it is now, and the release has started.")
        journal.move(ground.db, release, who, line, status=Status.STARTED, roles=matrix)
    return f"The release of {release.to_version} has started."


def _check(ground: Ground, who: Who, release: Release, despite: str) -> None:
    found = ground.check()
    errors = _bad(found, "error")
    warnings = len(_bad(found, "warning"))
    data = {"findings": msgspec.to_builtins(found)}
    sentence = f"Ran {_count(len(found), 'check')}: {_count(len(errors), 'error')}, {_count(warnings, 'warning')}."
    journal.note_down(ground.db, release, who, Line(EntryKind.CHECKED, sentence, data))
    if not errors:
        return
    told = " ".join(f"{one.title}: {one.sentence} {one.cure}".strip() for one in errors)
    if despite.strip():
        data = {"verb": "start", "reason": despite.strip(), "faults": [one.sentence for one in errors]}
        sentence = f"Goes on despite {_count(len(errors), 'error')}: {despite.strip()}"
        journal.note_down(ground.db, release, who, Line(EntryKind.DESPITE, sentence, data))
        return
    line = Line(EntryKind.REFUSED, f"The checks found {_count(len(errors), 'error')}, so it did not start. {told}")
    journal.note_down(ground.db, release, who, line)
    raise Refused(
        f"The checks found {_count(len(errors), 'error')}. {told} Correct it and start again, give a reason to go on "
        f"despite it, or abandon the release."
    )


def _bad(found: list[Finding], severity: str) -> list[Finding]:
    return [one for one in found if not one.ok and one.severity == severity]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
