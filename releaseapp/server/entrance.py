"""Where a server comes by its listening socket: from the process before it, from systemd, or by listening itself."""

import logging
import socket
from dataclasses import dataclass
from pathlib import Path

from releaseapp.errors import SettingsError
from releaseapp.live.http.server import listen
from releaseapp.server import control
from releaseapp.server.handover import Predecessor, find_predecessor
from releaseapp.server.options import Options
from releaseapp.server.systemd import activated_socket
from releaseapp.settings import Settings

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Entrance:
    """``path``: where the socket is offered to the next process; None when it is not.

    ``shared``: others go on to listen at the address when this server stops.
    """

    sock: socket.socket
    predecessor: Predecessor | None
    path: Path | None
    shared: bool


def open_entrance(options: Options, settings: Settings) -> Entrance:
    """Comes by a listening socket; raises SettingsError when there is none to be had."""
    activated = activated_socket()
    if activated is not None:
        return Entrance(activated, None, None, shared=True)
    path = None
    if options.hand_over and options.port and control.AVAILABLE:
        path = control.path_of(settings, options.host, options.port)
        predecessor = find_predecessor(path)
        if predecessor is not None:
            predecessor.listener.setblocking(False)  # noqa: FBT003 - the standard library's signature
            return Entrance(predecessor.listener, predecessor, path, shared=False)
    return Entrance(_listen(options), None, path, shared=options.reuse_port)


def _listen(options: Options) -> socket.socket:
    try:
        return listen(options.host, options.port, reuse_port=options.reuse_port)
    except OSError as error:
        raise SettingsError(f"[server]: cannot listen at {options.host}:{options.port}: {error.strerror}.") from error
