"""One file in which a snapshot travels: a tar of its manifest and its archive, named as they lie in the folder."""

import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from releaseapp.snapshots import tars
from releaseapp.snapshots.models import NAME, Damaged, Manifest, manifest_of

_LARGEST_MANIFEST = 1_048_576
_NOT_ONE = "This is no snapshot that was downloaded or exported: a tar of a manifest and its archive."


class Carried:
    """The bytes of that file, in parts; its ``length`` is known before the first."""

    def __init__(self, manifest: Manifest, size: int, parts: Iterable[bytes]) -> None:
        """``parts`` are those of the archive, ``size`` bytes together."""
        content = msgspec.json.format(msgspec.json.encode(manifest)) + b"\n"
        self.filename = f"{manifest.name}.tar"
        self._before = _head(f"{manifest.name}.json", len(content)) + content + _filling(len(content))
        self._before += _head(f"{manifest.name}.snapshot", size)
        self._after = _filling(size) + bytes(2 * tarfile.BLOCKSIZE)
        self._parts = parts
        self.length = len(self._before) + size + len(self._after)

    def __iter__(self) -> Iterator[bytes]:
        yield self._before
        yield from self._parts
        yield self._after

    def close(self) -> None:
        """Lets go of where the archive is read from."""
        close = getattr(self._parts, "close", None)
        if close is not None:
            close()


class Blocks:
    """What is in a file, block by block; it is open from the beginning, so that it may be deleted meanwhile."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")

    def __iter__(self) -> Iterator[bytes]:
        while block := self._file.read(tars.BLOCK_BYTES):
            yield block

    def close(self) -> None:
        """Closes the file."""
        self._file.close()


def unload(carried: Path, folder: Path) -> tuple[Manifest, Path]:
    """The manifest of a file that :class:`Carried` wrote, and its archive, put into ``folder``.

    Raises Damaged when it is no such file, Busy for a full disk.
    """
    try:
        with tars.opened(carried) as (tar, members):
            manifest = _manifest_of(tar, members)
            archive = folder / "carried.snapshot"
            with tars.refused(f"snapshot {manifest.name}", folder.parent):
                tars.put(tar, members[f"{manifest.name}.snapshot"], archive)
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise Damaged(_NOT_ONE) from error
    return manifest, archive


def _manifest_of(tar: tarfile.TarFile, members: dict[str, tarfile.TarInfo]) -> Manifest:
    member = next((one for name, one in members.items() if name.endswith(".json")), None)
    source = tar.extractfile(member) if member is not None and member.size <= _LARGEST_MANIFEST else None
    if source is None:
        raise Damaged(_NOT_ONE)
    try:
        manifest = manifest_of(source.read())
    except ValueError as error:
        raise Damaged(f"The manifest of this snapshot cannot be read: {error}.") from error
    name = manifest.name
    if not NAME.fullmatch(name) or members.keys() != {f"{name}.json", f"{name}.snapshot"}:
        raise Damaged(_NOT_ONE)
    return manifest


def _head(name: str, size: int) -> bytes:
    member = tarfile.TarInfo(name)
    member.size = size
    member.mode = 0o600
    # GNU's form takes files of more than 8 GiB.
    return member.tobuf(tarfile.GNU_FORMAT)


def _filling(size: int) -> bytes:
    return bytes(-size % tarfile.BLOCKSIZE)
