"""Promoting a release: the new process is up, is the announced version, and keeps its connections."""

import time

import msgspec

from releaseapp import clock
from releaseapp.checks.person import Account
from releaseapp.numbers import many
from releaseapp.operations.service import Report
from releaseapp.releases import journal
from releaseapp.releases.ground import Ground
from releaseapp.releases.journal import Line
from releaseapp.releases.machine import Verb
from releaseapp.releases.models import EntryKind, Health, Release, Status, Verdict, Who
from releaseapp.releases.roles import roles_now
from releaseapp.releases.texts import refuse_long
from releaseapp.releases.working import Begun, Refused, claim

CALM = "calm"
BUSY = "busy"
PAUSE_SECONDS = 2.0


class Wish(msgspec.Struct, frozen=True):
    """How a verb is asked for.

    ``url`` is where the new process answers, "" for this very one; ``despite`` the reason to go on whatever speaks
    against it; ``patience`` how many seconds busy connections are waited for; ``note`` stands in the log at the end;
    ``accounts`` sign in at ``url`` and look whether they find what is theirs.
    """

    url: str = ""
    despite: str = ""
    patience: float = 0.0
    note: str = ""
    accounts: tuple[Account, ...] = ()


class Look(msgspec.Struct, frozen=True):
    """Which connections are looked at: a name for the time, when it began, and how long to wait for calm."""

    phase: str
    since: str
    patience: float


def promote(ground: Ground, who: Who, wish: Wish) -> Begun:
    """Promotes the open release when what answers is fit.

    Raises Conflict as :func:`claim` does, Invalid for a reason that is too long; the work raises Refused when something
    speaks against it and no reason was given to go on.
    """
    refuse_long(despite=wish.despite)
    return claim(ground, Verb.PROMOTE, who, lambda one, report: _promote(ground, who, one, wish, report))


def look_at_connections(ground: Ground, who: Who, release: Release, look: Look, report: Report) -> Verdict:
    """Asks the gate until it is not busy, or for as long as patience lasts; writes down what it says."""
    report.tell("Looks at the connections.", 0.5)
    until = clock.monotonic() + look.patience
    while (verdict := ground.connections(look.since, clock.now_text())).verdict == BUSY:
        if clock.monotonic() >= until:
            break
        report.tell(f"Connections are busy; waits for calm. {' '.join(verdict.reasons)}".strip(), 0.5)
        time.sleep(PAUSE_SECONDS)
    phase, since, now = look.phase, look.since, clock.now_text()
    data = {"phase": phase, "since": since, "until": now, **msgspec.to_builtins(verdict)}
    journal.note_down(ground.db, release, who, Line(EntryKind.CONNECTIONS, verdict.sentence(phase), data))
    return verdict


def insist(ground: Ground, who: Who, release: Release, verb: Verb, faults: list[str], despite: str) -> None:
    """Writes down that a reason was given to go on in spite of faults."""
    sentence = f"Goes on despite: {' '.join(faults)} The reason: {despite}"
    line = Line(EntryKind.DESPITE, sentence, {"verb": verb.value, "reason": despite, "faults": faults})
    journal.note_down(ground.db, release, who, line)


def _promote(ground: Ground, who: Who, release: Release, wish: Wish, report: Report) -> str:
    report.tell("Asks the new process.", 0.2)
    health = ground.ask_health(wish.url)
    line = Line(EntryKind.HEALTH, _told(health), msgspec.to_builtins(health))
    journal.note_down(ground.db, release, who, line)
    if not health.reached:
        raise _refuse(ground, who, release, [_told(health)], waits=False)
    probed = _probe(ground, who, release, wish, report)
    look = Look("since the start", release.started_at, wish.patience)
    verdict = look_at_connections(ground, who, release, look, report)
    faults = [*health.faults, *probed, *_version_faults(release, health), *_roles_faults(ground, release)]
    only_busy = not faults and verdict.verdict == BUSY
    if verdict.verdict != CALM:
        faults.append(verdict.sentence())
    if faults and not wish.despite.strip():
        raise _refuse(ground, who, release, faults, waits=only_busy)
    if faults:
        insist(ground, who, release, Verb.PROMOTE, faults, wish.despite.strip())
    answering = f"{health.version} answers" if health.version else "what answers tells no version"
    line = Line(EntryKind.PROMOTED, f"Promoted: {answering}.", {"version": health.version})
    journal.move(ground.db, release, who, line, status=Status.PROMOTED, promoted_at=clock.now_text())
    return f"{release.to_version} is promoted."


def _probe(ground: Ground, who: Who, release: Release, wish: Wish, report: Report) -> list[str]:
    """What the accounts miss; what they found is written down."""
    if not wish.accounts:
        return []
    names = ", ".join(one.email for one in wish.accounts)
    report.tell(f"Signs in as {names}.", 0.3)
    found = ground.probe(wish.url, wish.accounts)
    bad = [one for one in found if not one.ok]
    how = f"{many(len(bad), 'fault')}" if bad else "all is well"
    data = {"url": wish.url, "findings": msgspec.to_builtins(found)}
    line = Line(EntryKind.PROBED, f"Signed in at {wish.url} as {names}: {how}.", data)
    journal.note_down(ground.db, release, who, line)
    return [f"{one.title}: {one.sentence} {one.cure}".strip() for one in bad]


def _told(health: Health) -> str:
    where = health.url or "This process"
    if not health.reached:
        return f"{where} cannot be reached. {' '.join(health.faults)}".strip()
    state = "is ready" if health.ready else f"is not ready: {' '.join(health.faults)}"
    return f"{where} answers with version {health.version or 'unknown'} and {state.rstrip('.')}."


def _version_faults(release: Release, health: Health) -> list[str]:
    if health.version == release.to_version:
        return []
    if health.version == release.from_version:
        still = f"{health.version} still answers, and {release.to_version} was announced:"
        return [f"{still} start the new version, or look whether a process of the old one is left."]
    return [f"{health.version or 'No version'} answers, and {release.to_version} was announced."]


def _roles_faults(ground: Ground, release: Release) -> list[str]:
    now = roles_now(ground, release)
    if not now.changes or now.confirmed:
        return []
    return [f"The role matrix differs from the one at the start, and nobody has confirmed it: {' '.join(now.changes)}"]


def _refuse(ground: Ground, who: Who, release: Release, faults: list[str], *, waits: bool) -> Refused:
    line = Line(EntryKind.REFUSED, f"Not promoted. {' '.join(faults)}", {"verb": "promote", "faults": faults})
    journal.note_down(ground.db, release, who, line)
    return Refused(f"Not promoted. {' '.join(faults)}", waits=waits)
