"""Snapshots: made, listed, verified, opened, deleted, pruned."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta

import msgspec

import releaseapp
from releaseapp import clock
from releaseapp.credentials.vault import Vault
from releaseapp.db.api import Database
from releaseapp.db.catalog import tables_of
from releaseapp.db.migrate import pending
from releaseapp.errors import Conflict, NotFound
from releaseapp.events.models import EventType
from releaseapp.events.service import append
from releaseapp.keys import fingerprint_of
from releaseapp.operations.service import Report
from releaseapp.served import served_version
from releaseapp.settings import Settings
from releaseapp.snapshots import archive, shelf
from releaseapp.snapshots.models import (
    FORMAT,
    Damaged,
    FileMark,
    Kept,
    Manifest,
    NoSecret,
    NotWhole,
    Reason,
    Shelf,
    Unpacked,
    as_plain,
)
from releaseapp.snapshots.queries import list_snapshots_of_open_releases
from releaseapp.snapshots.restoring.aside import opened_aside
from releaseapp.snapshots.restoring.remembered import find_newest_restore
from releaseapp.snapshots.taking import Pair, take_pair
from releaseapp.snapshots.verifying import faults_of
from releaseapp.workflows.file import WorkflowFile

_COPIED_AT_ONCE = frozenset({Reason.ASKED, Reason.RELEASE, Reason.SCHEDULE})
"""The others are made while somebody waits for what comes after them: they are copied with the next."""


class Snapshots(msgspec.Struct, frozen=True):
    """What the verbs need."""

    db: Database
    file: WorkflowFile
    settings: Settings
    vault: Vault


def make_snapshot(
    s: Snapshots, reason: Reason, actor: str | None, report: Report | None = None, note: str = ""
) -> Kept:
    """Takes database and workflow file as one pair, while everybody works on.

    It is copied to the bucket, too, if there is one; when that fails it is kept in the folder alone, and copied with a
    later one. Raises Busy when the turn to write does not come or the disk takes no more, CannotBeMade for pg_dump,
    Conflict while the workflow file cannot be read; nothing of it is left then.
    """
    if s.file.fault is not None and s.file.path.exists() and "read-only" not in s.file.fault:
        raise Conflict(f"A snapshot needs both files: {s.file.fault}")
    made_at = clock.now()
    name = f"{made_at:%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"
    with archive.written(s.settings), archive.workshop(s.settings) as folder:
        pair = take_pair(s.db, s.file, s.settings, folder, _telling(report))
        files = {one.name: archive.mark_of(one) for one in (pair.database, folder / archive.WORKFLOWS)}
        manifest = _manifest(s, name, clock.text(made_at), pair, files)
        manifest = msgspec.structs.replace(manifest, reason=reason, actor=actor, note=as_plain(note))
        if report is not None:
            report.tell("The snapshot is packed.", 0.9)
        size = archive.pack(s.settings, manifest, folder)
    copied = False
    if s.settings.snapshot_s3_url and reason in _COPIED_AT_ONCE:
        if report is not None:
            report.tell(f"The snapshot is copied to {s.settings.snapshot_s3_url}.", 0.95)
        copied = shelf.copy_to_bucket(s.settings, name)
    tell_of(s, EventType.SNAPSHOT_MADE, name, actor, {"reason": reason, "bytes": size})
    return Kept(manifest, size, [shelf.FOLDER, shelf.BUCKET] if copied else [shelf.FOLDER], None)


def look_at_shelf(s: Snapshots) -> Shelf:
    """Every snapshot that is kept, in the folder and in the bucket, and whether that one answered."""
    return shelf.look(s.settings)


def list_snapshots(s: Snapshots) -> list[Kept]:
    """Every snapshot that is kept, newest first: in the folder, and in the bucket if there is one that answers."""
    return look_at_shelf(s).items


def find_snapshot(s: Snapshots, name: str) -> Kept:
    """One snapshot; raises NotFound, Unreachable for one that may be in the bucket alone."""
    return shelf.find_kept(s.settings, name)


def newest_snapshot(s: Snapshots) -> str:
    """The name of the newest one; raises NotFound when there is none."""
    newest = next(iter(list_snapshots(s)), None)
    if newest is None:
        raise NotFound("There is no snapshot yet. Make one: releaseapp snapshot create INI.")
    return newest.manifest.name


def copy_to_bucket(s: Snapshots, report: Report) -> int:
    """Copies what the bucket lacks, newest first; how many it took. Raises Unreachable."""
    copied = 0
    for name in shelf.list_lacking_in_bucket(s.settings):
        report.tell(f"Snapshot {name} is copied to {s.settings.snapshot_s3_url}.", 0.95)
        copied += shelf.copy_to_bucket(s.settings, name)
    return copied


@contextmanager
def opened(s: Snapshots, name: str) -> Iterator[Unpacked]:
    """Its files in a folder of their own, held against its manifest; raises NotFound, Damaged, Busy for a full disk."""
    kept = find_snapshot(s, name)
    with ExitStack() as stack:
        with archive.written(s.settings):
            folder = stack.enter_context(archive.workshop(s.settings))
            unpacked = archive.unpack(s.settings, kept.manifest, shelf.archive_of(s.settings, kept, folder), folder)
        yield unpacked


@contextmanager
def opened_whole(s: Snapshots, name: str, report: Report | None = None) -> Iterator[tuple[Unpacked, Database]]:
    """As :func:`opened`, with its database open aside, once it was found whole; that is noted beside the snapshot.

    Raises NotFound, NotWhole, and Busy when the disk has no room to open it: that says nothing of the snapshot.
    """
    if report is not None:
        report.tell("The snapshot is opened aside.", 0.2)
    with ExitStack() as stack:
        try:
            unpacked = stack.enter_context(opened(s, name))
            past = stack.enter_context(opened_aside(unpacked.database, s.settings))
            if report is not None:
                report.tell("It is looked through.", 0.6)
            faults = faults_of(unpacked, past, s.vault)
        except NoSecret as error:
            raise NotWhole([str(error)]) from error
        except Damaged as error:
            faults = [str(error)]
        shelf.mark_verified(s.settings, name, whole=not faults)
        if faults:
            raise NotWhole(faults)
        yield unpacked, past


def verify_snapshot(s: Snapshots, name: str, report: Report | None = None) -> list[str]:
    """What is wrong with a snapshot, in sentences; none when it is whole. Raises NotFound, Busy for a full disk."""
    try:
        with opened_whole(s, name, report):
            return []
    except NotWhole as error:
        return error.faults


def delete_snapshot(s: Snapshots, name: str, actor: str | None) -> None:
    """Deletes a snapshot wherever it is; raises NotFound, Unreachable, Conflict while a release may go back to it."""
    find_snapshot(s, name)
    if name in _held_by_releases(s):
        raise Conflict(
            f"Snapshot {name} is what the release under way would be rolled back to. Finish that release first."
        )
    shelf.take_away(s.settings, name)
    tell_of(s, EventType.SNAPSHOT_DELETED, name, actor, {})


def prune_snapshots(s: Snapshots, *, dry_run: bool = False) -> list[Kept]:
    """Deletes what need not be kept any more, oldest first; gives those.

    The newest ``snapshot_keep_count`` stay, those younger than ``snapshot_keep_days``, the newest one that was found
    whole, what a release under way would go back to, and what undoing the newest restore would put back.
    """
    kept = list_snapshots(s)
    border = clock.text(clock.now() - timedelta(days=s.settings.snapshot_keep_days))
    whole = next((one.manifest.name for one in kept if one.verified_at), None)
    needed = {whole, *_held_by_releases(s), *_held_by_undo(s)}
    old = [
        one
        for one in reversed(kept[s.settings.snapshot_keep_count :])
        if one.manifest.made_at < border and one.manifest.name not in needed
    ]
    return old if dry_run else [one for one in old if _went(s, one.manifest.name)]


def _went(s: Snapshots, name: str) -> bool:
    try:
        delete_snapshot(s, name, None)
    except NotFound:
        # Another deleted it meanwhile.
        return False
    return True


def _held_by_releases(s: Snapshots) -> list[str]:
    # A schema that is about to be migrated may know of none yet.
    return list_snapshots_of_open_releases(s.db) if "releases" in tables_of(s.db, s.db.engine) else []


def _held_by_undo(s: Snapshots) -> list[str]:
    newest = find_newest_restore(s.db) if "server_state" in tables_of(s.db, s.db.engine) else None
    return [str(newest["before"])] if newest else []


def _fitting_version(s: Snapshots) -> str:
    """The version that fits the data: this one, unless it is about to change the schema."""
    former = served_version(s.db, s.db.engine) if pending(s.db) else None
    return former or releaseapp.__version__


def _manifest(s: Snapshots, name: str, made_at: str, pair: Pair, files: dict[str, FileMark]) -> Manifest:
    return Manifest(
        format=FORMAT,
        name=name,
        made_at=made_at,
        app_version=_fitting_version(s),
        engine=s.db.engine,
        migrations=pair.migrations,
        reason=Reason.ASKED,
        actor=None,
        note="",
        counts=pair.counts,
        last_event_id=pair.last_event_id,
        workflow_revision=pair.document.revision,
        workflows=len(pair.document.workflows),
        files=files,
        fingerprints={
            "jwt_secret": fingerprint_of("jwt_secret", s.settings.jwt_secret),
            "credentials_secret": fingerprint_of("credentials_secret", s.settings.credentials_secret),
        },
        encrypted=bool(s.settings.snapshot_secret),
    )


def _telling(report: Report | None) -> Callable[[float], None]:
    told = [0.0]

    def tell(part: float) -> None:
        # Each is a write of its own: ten of them are enough.
        if report is not None and part >= told[0] + 0.1:
            told[0] = part
            report.tell("The database is copied.", round(part * 0.8, 2))

    return tell


def tell_of(s: Snapshots, event: EventType, name: str, actor: str | None, data: dict[str, object]) -> None:
    """Appends an event about a snapshot."""
    with s.db.transaction() as tx:
        append(tx, event, name, actor=actor, data=data)
