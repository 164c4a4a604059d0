"""The control socket: how two processes of the same server find each other, and what they say on it.

A UNIX domain socket beside the database, for this user alone. Each message is a line of JSON, some with a file
descriptor beside it (SCM_RIGHTS); the two sides speak in turns.
"""

import array
import os
import socket
import struct
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import msgspec
from gevent.socket import socket as GreenSocket  # noqa: N812 - a class, whatever its name

from releaseapp.settings import Settings

_RECEIVE_BYTES = 65_536
_LONGEST_LINE = 1_000_000
_LONGEST_PATH = 100
_CREDENTIALS = struct.Struct("3i")
AVAILABLE: Final = hasattr(socket, "SO_PEERCRED")
"""Whether this system tells who is at the other end; without that nothing is handed over."""


class Gone(Exception):
    """The other side has gone, or says what nobody understands."""


class Line:
    """One end of a conversation."""

    def __init__(self, sock: Any) -> None:
        self._sock = sock
        self._pending = b""

    def say(self, *descriptors: int, **fields: Any) -> None:
        """Sends a message, and copies of file descriptors with it; raises Gone."""
        data = msgspec.json.encode(fields) + b"\n"
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))] if descriptors else []
        try:
            sent = self._sock.sendmsg([data], rights)
            if sent < len(data):
                self._sock.sendall(data[sent:])
        except OSError as error:
            raise Gone from error

    def hear(self, seconds: float | None = None) -> tuple[dict[str, Any], list[int]]:
        """Waits for a message and the file descriptors that came with it; raises Gone, also when it takes too long."""
        descriptors: list[int] = []
        try:
            self._sock.settimeout(seconds)
            while b"\n" not in self._pending:
                data, come, _, _ = socket.recv_fds(self._sock, _RECEIVE_BYTES, 4, socket.MSG_CMSG_CLOEXEC)
                descriptors += come
                self._pending += data
                if not data or len(self._pending) > _LONGEST_LINE:
                    raise Gone  # noqa: TRY301 - it is let out below like every other end
            line, _, self._pending = self._pending.partition(b"\n")
            return msgspec.json.decode(line, type=dict[str, Any]), descriptors
        except (OSError, Gone, msgspec.MsgspecError) as error:
            for one in descriptors:
                os.close(one)
            raise Gone from error

    def close(self) -> None:
        """Ends the conversation."""
        self._sock.close()


def path_of(settings: Settings, host: str, port: int) -> Path:
    """Where the server at this address, over this database, has its control socket."""
    name = f"server-{host.replace(':', '_').replace('/', '_')}-{port}.sock"
    return settings.data_folder / name


def network() -> str:
    """Names the network that this process lives in: a socket of another one (a container's) is of no use here."""
    try:
        return str(Path("/proc/self/ns/net").readlink())
    except OSError:
        return ""


def dial(path: Path, seconds: float) -> Line | None:
    """A conversation with whoever listens there; None when nobody does, or somebody who is not this user."""
    sock = GreenSocket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.settimeout(seconds)
    try:
        with _Reachable(path) as address:
            sock.connect(address)
        if is_this_user(sock):
            return Line(sock)
    except OSError:
        pass
    sock.close()
    return None


def listen_at(path: Path) -> Any:
    """A control socket at the path, in the place of one that was there; raises OSError."""
    aside = path.with_name(f"{path.name}.{os.getpid()}")
    sock = GreenSocket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with suppress(FileNotFoundError):
            aside.unlink()
        with _Reachable(aside) as address:
            sock.bind(address)
        # Nobody can connect before it listens.
        aside.chmod(0o600)
        sock.listen(8)
        aside.replace(path)
    except OSError:
        sock.close()
        with suppress(OSError):
            aside.unlink()
        raise
    return sock


def is_this_user(sock: Any) -> bool:
    """Whether the process at the other end belongs to the user that this one belongs to."""
    told = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, user, _ = _CREDENTIALS.unpack(told)
    return bool(user == os.geteuid())


class _Reachable:
    """A path as the address of a socket, for which the kernel has room for 107 bytes only."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._folder: int | None = None

    def __enter__(self) -> str:
        if len(os.fsencode(self._path)) <= _LONGEST_PATH:
            return str(self._path)
        self._folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        return f"/proc/self/fd/{self._folder}/{self._path.name}"

    def __exit__(self, *_error: object) -> None:
        if self._folder is not None:
            os.close(self._folder)
