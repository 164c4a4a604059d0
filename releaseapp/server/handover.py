"""Handing a server over from one process to the next, so that no request fails.

The new process asks the old one for its listening socket, the very same one, so that no connection that waits in its
queue is lost. Once it answers requests it says so; only then does the old one stop to accept, give away the connections
that have no request in hand, and leave. Whatever goes wrong before that, the old one goes on as if nothing had been.
"""

import base64
import binascii
import logging
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import gevent
from gevent.lock import BoundedSemaphore

import releaseapp
from releaseapp.errors import SettingsError
from releaseapp.server.control import Gone, Line, dial, is_this_user, listen_at, network

log = logging.getLogger(__name__)

_PROTOCOL = 1
_ANSWER_SECONDS = 5.0
_READY_SECONDS = 60.0

Adopt = Callable[[int, Any, bytes], None]
"""Goes on with a connection: its file descriptor, the client's address, what was read of its next request."""


class Predecessor:
    """The old process, as the new one sees it. ``listener`` is the socket that both listen on."""

    def __init__(self, line: Line, listener: socket.socket, process: int) -> None:
        self._line = line
        self.listener = listener
        self.process = process

    def take_over(self, adopt: Adopt) -> None:
        """Says that this process answers requests; then adopts connections until the old one has left."""
        count = 0
        try:
            self._line.say(ready=True)
            while True:
                told, descriptors = self._line.hear()
                adopt(descriptors[0], _address(told["client"]), base64.b64decode(told["pending"]))
                count += 1
                self._line.say(taken=True)
        except (Gone, KeyError, IndexError, binascii.Error):
            log.info("process %s has left; %s of its connections came over", self.process, count)
        except OSError as error:
            log.warning("no more connections of process %s can come over: %s", self.process, error)
        finally:
            self._line.close()

    def close(self) -> None:
        """Gives up before taking over: the old process goes on."""
        self._line.close()
        self.listener.close()


def find_predecessor(path: Path) -> Predecessor | None:
    """The process that serves at this address over this database, ready to be taken over; None when there is none.

    Raises SettingsError when it is being taken over already.
    """
    line = dial(path, _ANSWER_SECONDS)
    if line is None:
        return None
    try:
        line.say(protocol=_PROTOCOL, process=os.getpid(), network=network(), version=releaseapp.__version__)
        told, descriptors = line.hear(_ANSWER_SECONDS)
    except Gone:
        line.close()
        return None
    if descriptors:
        listener = socket.socket(fileno=descriptors[0])
        log.info("process %s hands over its socket", told.get("process"))
        return Predecessor(line, listener, int(told.get("process", 0)))
    line.close()
    if told.get("taken_by"):
        raise SettingsError(f"[server]: process {told['taken_by']} is just taking over this address; this one ends.")
    log.warning("process %s hands nothing over: %s", told.get("process"), told.get("refused"))
    return None


class Successor:
    """The new process, as the old one sees it."""

    def __init__(self, line: Line, process: int) -> None:
        self._line = line
        self._turn = BoundedSemaphore()
        self._there = True
        self.process = process

    def take(self, sock: Any, client: Any, pending: bytes) -> bool:
        """Gives a connection away; False when nobody is there to take it, so that it stays here."""
        with self._turn:
            if not self._there:
                return False
            try:
                self._line.say(sock.fileno(), client=list(client), pending=base64.b64encode(pending).decode())
            except Gone:
                self._there = False
                return False
            # Without an answer it may have the connection all the same: whatever comes there is not ours to read.
            with suppress(Gone):
                self._line.hear(_ANSWER_SECONDS)
                return True
            self._there = False
            return True

    def close(self) -> None:
        """Says that this process has left."""
        self._line.close()


class Offer:
    """What a running server offers: its socket, to the first process that asks."""

    def __init__(self, path: Path, listener: Any, leave: Callable[[Successor], None]) -> None:
        """``leave`` is called once, when a successor answers requests; raises OSError when the path cannot be used."""
        self._path = path
        self._listener = listener
        self._leave = leave
        self._taker = 0
        self._open()

    def close(self) -> None:
        """Offers nothing any more. The path is left alone when it is another process's by now."""
        self._greenlet.kill()
        self._sock.close()
        with suppress(OSError):
            if self._is_at_path():
                self._path.unlink()

    def _open(self) -> None:
        self._sock = listen_at(self._path)
        self._inode = self._path.stat().st_ino
        self._greenlet = gevent.spawn(self._accept, self._sock)

    def _is_at_path(self) -> bool:
        return self._path.stat().st_ino == self._inode

    def _come_back(self) -> None:
        """Takes the path back from a process that had put its own socket there, and is gone."""
        try:
            with suppress(FileNotFoundError):
                if self._is_at_path():
                    return
            self._greenlet.kill()
            self._sock.close()
            self._open()
        except OSError as error:
            log.warning("no other process will be able to take over, for %s: %s", self._path, error.strerror)

    def _accept(self, listener: Any) -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                gevent.sleep(0.1)
                continue
            if is_this_user(sock):
                gevent.spawn(self._talk, Line(sock))
            else:
                sock.close()

    def _talk(self, line: Line) -> None:
        try:
            asked, _ = line.hear(_ANSWER_SECONDS)
            process = int(asked.get("process", 0))
            refusal = self._refusal(asked)
            if refusal:
                line.say(process=os.getpid(), **refusal)
        except (Gone, TypeError, ValueError):
            line.close()
            return
        if refusal:
            line.close()
            return
        self._taker = process
        try:
            self._hand_over(line, process, str(asked.get("version", "")))
        finally:
            self._taker = 0

    def _refusal(self, asked: dict[str, Any]) -> dict[str, Any]:
        if self._taker:
            return {"taken_by": self._taker}
        if asked.get("protocol") != _PROTOCOL:
            return {"refused": "it speaks another language"}
        if asked.get("network") != network():
            return {"refused": "it lives in another network, a container's maybe"}
        return {}

    def _hand_over(self, line: Line, process: int, version: str) -> None:
        log.info("process %s (version %s) wants to take over", process, version)
        try:
            line.say(self._listener.fileno(), process=os.getpid(), version=releaseapp.__version__)
            told, _ = line.hear(_READY_SECONDS)
            if told.get("ready") is not True:
                raise Gone  # noqa: TRY301 - whoever says something else has not come up either
        except Gone:
            log.warning("process %s did not get ready to take over; this one goes on as before", process)
            line.close()
            self._come_back()
            return
        log.info("process %s has taken over; this one leaves", process)
        self._leave(Successor(line, process))


def _address(told: Any) -> Any:
    return tuple(told) if isinstance(told, list) else told
