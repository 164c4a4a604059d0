"""Reads tars that anybody may have written: two plain files each, and no memory or disk beyond what they hold."""

import errno
import io
import tarfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from releaseapp.errors import Busy
from releaseapp.snapshots.models import Damaged

BLOCK_BYTES = 1_048_576
_MEMBERS = 2
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class _Bounded(io.FileIO):
    """A file that is read by blocks: the head of a tar may claim to be of gigabytes, and would be read as a whole."""

    def read(self, size: int | None = -1, /) -> bytes:
        """Raises tarfile.ReadError for more than a block."""
        if size is None or not 0 <= size <= BLOCK_BYTES:
            raise tarfile.ReadError("its heads are too large")
        return super().read(size) or b""


@contextmanager
def opened(path: Path) -> Iterator[tuple[tarfile.TarFile, dict[str, tarfile.TarInfo]]]:
    """The tar and its members by their names; raises tarfile.TarError for one that is none, or holds other things."""
    with ExitStack() as stack:
        file = stack.enter_context(_Bounded(path))
        try:
            tar = stack.enter_context(tarfile.open(fileobj=file, mode="r:"))
            members = _members_of(tar)
        except RecursionError as error:
            # Heads of heads: each is read within the one before.
            raise tarfile.ReadError("its heads have no end") from error
        yield tar, members


def _members_of(tar: tarfile.TarFile) -> dict[str, tarfile.TarInfo]:
    members: dict[str, tarfile.TarInfo] = {}
    while (member := tar.next()) is not None:
        # A hole of terabytes takes no room in a tar, and all of it where it is unpacked.
        if not member.isreg() or member.issparse() or member.name in members or len(members) == _MEMBERS:
            raise tarfile.ReadError("it holds something else")
        members[member.name] = member
    return members


def put(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    """Writes a member to a new file; raises tarfile.TarError, OSError."""
    source = tar.extractfile(member)
    with target.open("xb") as file:
        while source is not None and (block := source.read(BLOCK_BYTES)):
            file.write(block)
    if target.stat().st_size != member.size:
        raise tarfile.ReadError("it was cut off")


@contextmanager
def refused(what: str, folder: Path) -> Iterator[None]:
    """What goes wrong while ``what`` is unpacked in ``folder``: Damaged, or Busy for a full disk, in sentences."""
    try:
        yield
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise Damaged(f"{what} is no archive any more: it was changed or cut off.") from error
    except OSError as error:
        if error.errno in _FULL:
            raise Busy(
                f"There is no room to open {what} in {folder}: {error.strerror}."
                " Make room, or name another folder in snapshot_folder."
            ) from error
        raise Damaged(f"{what} cannot be read: {error.strerror or error}.") from error
