"""Many live clients that come back as docs/live.md says, and remember every event that they were told."""

import asyncio
import base64
import os
import random
import time
from dataclasses import dataclass, field
from typing import Any

import msgspec

_SHORT, _LONG = 126, 127
_PONG = b'{"type":"pong"}'
_CLOSE, _PING = 8, 9


@dataclass
class Listener:
    """One client. ``heard`` is every event it was told, ``faults`` what should not have been.

    ``resets``: after how many events it was told to read everything anew, and from which id on it was told more.
    """

    port: int
    token: str
    heard: list[int] = field(default_factory=list)
    first: int | None = None
    since: int | None = None
    returns: list[float] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)
    resets: list[tuple[int, int]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    greeted: bool = False
    session: "_Session | None" = None

    async def listen(self) -> None:
        """Until it is cancelled: connects, hears, and comes back with its cursor."""
        left: float | None = None
        while True:
            wait = random.random()
            try:
                self.session = await _Session.open(self.port, self.token, self.since)
                wait, left = await self._hear(self.session, left, wait)
            except (OSError, EOFError) as error:
                self.faults.append(f"{type(error).__name__}: {error}")
                left = left or time.perf_counter()
            self.greeted = False
            await asyncio.sleep(wait)

    def vanish(self) -> None:
        """Loses the connection without a word, and comes back."""
        if self.session is not None:
            self.session.vanish()

    async def _hear(self, session: "_Session", left: float | None, wait: float) -> tuple[float, float]:
        async for message in session.messages():
            kind = message["type"]
            if kind == "hello":
                self.greeted = True
                if left is not None:
                    self.returns.append(time.perf_counter() - left)
                if self.since is None:
                    self.first = self.since = message["id"]
            elif kind == "event":
                self.since = message["event"]["id"]
                self.heard.append(self.since)
            elif kind == "ping":
                self.since = max(self.since or 0, message["id"])
                session.say(_PONG)
            elif kind == "goodbye":
                wait = message["wait"]
            elif kind == "reset":
                self.since = message["id"]
                self.resets.append((len(self.heard), message["id"]))
        self.codes.append(session.code)
        return wait, time.perf_counter()


class _Session:
    """One WebSocket, as little of it as this needs: a full client would be slower than the server it measures."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.code = 1006

    @classmethod
    async def open(cls, port: int, token: str, since: int | None) -> "_Session":
        """Connects and upgrades; raises OSError when it is refused."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        query = "" if since is None else f"?since={since}"
        key = base64.b64encode(os.urandom(16)).decode()
        writer.write(
            f"GET /ws{query} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
        )
        head = await reader.readuntil(b"\r\n\r\n")
        if b" 101 " not in head.split(b"\r\n", 1)[0]:
            writer.close()
            raise ConnectionRefusedError(head.split(b"\r\n", 1)[0].decode())
        return cls(reader, writer)

    async def messages(self) -> Any:
        """What the server says, until it says goodbye."""
        try:
            while True:
                opcode, payload = await self._frame()
                if opcode == _CLOSE:
                    self.code = int.from_bytes(payload[:2], "big")
                    self._send(_CLOSE, payload[:2])
                    return
                if opcode == _PING:
                    self._send(10, payload)
                else:
                    yield msgspec.json.decode(payload)
        except (EOFError, OSError):
            return
        finally:
            self._writer.close()

    def say(self, text: bytes) -> None:
        """Sends a message."""
        self._send(1, text)

    def vanish(self) -> None:
        """Ends as a network does that is gone."""
        self._writer.transport.abort()

    async def _frame(self) -> tuple[int, bytes]:
        first, length = await self._reader.readexactly(2)
        if length in {_SHORT, _LONG}:
            length = int.from_bytes(await self._reader.readexactly(2 if length == _SHORT else 8), "big")
        return first & 15, await self._reader.readexactly(length)

    def _send(self, opcode: int, payload: bytes) -> None:
        # A mask of zeros masks nothing, and is one.
        self._writer.write(bytes((0x80 | opcode, 0x80 | len(payload))) + b"\0\0\0\0" + payload)
