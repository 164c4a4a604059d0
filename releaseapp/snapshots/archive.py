"""The file of a snapshot: a tar of the pair, encrypted where a secret is set, with the manifest beside it.

It is written aside, synced, and renamed, the manifest last: what has a manifest is whole.
"""

import fcntl
import hashlib
import os
import secrets
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from releaseapp import clock
from releaseapp.errors import Busy
from releaseapp.settings import Settings
from releaseapp.snapshots import sealing, tars
from releaseapp.snapshots.models import FORMAT, Damaged, FileMark, Manifest, Unpacked
from releaseapp.workflows.file import sync_folder

WORKFLOWS = "workflows.json"
SQLITE, POSTGRES = "agents.db", "agents.dump"
COMING = ".coming-"
_WORKSHOP = ".making-"
_LOCK = "at-work"
_LEFT_SECONDS = 24 * 3600


def mark_of(path: Path) -> FileMark:
    """Size and checksum of a file."""
    with path.open("rb") as file:
        return FileMark(path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())


def archive_path(settings: Settings, name: str) -> Path:
    """Where the archive of a snapshot is."""
    return settings.snapshots / f"{name}.snapshot"


def manifest_path(settings: Settings, name: str) -> Path:
    """Where its manifest is."""
    return settings.snapshots / f"{name}.json"


@contextmanager
def written(settings: Settings) -> Iterator[None]:
    """Work on files in the folder of snapshots; raises Busy, in a sentence, for what the disk does not do."""
    try:
        yield
    except OSError as error:
        raise Busy(
            f"The snapshot could not be written to {settings.snapshots}: {error.strerror or error}."
            " Make room, or name another folder in snapshot_folder."
        ) from error


@contextmanager
def workshop(settings: Settings) -> Iterator[Path]:
    """A folder of one's own among the snapshots, on the same disk; gone at the end."""
    settings.snapshots.mkdir(parents=True, exist_ok=True, mode=0o700)
    clear_left_behind(settings.snapshots)
    with tempfile.TemporaryDirectory(prefix=_WORKSHOP, dir=settings.snapshots) as folder, _at_work(Path(folder)):
        yield Path(folder)


def pack(settings: Settings, manifest: Manifest, folder: Path) -> int:
    """Makes the archive of the files in ``folder``, then its manifest; gives the archive's size.

    Raises OSError when the disk takes no more; then neither is there.
    """
    plain = folder / "archive.tar"
    with tarfile.open(plain, "w") as tar:
        for name in manifest.files:
            tar.add(folder / name, arcname=name, filter=_nobodys)
    ready = plain
    if settings.snapshot_secret:
        ready = folder / "archive.sealed"
        with plain.open("rb") as source, ready.open("xb") as target:
            sealing.seal(source, target, settings.snapshot_secret)
        plain.unlink()
    return put_on_shelf(settings, manifest, ready)


def put_on_shelf(settings: Settings, manifest: Manifest, ready: Path) -> int:
    """Moves an archive to its place, then its manifest; gives the archive's size. Raises as :func:`pack`."""
    size = ready.stat().st_size
    _put(ready, archive_path(settings, manifest.name))
    try:
        write_manifest(settings, manifest)
    except OSError:
        archive_path(settings, manifest.name).unlink(missing_ok=True)
        raise
    return size


def write_manifest(settings: Settings, manifest: Manifest) -> None:
    """Puts the manifest beside the archive."""
    draft = settings.snapshots / f".{manifest.name}.{secrets.token_hex(4)}"
    try:
        draft.write_bytes(msgspec.json.format(msgspec.json.encode(manifest)) + b"\n")
        _put(draft, manifest_path(settings, manifest.name))
    finally:
        draft.unlink(missing_ok=True)


def unpack(settings: Settings, manifest: Manifest, archive: Path, folder: Path) -> Unpacked:
    """The files of ``archive`` in ``folder``, each held against the manifest; raises Damaged, Busy for a full disk."""
    if manifest.format > FORMAT:
        raise Damaged(f"Snapshot {manifest.name} has the form {manifest.format}, which only a newer version can read.")
    database = POSTGRES if settings.on_postgres else SQLITE
    if manifest.files.keys() != {database, WORKFLOWS}:
        raise Damaged(
            f"Snapshot {manifest.name} is of a server on {manifest.engine}, and holds other files than this one needs."
        )
    with tars.refused(f"snapshot {manifest.name}", settings.snapshots):
        plain = _opened_plain(settings, archive, folder)
        with tars.opened(plain) as (tar, members):
            if members.keys() != manifest.files.keys():
                raise Damaged(f"Snapshot {manifest.name} does not hold what its manifest names.")
            for name, member in members.items():
                tars.put(tar, member, folder / name)
    if plain != archive:
        plain.unlink()
    for name, expected in manifest.files.items():
        if mark_of(folder / name) != expected:
            raise Damaged(f"Snapshot {manifest.name} is damaged: {name} is not what its manifest says.")
    return Unpacked(folder, manifest, folder / database, folder / WORKFLOWS)


def clear_left_behind(folder: Path) -> None:
    """What processes left that died, and what came to no end for a day: uploads, archives without a manifest."""
    border = clock.now().timestamp() - _LEFT_SECONDS
    lone = (path for path in folder.glob("*.snapshot") if not path.with_suffix(".json").exists())
    for path in [*folder.glob(f"{_WORKSHOP}*"), *folder.glob(f"{COMING}*"), *lone]:
        with suppress(FileNotFoundError):
            if path.stat().st_mtime >= border and not _is_deserted(path):
                continue
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink()


@contextmanager
def _at_work(folder: Path) -> Iterator[None]:
    """A lock in the folder, which the kernel lets go of when its process dies: plain data shall not lie there then."""
    draft = folder / f"{_LOCK}.draft"
    with draft.open("xb") as file:
        with suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX)
            # It gets its name once it is held. Where there are no such locks, what is left goes after a day.
            draft.rename(folder / _LOCK)
        yield


def _is_deserted(path: Path) -> bool:
    try:
        with (path / _LOCK).open("r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _opened_plain(settings: Settings, archive: Path, folder: Path) -> Path:
    with archive.open("rb") as source:
        if not sealing.is_sealed(source):
            return archive
        plain = folder / "archive.tar"
        with plain.open("xb") as target:
            sealing.unseal(source, target, (settings.snapshot_secret, settings.snapshot_secret_previous))
    return plain


def _nobodys(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mode = 0o600
    return entry


def _put(source: Path, target: Path) -> None:
    source.chmod(0o600)
    with source.open("rb") as file:
        os.fsync(file.fileno())
    source.replace(target)
    sync_folder(target.parent)
