"""Load over HTTP for a server that is being replaced: clients that try nothing twice, so that nothing is hidden."""

import asyncio
import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

_TIMEOUT = 30.0
_OK = {200, 201}


@dataclass(frozen=True)
class Asked:
    """One request: when it was due, how long its answer took from then, and what went wrong."""

    at: float
    seconds: float
    write: bool
    fault: str


@dataclass
class Load:
    """What to send, and what came of it. ``answered`` are the keys that the server said it has written."""

    port: int
    token: str
    read_path: str
    write_path: str
    over: bool = False
    asked: list[Asked] = field(default_factory=list)
    answered: set[str] = field(default_factory=set)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    async def closed_loop(self, *, write: bool, pause: float) -> None:
        """One client on a connection that it keeps: the next request follows the answer, after a pause."""
        client = _Client(self.port)
        while not self.over:
            await self._ask(client, time.perf_counter(), write=write)
            await asyncio.sleep(pause)
        client.close()

    async def open_loop(self, rate: float) -> None:
        """Requests at fixed times, whatever became of others, each on a connection of its own; one in ten writes."""
        begin = time.perf_counter()
        flying: set[asyncio.Task[None]] = set()
        for number in itertools.count():
            due = begin + number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            if self.over:
                break
            task = asyncio.create_task(self._alone(due, write=number % 10 == 0))
            flying.add(task)
            task.add_done_callback(flying.discard)
        await asyncio.gather(*flying)

    async def _alone(self, due: float, *, write: bool) -> None:
        client = _Client(self.port)
        await self._ask(client, due, write=write)
        client.close()

    async def _ask(self, client: "_Client", due: float, *, write: bool) -> None:
        key = f"k{next(self._numbers)}"
        fault = ""
        try:
            async with asyncio.timeout(_TIMEOUT):
                status = await client.send(self._request(key, write=write))
            if status in _OK:
                if write:
                    self.answered.add(key)
            else:
                fault = f"status {status}"
        except (OSError, EOFError, TimeoutError, ValueError) as error:
            fault = f"{type(error).__name__}: {error}"
            client.close()
        self.asked.append(Asked(due, time.perf_counter() - due, write, fault))

    def _request(self, key: str, *, write: bool) -> bytes:
        head = f"Host: localhost\r\nAuthorization: Bearer {self.token}\r\nAccept: application/json\r\n"
        if not write:
            return f"GET {self.read_path} HTTP/1.1\r\n{head}\r\n".encode()
        body = f'{{"key":"{key}","value":1}}'
        lengths = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        return f"POST {self.write_path} HTTP/1.1\r\n{head}{lengths}\r\n{body}".encode()


class _Client:
    """One connection, opened when it is needed, and opened anew only when the server said that it closes it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._writer: asyncio.StreamWriter | None = None
        self._reader = asyncio.StreamReader()

    async def send(self, request: bytes) -> int:
        """Sends it, reads the whole answer, and gives its status; raises OSError, EOFError."""
        if self._writer is None:
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._writer.write(request)
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = int(head.partition("content-length: ")[2].partition("\r\n")[0] or 0)
        await self._reader.readexactly(length)
        if "connection: close" in head:
            self.close()
        return int(head.split(" ", 2)[1])

    def close(self) -> None:
        """Closes the connection."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
