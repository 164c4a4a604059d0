"""Files of snapshots on their way in, part by part: who is interrupted goes on where it stopped.

Each is one file among the snapshots, which grows; how long it shall become is in its name.
"""

import fcntl
import os
import shutil
from contextlib import suppress
from io import FileIO
from pathlib import Path

import msgspec

from releaseapp import clock
from releaseapp.errors import Busy, Conflict, Invalid, NotFound
from releaseapp.settings import Settings
from releaseapp.snapshots.archive import COMING, clear_left_behind, written

_ROOM = 3
"""The file, its archive, and what is in that: all lie on the disk before the file goes."""
_MOST = 4
_NONE = "There is no such upload; what is left lying goes after a day."


class Upload(msgspec.Struct, frozen=True):
    """A file on its way: ``length`` bytes it shall have, of which ``offset`` are here."""

    id: str
    length: int
    offset: int

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing."""
        return self.offset == self.length


def begin_upload(settings: Settings, length: int) -> Upload:
    """Makes place for a file; raises Invalid, Conflict for too many at a time, Busy when there is no room for it."""
    if length < 1:
        raise Invalid.at("/Upload-Length", "Say in Upload-Length how many bytes the file has.")
    folder = settings.snapshots
    with written(settings):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        clear_left_behind(folder)
    if len(list_uploads(settings)) >= _MOST:
        raise Conflict(f"{_MOST} uploads are under way. End one, or wait: what is left lying goes after a day.")
    free = shutil.disk_usage(folder).free
    if length * _ROOM > free:
        raise Busy(
            f"A file of {length:,} bytes needs room for {length * _ROOM:,} in {folder}, and {free:,} are free."
            " Make room, or name another folder in snapshot_folder."
        )
    upload = Upload(clock.new_id("upl"), length, 0)
    with written(settings):
        _place(settings, upload).touch(mode=0o600, exist_ok=False)
    return upload


def list_uploads(settings: Settings) -> list[Upload]:
    """Those under way, oldest first."""
    found = []
    for path in sorted(settings.snapshots.glob(f"{COMING}*")):
        upload_id, _, length = path.name.removeprefix(COMING).rpartition("-")
        with suppress(FileNotFoundError):
            found.append(Upload(upload_id, int(length), path.stat().st_size))
    return found


def find_upload(settings: Settings, upload_id: str) -> Upload:
    """An upload and how far it is; raises NotFound."""
    for upload in list_uploads(settings):
        if upload.id == upload_id:
            return upload
    raise NotFound(_NONE)


def append_part(settings: Settings, upload_id: str, offset: int, part: bytes) -> Upload:
    """Writes the next part, which begins at ``offset``.

    Raises NotFound, Conflict for another place than where the file ends, Invalid for more than was announced, and Busy
    when the disk takes no more; nothing of the part is there then.
    """
    upload = find_upload(settings, upload_id)
    with _opened(settings, upload) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        end = file.seek(0, os.SEEK_END)
        if offset != end:
            raise Conflict(f"The file goes on at {end:,}, not at {offset:,}.", offset=end)
        if offset + len(part) > upload.length:
            raise Invalid.at("", f"The file was announced with {upload.length:,} bytes, and these are more.")
        rest = memoryview(part)
        try:
            while rest:
                rest = rest[file.write(rest) :]
        except OSError as error:
            file.truncate(offset)
            raise Busy(f"The disk of {settings.snapshots} takes no more: {error.strerror}. Make room.") from error
    return msgspec.structs.replace(upload, offset=offset + len(part))


def file_of(settings: Settings, upload_id: str) -> Path:
    """The file, once it is whole; raises NotFound, Conflict."""
    upload = find_upload(settings, upload_id)
    if not upload.is_whole:
        raise Conflict(f"{upload.offset:,} of {upload.length:,} bytes are here; send the rest first.")
    return _place(settings, upload)


def end_upload(settings: Settings, upload_id: str) -> None:
    """Deletes what is here of it; raises NotFound."""
    _place(settings, find_upload(settings, upload_id)).unlink(missing_ok=True)


def _opened(settings: Settings, upload: Upload) -> FileIO:
    try:
        return _place(settings, upload).open("r+b", buffering=0)
    except FileNotFoundError as error:
        # It was ended since it was found.
        raise NotFound(_NONE) from error


def _place(settings: Settings, upload: Upload) -> Path:
    return settings.snapshots / f"{COMING}{upload.id}-{upload.length}"
