"""Starts the servers that are compared, each fresh, as a process of its own on one core."""

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil

from bench.world import World

_START_SECONDS = 30.0
_STOP_SECONDS = 15.0
_POLL_SECONDS = 0.002


@dataclass(frozen=True)
class Contestant:
    """A server to compare: its name in the table, and the command that starts it on a world and a port."""

    name: str
    command: Callable[[World, int], list[str]]


def _pserve(lines: str) -> Callable[[World, int], list[str]]:
    def command(world: World, port: int) -> list[str]:
        return [sys.executable, "-m", "pyramid.scripts.pserve", str(world.ini(lines, port))]

    return command


def _peer(world: World, port: int) -> list[str]:
    return [sys.executable, "-m", "bench.peer_fastapi", str(world.database), str(port)]


ALL_IN_ONE = Contestant("all-in-one", _pserve("use = egg:releaseapp#all_in_one"))
WAITRESS = Contestant("waitress", _pserve("use = egg:waitress#main\nthreads = 4"))
PEER = Contestant("FastAPI", _peer)


@dataclass(frozen=True)
class Running:
    """A server that answers; ``start_seconds`` is from its start to its first 200."""

    port: int
    process: psutil.Process
    start_seconds: float

    def resident_mb(self) -> float:
        """Its resident memory now."""
        return self.process.memory_info().rss / 1_000_000

    def cpu_seconds(self) -> float:
        """The processor time it has used so far."""
        times = self.process.cpu_times()
        return times.user + times.system


@contextmanager
def running(contestant: Contestant, world: World, core: int) -> Iterator[Running]:
    """The server on that core, until the block ends."""
    port = free_port()
    log = world.folder / "server.log"
    begin = time.perf_counter()
    with log.open("wb") as output, on_core(core, contestant.command(world, port), output) as process:
        try:
            _wait_for_200(port, world, process, log)
            yield Running(port, psutil.Process(process.pid), time.perf_counter() - begin)
        finally:
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def on_core(core: int, command: list[str], output: IO[bytes] | int) -> subprocess.Popen[bytes]:
    """Starts a process that may use that core only."""
    root = Path(__file__).parent.parent
    return subprocess.Popen(
        command,
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=subprocess.STDOUT if output is not subprocess.PIPE else None,
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),  # noqa: PLW1509 - no threads here
    )


def _wait_for_200(port: int, world: World, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.perf_counter() + _START_SECONDS
    while time.perf_counter() < end and process.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", world.list_path, headers={"Authorization": f"Bearer {world.token}"})
            if connection.getresponse().status == http.HTTPStatus.OK:
                return
        except OSError:
            time.sleep(_POLL_SECONDS)
        finally:
            connection.close()
    raise RuntimeError(f"the server did not start:\n{log.read_text(encoding='utf-8', errors='replace')}")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
