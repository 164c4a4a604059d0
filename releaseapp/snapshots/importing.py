"""Takes in a snapshot that was carried here in one file, and gives one away."""

from pathlib import Path

from releaseapp import clock
from releaseapp.errors import Conflict, NotFound
from releaseapp.events.models import EventType
from releaseapp.operations.service import Report
from releaseapp.snapshots import archive, shelf
from releaseapp.snapshots.carrying import Carried, unload
from releaseapp.snapshots.models import Damaged, Kept, Manifest, NotWhole, is_plain
from releaseapp.snapshots.restoring.aside import opened_aside
from releaseapp.snapshots.service import Snapshots, find_snapshot, tell_of
from releaseapp.snapshots.verifying import faults_of


def carried(s: Snapshots, name: str) -> Carried:
    """A snapshot as one file, wherever it is; raises NotFound, Unreachable, OSError, also while it is read."""
    kept = find_snapshot(s, name)
    return Carried(kept.manifest, kept.bytes, shelf.parts_of(s.settings, kept))


def take_in(s: Snapshots, file: Path, actor: str | None, report: Report) -> Kept:
    """Takes in the snapshot of a file, once it was found whole; the file is left as it is.

    Raises Damaged for a file that is none, NotWhole with what is wrong, Conflict when it is here already, and Busy
    for a full disk; nothing of it is left then.
    """
    with archive.written(s.settings), archive.workshop(s.settings) as folder:
        report.tell("The file is unpacked.", 0.1)
        manifest, ready = unload(file, folder)
        _refuse_odd_words(manifest)
        _refuse_what_is_here(s, manifest.name)
        unpacked = archive.unpack(s.settings, manifest, ready, folder)
        report.tell(f"Snapshot {manifest.name} is opened aside, and looked through.", 0.4)
        with opened_aside(unpacked.database, s.settings) as past:
            faults = faults_of(unpacked, past, s.vault)
        if faults:
            raise NotWhole(faults)
        report.tell(f"Snapshot {manifest.name} is put beside the others.", 0.9)
        size = archive.put_on_shelf(s.settings, manifest, ready)
    shelf.mark_verified(s.settings, manifest.name, whole=True)
    tell_of(s, EventType.SNAPSHOT_IMPORTED, manifest.name, actor, {"bytes": size, "made_at": manifest.made_at})
    return find_snapshot(s, manifest.name)


def _refuse_what_is_here(s: Snapshots, name: str) -> None:
    try:
        find_snapshot(s, name)
    except NotFound:
        return
    raise Conflict(f"Snapshot {name} is here already.")


def _refuse_odd_words(manifest: Manifest) -> None:
    """What a stranger's manifest says is shown on pages and terminals, and sorted by."""
    words = [manifest.app_version, manifest.engine, manifest.actor or "", manifest.note]
    words += [*manifest.counts, *manifest.migrations, *manifest.fingerprints, *manifest.fingerprints.values()]
    try:
        moment = clock.text(clock.parse(manifest.made_at))
    except ValueError:
        moment = ""
    if moment != manifest.made_at or not all(map(is_plain, words)):
        raise Damaged(f"The manifest of snapshot {manifest.name} holds what no releaseapp writes.")
