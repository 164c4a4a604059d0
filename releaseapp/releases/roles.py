"""The role matrix of a release: as it was at the start, as it is now, and who has looked at the difference."""

import hashlib

import msgspec

from releaseapp import clock
from releaseapp.db.api import Reader
from releaseapp.errors import Conflict, PreconditionFailed
from releaseapp.releases import journal, queries
from releaseapp.releases.ground import Ground
from releaseapp.releases.journal import Line
from releaseapp.releases.machine import Verb, require
from releaseapp.releases.models import EntryKind, Release, Who
from releaseapp.releases.working import NONE_OPEN, refuse_while_another, what_happened


class RolesNow(msgspec.Struct, frozen=True):
    """How the role matrix differs from the one of the start; ``confirmed`` says whether somebody has seen just this."""

    changes: list[str]
    digest: str
    confirmed: bool


def roles_now(ground: Ground, release: Release) -> RolesNow:
    """The difference as it is at this moment."""
    matrix = ground.matrix()
    digest = hashlib.sha256(msgspec.json.encode(matrix, order="sorted")).hexdigest()
    return RolesNow(
        changes=ground.difference(release.roles, matrix),
        digest=digest,
        confirmed=_confirmed_digest(ground.db, release) == digest,
    )


def confirm_roles(ground: Ground, who: Who, seen: str | None = None) -> Release:
    """Writes down that somebody has looked at the role matrix as it is now.

    ``seen`` is the digest of what was shown to them: raises PreconditionFailed when it is another by now, Conflict
    when no release is open that has started.
    """
    with ground.db.transaction() as tx:
        release = queries.find_open(tx)
        if release is None:
            raise Conflict(NONE_OPEN)
        require(Verb.CONFIRM, release, what_happened(tx, release.id))
        refuse_while_another(tx)
        now = roles_now(ground, release)
        if seen is not None and seen != now.digest:
            raise PreconditionFailed("The role matrix has changed since it was shown to you; look at it once more.")
        told = " ".join(now.changes) if now.changes else "It is as it was when the release started."
        line = Line(EntryKind.ROLES_CONFIRMED, f"Confirmed the role matrix. {told}",
                    {"digest": now.digest, "changes": now.changes})  # fmt: skip
        return journal.move(
            ground.db, release, who, line, roles_confirmed_by=who.name, roles_confirmed_at=clock.now_text()
        )


def _confirmed_digest(db: Reader, release: Release) -> str | None:
    if release.roles_confirmed_at is None:
        return None
    entries = [one for one in queries.list_entries(db, release.id, 0) if one.kind is EntryKind.ROLES_CONFIRMED]
    return str(entries[-1].data["digest"]) if entries else None
