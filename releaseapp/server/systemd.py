"""What systemd and its kin agree on with a service: a socket that is open already, and being told how it goes."""

import os
import socket
from contextlib import suppress

from releaseapp.errors import SettingsError

_FIRST = 3


def activated_socket() -> socket.socket | None:
    """The listening socket that this process was started with (``LISTEN_FDS``), None without one.

    Raises SettingsError when it is not one of TCP.
    """
    if os.environ.get("LISTEN_PID") != str(os.getpid()) or os.environ.get("LISTEN_FDS", "0") == "0":
        return None
    for name in ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"):
        os.environ.pop(name, None)
    try:
        sock = socket.socket(fileno=_FIRST)
    except OSError as error:
        raise SettingsError("LISTEN_FDS: what this server is given is no socket.") from error
    if sock.family not in {socket.AF_INET, socket.AF_INET6} or sock.type != socket.SOCK_STREAM:
        raise SettingsError("LISTEN_FDS: the socket that this server is given must be one of TCP.")
    sock.set_inheritable(False)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setblocking(False)  # noqa: FBT003 - the standard library's signature
    return sock


def notify(*lines: str) -> None:
    """Tells the supervisor (``NOTIFY_SOCKET``), if there is one that listens."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        # A name that begins with @ stands in no folder.
        sock.connect("\0" + address[1:] if address.startswith("@") else address)
        sock.send("\n".join(lines).encode())
