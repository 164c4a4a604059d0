"""One live connection's way out: writes at once when it can, keeps what must wait, never blocks the hub."""

import ctypes
import errno
import os
import socket
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from gevent.hub import get_hub

from releaseapp import clock
from releaseapp.live.protocol import Close, close_frame
from releaseapp.workspaces.models import Identity

_WRITABLE = 2
_FLAGS = socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL
_DROP_PATIENCE = 10.0
_AGAIN = {errno.EAGAIN, errno.EWOULDBLOCK, errno.EINTR, errno.ENOBUFS}

Send = Callable[[int, bytes], int]
"""Writes what fits, by file descriptor, without waiting; returns how much that was; raises OSError."""


def make_send() -> Send:
    """A send that keeps the interpreter's lock.

    Python's own gives it away for every call. A thread that computes then takes
    it and keeps it for a switch interval (5 ms), so that telling 1,000 sockets
    beside one busy thread takes 5 seconds; with this one it takes 25 ms.
    """
    libc = ctypes.PyDLL(None, use_errno=True)
    raw = libc.send
    raw.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int)
    raw.restype = ctypes.c_ssize_t

    def send(fd: int, data: bytes) -> int:
        sent: int = raw(fd, data, len(data), _FLAGS)
        if sent >= 0:
            return sent
        code = ctypes.get_errno()
        if code in _AGAIN:
            return 0
        raise OSError(code, os.strerror(code))

    return send


class Connection:
    """A socket with its outbox and its identity. Belongs to the hub's thread.

    ``code`` is why it ends, None while it does not; ``deadline`` when it is cut
    off then; ``heard_at`` and ``told_at`` when something last came in and went out;
    ``greeted`` whether hello was said; ``position`` the event up to which it was
    told, while it catches up; ``strikes`` how often it could not be understood;
    ``on_end`` is called once, when it begins to end.
    """

    __slots__ = (
        "_fd",
        "_limit",
        "_send",
        "_socket",
        "_waiting",
        "_watcher",
        "code",
        "deadline",
        "drained",
        "expires_at",
        "greeted",
        "half_closed",
        "heard_at",
        "identity",
        "on_end",
        "outbox",
        "pinged_at",
        "position",
        "since",
        "strikes",
        "told_at",
    )

    def __init__(self, sock: Any, send: Send, identity: Identity, limit: int) -> None:
        """``sock`` is the bare socket, non-blocking; ``limit`` is how many frames may wait."""
        self._socket = sock
        self._fd = sock.fileno()
        self._send = send
        self._limit = limit
        self._waiting = 0
        self._watcher = get_hub().loop.io(self._fd, _WRITABLE)
        self.outbox: deque[tuple[bytes, int]] = deque()
        self.identity = identity
        self.expires_at = ""
        self.since: int | None = None
        self.position = 0
        self.greeted = False
        self.strikes = 0
        self.code: int | None = None
        self.half_closed = False
        self.deadline = 0.0
        self.drained: Callable[[], None] | None = None
        self.on_end: Callable[[], None] | None = None
        self.heard_at = self.told_at = self.pinged_at = clock.monotonic()

    def write(self, data: bytes, frames: int = 1) -> bool:
        """Sends frames or has them wait; False when the connection is ending, maybe because it reads too slowly."""
        if self.code is not None:
            return False
        if not self.outbox:
            try:
                sent = self._send(self._fd, data)
            except OSError:
                self.cut()
                return False
            if sent == len(data):
                return True
            frames = _left(frames, data, sent)
            data = data[sent:]
            self._watcher.start(self._flush)
        self.outbox.append((data, frames))
        self._waiting += frames
        if self._waiting <= self._limit:
            return True
        self._drop()
        return False

    @property
    def waiting(self) -> int:
        """How many frames wait for the client to read."""
        return self._waiting

    def end(self, code: int, reason: str, *, patience: float, deaf: bool = False) -> None:
        """Says goodbye after what waits already; cut off after ``patience`` seconds without an answer.

        ``deaf``: nothing more is read, so the sending side is shut at once.
        """
        if self.code is not None:
            return
        self._begin_to_end(code)
        self.half_closed = deaf
        self.deadline = clock.monotonic() + patience
        self.outbox.append((close_frame(code, reason), 0))
        self._flush()

    def cut(self) -> None:
        """Ends without a word; the greenlet that reads it wakes up."""
        if self.code is None:
            self._begin_to_end(Close.VANISHED)
        self._shut(socket.SHUT_RDWR)

    def finish(self) -> None:
        """Lets go of the hub and of the socket, which may be closed afterwards.

        Nothing may be written from here on: the number of the file soon belongs to somebody else.
        """
        if self.code is None:
            self._begin_to_end(Close.VANISHED)
        self._watcher.stop()
        self._watcher.close()
        self.outbox.clear()

    def _begin_to_end(self, code: int) -> None:
        self.code = code
        if self.on_end is not None:
            self.on_end()

    def _drop(self) -> None:
        # What is half sent must be sent to its end, or the goodbye cannot be told from its rest.
        begun = self.outbox[0][0]
        self.outbox.clear()
        self.outbox.append((begun, 0))
        self._waiting = 0
        self.end(Close.TOO_SLOW, "Too slow; come back with since.", patience=_DROP_PATIENCE)

    def _flush(self) -> None:
        try:
            while self.outbox:
                data, frames = self.outbox[0]
                sent = self._send(self._fd, data)
                if sent < len(data):
                    left = _left(frames, data, sent)
                    self._waiting -= frames - left
                    self.outbox[0] = (data[sent:], left)
                    self._watcher.start(self._flush)
                    return
                self.outbox.popleft()
                self._waiting -= frames
        except OSError:
            self.cut()
            return
        self._watcher.stop()
        if self.half_closed:
            self._shut(socket.SHUT_WR)
        if self.drained is not None:
            self.drained()

    def _shut(self, how: int) -> None:
        with suppress(OSError):
            self._socket.shutdown(how)


def _left(frames: int, data: bytes, sent: int) -> int:
    """How many of the frames in ``data`` still wait when ``sent`` bytes of it are gone: roughly, never too few."""
    return frames - frames * sent // len(data)
