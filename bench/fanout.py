"""One write told to many live connections: a process of its own, one epoll loop over raw sockets.

Run by ``python -m bench.fanout`` with an :class:`Ask` as JSON on standard input;
prints a :class:`Told` as JSON.
"""

import resource
import select
import socket
import sys
import time

import msgspec

from bench.load import percentile

_UPGRADE = (
    "GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: Bearer {token}\r\n\r\n"
)
_PATIENCE_SECONDS = 10.0
_EVENT = b'"agent.created"'


class Ask(msgspec.Struct, frozen=True):
    """How many connections hear of how many writes; ``request`` is the write."""

    port: int
    token: str
    request: str
    connections: int
    writes: int


class Told(msgspec.Struct, frozen=True):
    """What arrived; seconds to the arrival, counted from sending the write or from its answer."""

    expected: int
    delivered: int
    after_answer_p50: float
    after_answer_p99: float
    after_sending_p50: float
    after_sending_p99: float
    to_last_p50: float
    """From sending the write until the last connection had it."""


def run(ask: Ask) -> Told:
    """Connects everybody, then writes again and again, each time waiting until everybody knows."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    poll = select.epoll()
    listeners = {}
    for _ in range(ask.connections):
        sock = _listener(ask)
        listeners[sock.fileno()] = sock
        poll.register(sock, select.EPOLLIN)
    writer = socket.create_connection(("127.0.0.1", ask.port), timeout=_PATIENCE_SECONDS)
    writer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    poll.register(writer, select.EPOLLIN)
    time.sleep(0.5)  # hellos and whatever else belongs to connecting shall not be measured
    _drain(poll, listeners)
    delays: list[float] = []
    whole: list[float] = []
    lasts: list[float] = []
    for _ in range(ask.writes):
        sent_at = time.perf_counter()
        writer.sendall(ask.request.encode())
        answered_at, arrivals = _arrivals(poll, listeners, writer)
        delays += [max(0.0, arrival - answered_at) for arrival in arrivals]
        whole += [arrival - sent_at for arrival in arrivals]
        lasts.append(max(arrivals, default=0.0) - sent_at)
    return Told(
        expected=ask.connections * ask.writes,
        delivered=len(delays),
        after_answer_p50=percentile(delays, 0.5),
        after_answer_p99=percentile(delays, 0.99),
        after_sending_p50=percentile(whole, 0.5),
        after_sending_p99=percentile(whole, 0.99),
        to_last_p50=percentile(lasts, 0.5),
    )


def _listener(ask: Ask) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", ask.port), timeout=_PATIENCE_SECONDS)
    sock.sendall(_UPGRADE.format(token=ask.token).encode())
    answer = b""
    while b'"hello"' not in answer:
        piece = sock.recv(65_536)
        if not piece:
            raise ConnectionError(answer.decode("latin-1"))
        answer += piece
    return sock


def _drain(poll: select.epoll, listeners: dict[int, socket.socket]) -> None:
    while ready := poll.poll(0):
        for number, _ in ready:
            listeners[number].recv(65_536)


def _arrivals(
    poll: select.epoll, listeners: dict[int, socket.socket], writer: socket.socket
) -> tuple[float, list[float]]:
    """When the write was answered, and when the listeners heard of it."""
    clock = time.perf_counter
    answered_at = 0.0
    arrivals: list[float] = []
    end = clock() + _PATIENCE_SECONDS
    while (not answered_at or len(arrivals) < len(listeners)) and clock() < end:
        for number, _ in poll.poll(0.1):
            if number != writer.fileno():
                # One event at a time is under way, and its frame is small: it comes in one piece.
                if _EVENT in listeners[number].recv(65_536):
                    arrivals.append(clock())
            elif writer.recv(65_536)[9:12] == b"201":
                answered_at = clock()
    return answered_at, arrivals


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(run(msgspec.json.decode(sys.stdin.buffer.read(), type=Ask))))
