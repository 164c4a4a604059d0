"""Where snapshots are kept: the folder, and the bucket if the settings name one."""

import logging
from collections.abc import Generator, Iterable
from contextlib import closing, suppress
from itertools import groupby
from pathlib import Path

import msgspec

from releaseapp import clock
from releaseapp.errors import NotFound
from releaseapp.settings import Settings
from releaseapp.snapshots.archive import archive_path, manifest_path
from releaseapp.snapshots.bucket import Bucket, Unreachable, bucket_of
from releaseapp.snapshots.carrying import Blocks
from releaseapp.snapshots.models import NAME, Kept, Manifest, Shelf, manifest_of

log = logging.getLogger(__name__)

FOLDER, BUCKET = "folder", "s3"
_NOTED = ".there"


def list_in_folder(settings: Settings) -> list[Kept]:
    """Every snapshot of the folder alone, newest first; asks no other server."""
    found = (_in_folder(settings, path.stem) for path in settings.snapshots.glob("*.json"))
    return _newest_first(one for one in found if one)


def newest_in_folder(settings: Settings) -> Kept | None:
    """The newest snapshot of the folder alone, of none that is yet to come; reads no more manifests than it needs."""
    now = clock.now_text()
    names = sorted((path.stem for path in settings.snapshots.glob("*.json")), reverse=True)
    # Names begin with the second in which they were made.
    for _second, alike in groupby(names, key=lambda name: name.partition("-")[0]):
        found = _newest_first(one for name in alike if (one := _in_folder(settings, name)))
        # What was made while the clock was wrong, or by a server whose clock is, says nothing of the newest.
        found = [one for one in found if one.manifest.made_at <= now]
        if found:
            return found[0]
    return None


def look(settings: Settings) -> Shelf:
    """What there is in both; that of the folder alone when the bucket does not answer soon."""
    kept = {one.manifest.name: one for one in list_in_folder(settings)}
    silence = ""
    try:
        bucket = bucket_of(settings, soon=True)
        there = bucket.names() if bucket else []
        for name in there:
            one = kept[name] if name in kept else _in_bucket(settings, bucket, name)
            if one is not None:
                kept[name] = msgspec.structs.replace(one, places=[*one.places, BUCKET])
        _forget_all_but(settings, there)
    except Unreachable as error:
        silence = str(error)
        log.warning("the snapshots in the bucket are not listed: %s", error)
    return Shelf(_newest_first(kept.values()), settings.snapshot_s3_url, silence)


def find_kept(settings: Settings, name: str) -> Kept:
    """One snapshot, of the folder or else of the bucket; raises NotFound, Unreachable."""
    found = None
    if NAME.fullmatch(name):
        found = _in_folder(settings, name) or _in_bucket(settings, bucket_of(settings), name)
    if found is None:
        raise NotFound(f"There is no snapshot {name[:80]}.")
    return found


def archive_of(settings: Settings, kept: Kept, folder: Path) -> Path:
    """The archive: where it lies, or brought from the bucket into ``folder``; raises Unreachable, OSError."""
    if FOLDER in kept.places:
        return archive_path(settings, kept.manifest.name)
    there = folder / "fetched.snapshot"
    with there.open("xb") as file, closing(parts_of(settings, kept)) as parts:
        file.writelines(parts)
    return there


def parts_of(settings: Settings, kept: Kept) -> Blocks | Generator[bytes]:
    """The archive part by part, from where it is, to be closed; raises NotFound, Unreachable, OSError, later too."""
    bucket = None if FOLDER in kept.places else bucket_of(settings)
    if bucket is not None:
        return bucket.parts_of(kept.manifest.name)
    try:
        return Blocks(archive_path(settings, kept.manifest.name))
    except FileNotFoundError as error:
        raise NotFound(f"The archive of snapshot {kept.manifest.name} is gone.") from error


def copy_to_bucket(settings: Settings, name: str) -> bool:
    """Copies one to the bucket; False when there is no bucket, or when it does not take it: the log says why."""
    try:
        bucket = bucket_of(settings)
        if bucket is not None:
            bucket.send(name, archive_path(settings, name), manifest_path(settings, name))
    except Unreachable as error:
        log.warning("snapshot %s is in the folder alone: %s", name, error)
        return False
    return bucket is not None


def list_lacking_in_bucket(settings: Settings) -> list[str]:
    """What the folder has and the bucket has not, newest first; raises Unreachable."""
    bucket = bucket_of(settings)
    there = set(bucket.names()) if bucket else set()
    return [one.manifest.name for one in list_in_folder(settings) if bucket and one.manifest.name not in there]


def take_away(settings: Settings, name: str) -> None:
    """Deletes it from both; raises Unreachable before anything is gone from the folder."""
    bucket = bucket_of(settings)
    if bucket is not None:
        bucket.delete(name)
    # The manifest first: without it the rest is nothing.
    for path in (manifest_path, archive_path, _mark, _note):
        path(settings, name).unlink(missing_ok=True)


def mark_verified(settings: Settings, name: str, *, whole: bool) -> None:
    """Notes beside it that it was just found whole, or takes that back; what the disk does not take is not noted."""
    if whole:
        _jot(_mark(settings, name), clock.now_text().encode())
    else:
        _mark(settings, name).unlink(missing_ok=True)


def _in_folder(settings: Settings, name: str) -> Kept | None:
    try:
        manifest = manifest_of(manifest_path(settings, name).read_bytes())
        size = archive_path(settings, name).stat().st_size
    except (OSError, ValueError):
        # Being made, being deleted, or not ours.
        return None
    if manifest.name != name or not NAME.fullmatch(name):
        return None
    return Kept(manifest, size, [FOLDER], _verified_at(settings, name))


def _in_bucket(settings: Settings, bucket: Bucket | None, name: str) -> Kept | None:
    """One of the bucket's; what it says of it is noted in the folder, since it never changes and takes a while."""
    if bucket is None:
        return None
    note = _note(settings, name)
    try:
        manifest, size = msgspec.json.decode(note.read_bytes(), type=tuple[Manifest, int])
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        found = bucket.find(name)
        if found is None:
            return None
        manifest, size = found
        with suppress(OSError):
            settings.snapshots.mkdir(parents=True, exist_ok=True, mode=0o700)
        _jot(note, msgspec.json.encode(found))
    return Kept(manifest, size, [], _verified_at(settings, name))


def _forget_all_but(settings: Settings, names: Iterable[str]) -> None:
    for path in settings.snapshots.glob(f"*{_NOTED}"):
        if path.stem not in names:
            path.unlink(missing_ok=True)


def _newest_first(kept: Iterable[Kept]) -> list[Kept]:
    return sorted(kept, key=lambda one: (one.manifest.made_at, one.manifest.name), reverse=True)


def _verified_at(settings: Settings, name: str) -> str | None:
    try:
        return clock.text(clock.parse(_mark(settings, name).read_text()))
    except (OSError, ValueError):
        # None, one that is being taken away, or one that a full disk cut off.
        return None


def _jot(path: Path, content: bytes) -> None:
    with suppress(OSError):
        path.touch(mode=0o600)
        path.write_bytes(content)


def _mark(settings: Settings, name: str) -> Path:
    return settings.snapshots / f"{name}.verified"


def _note(settings: Settings, name: str) -> Path:
    return settings.snapshots / f"{name}{_NOTED}"
