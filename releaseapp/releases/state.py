"""How the server stands with its release: what the page, its JSON and ``release status`` show alike."""

from typing import Any

import msgspec

import releaseapp
from releaseapp.operations import service as operations
from releaseapp.operations.models import Kind, Operation
from releaseapp.releases import queries
from releaseapp.releases.advice import Advice, advise
from releaseapp.releases.ground import Ground
from releaseapp.releases.models import Entry, Release, Status, without_roles
from releaseapp.releases.roles import RolesNow, roles_now
from releaseapp.releases.working import VERBS
from releaseapp.snapshots.models import Kept
from releaseapp.snapshots.shelf import newest_in_folder

_SHOWN_OPERATIONS = 8


class State(msgspec.Struct, frozen=True):
    """The open release or else the newest, what was written of it, what comes next, and what is at work.

    ``snapshot`` is the newest of the folder, and ``drill`` the newest try to put one back.
    """

    version: str
    release: Release | None
    entries: list[Entry]
    next: Advice
    roles: RolesNow | None
    snapshot: Kept | None
    drill: Operation | None
    operations: list[Operation]

    def plain(self) -> dict[str, Any]:
        """The same as plain data, the release without its role matrix."""
        release = without_roles(self.release) if self.release else None
        return {**msgspec.to_builtins(self), "release": release}


def state_of(ground: Ground) -> State:
    """The state as it is at this moment."""
    db = ground.db
    release = queries.find_open(db) or queries.find_newest(db)
    entries = queries.list_entries(db, release.id, 0) if release else []
    roles = None
    if release and release.status in {Status.STARTED, Status.PROMOTED}:
        roles = roles_now(ground, release)
    at_work = operations.list_at_work(db)
    verb = next((one for one in at_work if one.kind in VERBS), None)
    unconfirmed = roles is not None and bool(roles.changes) and not roles.confirmed
    return State(
        version=releaseapp.__version__,
        release=release,
        entries=entries,
        next=advise(release, entries, verb, unconfirmed=unconfirmed),
        roles=roles,
        snapshot=newest_in_folder(ground.settings),
        drill=operations.newest_of(db, Kind.DRILL),
        operations=operations.list_operations(db, _SHOWN_OPERATIONS),
    )
