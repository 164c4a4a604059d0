"""The JSON file that holds workflows: torn never, lost never, silently replaced never.

A write locks the file's neighbour, reads again what another process may have
written, changes a copy, writes it beside the file, syncs it, and renames it into
place. Readers share one parsed copy until the file on disk is another one. A
file that cannot be read is never touched: the last good state is still served,
and writes are refused with the reason.
"""

import os
import secrets
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import msgspec
from filelock import FileLock, Timeout

from releaseapp.errors import Busy, Conflict
from releaseapp.workflows.models import Workflow

SCHEMA = 1
_LOCK_SECONDS = 10.0

T = TypeVar("T")


class Document(msgspec.Struct, frozen=True):
    """The file: ``schema`` says how to read it, ``revision`` grows by one with every write."""

    schema: int
    revision: int
    workflows: list[Workflow]


class _Head(msgspec.Struct, frozen=True):
    schema: int


_Mark = tuple[int, int, int]


class WorkflowFile:
    """The file at ``path``, shared by the threads of this process and by other processes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._turn = threading.Lock()
        self._lock = FileLock(f"{path}.lock", thread_local=False)
        self._copy: Document | None = None
        self._mark: _Mark | None = None
        self._fault: str | None = None

    def ensure(self) -> None:
        """Makes an empty file when there is none; of several processes that start at once, one wins."""
        if self.path.exists():
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._write_beside(Document(SCHEMA, 0, []))
        with suppress(FileExistsError):
            self.path.hardlink_to(draft)
        draft.unlink()

    @property
    def fault(self) -> str | None:
        """Why the file cannot be used as it is now, as a sentence; None when it can."""
        self._look()
        if self._fault is None and not os.access(self.path, os.W_OK):
            return f"{self.path} is read-only."
        return self._fault

    def read(self) -> Document:
        """The present state, or the last good one while the file is broken; raises Busy when there never was one."""
        self._look()
        if self._copy is None:
            raise Busy(f"Workflows cannot be read: {self._fault}")
        return self._copy

    def change(self, apply: Callable[[Document], tuple[Document, T]]) -> T:
        """Has ``apply`` turn the newest state into another, and keeps that; gives what else ``apply`` returns.

        Raises Conflict when the file is broken (nothing is overwritten), Busy
        when the turn does not come in time or the disk takes no more, and
        whatever ``apply`` raises; in each case the file is as it was.
        """
        with self.held():
            if self._fault is not None or self._copy is None:
                raise Conflict(f"Workflows cannot be changed now: {self._fault}")
            before = self._copy
            after, result = apply(before)
            document = msgspec.structs.replace(after, revision=before.revision + 1)
            self.put_in_place(self.lay_ready(document), document)
            return result

    @contextmanager
    def held(self) -> Iterator[None]:
        """Nobody else writes the file while the block lasts; what is on disk has been read when it begins.

        Raises Busy when the turn does not come in time.
        """
        with self._turn:
            try:
                self._lock.acquire(timeout=_LOCK_SECONDS)
            except Timeout as error:
                raise Busy("Another process has been writing workflows for long; try again.") from error
            try:
                self._look()
                yield
            finally:
                self._lock.release()

    @property
    def revision(self) -> int:
        """The revision of the newest state that could be read; 0 when there never was one."""
        return self._copy.revision if self._copy is not None else 0

    def lay_ready(self, document: Document) -> Path:
        """Writes a whole document beside the file, safe on disk; for who holds the file. Raises Busy on a full disk."""
        try:
            return self._write_beside(document)
        except OSError as error:
            raise _unwritten(error) from error

    def put_in_place(self, draft: Path, document: Document) -> None:
        """What was laid ready becomes the file, whatever the file was before; for who holds it. Raises Busy."""
        try:
            try:
                draft.replace(self.path)
            except OSError:
                draft.unlink(missing_ok=True)
                raise
            sync_folder(self.path.parent)
        except OSError as error:
            raise _unwritten(error) from error
        self._copy, self._mark, self._fault = document, _mark(self.path), None

    def _look(self) -> None:
        """Takes up what is on disk, when it is not what was read last."""
        mark = _mark(self.path)
        if mark is not None and mark == self._mark:
            return
        try:
            self._copy, self._fault = self._parse(), None
        except _Unreadable as error:
            self._fault = str(error)
        # Last: who finds the mark as it is on disk may rely on the copy.
        self._mark = mark

    def _parse(self) -> Document:
        try:
            text = self.path.read_bytes()
            head = msgspec.json.decode(text, type=_Head)
            if head.schema > SCHEMA:
                raise _Unreadable(
                    f"{self.path} was written by a newer version (schema {head.schema}); this one reads up to {SCHEMA}."
                )
            return msgspec.json.decode(text, type=Document)
        except OSError as error:
            raise _Unreadable(f"{self.path} cannot be read: {error.strerror}.") from error
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise _Unreadable(f"{self.path} is not a workflow file: {error}.") from error

    def _mode(self) -> int:
        """Who may read the file: whom the operator lets; nobody else to begin with."""
        try:
            return stat.S_IMODE(self.path.stat().st_mode)
        except FileNotFoundError:
            return 0o600

    def _write_beside(self, document: Document) -> Path:
        draft = self.path.with_name(f".{self.path.name}.{secrets.token_hex(8)}")
        try:
            with draft.open("xb") as file:
                os.fchmod(file.fileno(), self._mode())
                file.write(msgspec.json.encode(document))
                file.write(b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            draft.unlink(missing_ok=True)
            raise
        return draft


def _unwritten(error: OSError) -> Busy:
    return Busy(f"Workflows could not be written: {error.strerror}. Nothing was changed.")


class _Unreadable(Exception):
    """The file on disk cannot be used; the text says why."""


def _mark(path: Path) -> _Mark | None:
    """Changes when the file is another one, or was written to."""
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_ino, state.st_size, state.st_mtime_ns


def sync_folder(folder: Path) -> None:
    """Makes renames in a folder last: without this a power cut could bring back the file before."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
