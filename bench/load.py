"""The load generator, a process of its own: one epoll loop over raw sockets, quicker than any server here.

Each keep-alive connection sends the same prepared request again as soon as its
answer is complete (by Content-Length). Run by ``python -m bench.load`` with an
:class:`Ask` as JSON on standard input; prints a :class:`Told` as JSON.
"""

import select
import socket
import sys
import time
from dataclasses import dataclass, field

import msgspec

_READ = 262_144


class Ask(msgspec.Struct, frozen=True):
    """What to send, over how many connections, and for how long after the warm-up."""

    port: int
    request: str
    status: int
    connections: int
    warmup_seconds: float
    seconds: float


class Told(msgspec.Struct, frozen=True):
    """What came of it; times in seconds. ``all_answers`` has those of the warm-up too."""

    answers: int
    all_answers: int
    seconds: float
    p50: float
    p99: float
    body_bytes: int


class WrongAnswer(Exception):
    """The server answered something else than it should."""


@dataclass(slots=True)
class _Connection:
    sock: socket.socket
    status: int
    sent_at: float = 0.0
    missing: int = 0
    body_bytes: int = 0
    head: bytes = field(default=b"")

    def feed(self, data: bytes) -> bool:
        """Takes in a piece of the answer; True when it is complete."""
        if self.missing:
            self.missing -= len(data)
            return not self.missing
        data = self.head + data
        end = data.find(b"\r\n\r\n")
        if end < 0:
            self.head = data
            return False
        self.head = b""
        lowered = data[:end].lower() + b"\r\n"
        if int(data[9:12]) != self.status:
            raise WrongAnswer(data[:400].decode("latin-1"))
        begin = lowered.index(b"content-length:") + 15
        self.body_bytes = int(lowered[begin : lowered.index(b"\r\n", begin)])
        self.missing = self.body_bytes - (len(data) - end - 4)
        return not self.missing


def run(ask: Ask) -> Told:
    """Loads the server; raises WrongAnswer, and ConnectionError when it hangs up."""
    request = ask.request.encode()
    poll = select.epoll()
    connections: dict[int, _Connection] = {}
    for _ in range(ask.connections):
        sock = socket.create_connection(("127.0.0.1", ask.port), timeout=10)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connections[sock.fileno()] = _Connection(sock, ask.status)
        poll.register(sock, select.EPOLLIN)
    clock = time.perf_counter
    for connection in connections.values():
        connection.sent_at = clock()
        connection.sock.sendall(request)
    begin = clock() + ask.warmup_seconds
    end = begin + ask.seconds
    times: list[float] = []
    all_answers = 0
    now = clock()
    while now < end:
        for number, _ in poll.poll(1):
            connection = connections[number]
            data = connection.sock.recv(_READ)
            if not data:
                raise ConnectionError("the server closed a connection")
            if connection.feed(data):
                now = clock()
                all_answers += 1
                if now >= begin:
                    times.append(now - connection.sent_at)
                connection.sent_at = now
                connection.sock.sendall(request)
        now = clock()
    body_bytes = max(connection.body_bytes for connection in connections.values())
    for connection in connections.values():
        connection.sock.close()
    return Told(len(times), all_answers, now - begin, percentile(times, 0.5), percentile(times, 0.99), body_bytes)


def percentile(values: list[float], share: float) -> float:
    """The value below which that share of the values lies; 0 for none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(run(msgspec.json.decode(sys.stdin.buffer.read(), type=Ask))))
