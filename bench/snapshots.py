"""``python -m bench.snapshots``: what writers and readers feel while a snapshot is made, verified and downloaded.

A server with a large database is asked by four clients, two of which write; first alone, then while the server itself
does each of these; all in one run, so that the ratios mean something.
"""

import argparse
import http.client
import json
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from bench.restoring import fill
from bench.servers import ALL_IN_ONE, Running, running
from bench.world import World, make_world
from releaseapp.db import connect

_CALM_SECONDS = 6.0
_LOOK_SECONDS = 0.05
_PATIENCE_SECONDS = 600.0


class Client(threading.Thread):
    """Sends one request after the other; ``asked`` has when each began, and how many seconds it took."""

    def __init__(self, world: World, port: int, *, writes: bool) -> None:
        super().__init__(daemon=True)
        self.asked: list[tuple[float, float]] = []
        self.faults = 0
        self.over = threading.Event()
        self._world, self._port, self._writes = world, port, writes

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        number = 0
        while not self.over.wait(0.005):
            number += 1
            begin = time.perf_counter()
            try:
                if self._writes:
                    status = ask(connection, self._world, "PATCH", self._world.agent_path, {"description": f"{number}"})
                else:
                    status = ask(connection, self._world, "GET", self._world.list_path)
            except OSError:
                status = 0
            self.faults += status != http.HTTPStatus.OK
            self.asked.append((begin, time.perf_counter() - begin))


def ask(connection: http.client.HTTPConnection, world: World, method: str, path: str, body: object = None) -> int:
    """One request; gives its status."""
    headers = {"Authorization": f"Bearer {world.token}", "Content-Type": "application/json"}
    connection.request(method, path, json.dumps(body) if body is not None else None, headers)
    answer = connection.getresponse()
    answer.read()
    return answer.status


def operate(world: World, port: int, path: str) -> str:
    """Begins an operation and waits until it is over; gives how it ended."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        if ask(connection, world, "POST", path, {}) != http.HTTPStatus.ACCEPTED:
            raise RuntimeError(f"{path} was refused")
        deadline = time.perf_counter() + _PATIENCE_SECONDS
        while time.perf_counter() < deadline:
            time.sleep(_LOOK_SECONDS)
            newest = read(connection, world, "/release/operations")["items"][0]
            if newest["status"] != "running":
                return f"{newest['status']}: {newest['sentence']}"
    raise RuntimeError(f"{path} does not end")


def download(world: World, port: int, path: str) -> str:
    """Reads all of it, a part at a time."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request("GET", path, headers={"Authorization": f"Bearer {world.token}"})
        answer, size = connection.getresponse(), 0
        while part := answer.read(1_048_576):
            size += len(part)
    return f"{size / 1e6:,.0f} MB"


def read(connection: http.client.HTTPConnection, world: World, path: str) -> dict[str, list[dict[str, str]]]:
    """A JSON answer."""
    connection.request("GET", path, headers={"Authorization": f"Bearer {world.token}"})
    told: dict[str, list[dict[str, str]]] = json.loads(connection.getresponse().read())
    return told


def newest_name(world: World, port: int) -> str:
    """The name of the newest snapshot."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request("GET", "/release/snapshots", headers={"Authorization": f"Bearer {world.token}"})
        return str(json.loads(connection.getresponse().read())["items"][0]["manifest"]["name"])


def measure(world: World, server: Running) -> list[str]:
    """A line for each thing that was done meanwhile."""
    clients = [Client(world, server.port, writes=number < 2) for number in range(4)]
    for client in clients:
        client.start()
    stages: list[tuple[str, Callable[[], str]]] = [
        ("nothing beside", lambda: str(time.sleep(_CALM_SECONDS) or "")),
        ("a snapshot is made", lambda: operate(world, server.port, "/release/snapshots")),
        ("it is verified", lambda: operate(world, server.port, f"{_of(world, server)}/verify")),
        ("it is downloaded", lambda: download(world, server.port, f"{_of(world, server)}/archive")),
        ("nothing again", lambda: str(time.sleep(_CALM_SECONDS) or "")),
    ]
    lines, calm = [], (0.0, 0.0)
    for name, act in stages:
        begin = time.perf_counter()
        said = act()
        end = time.perf_counter()
        writes, reads = (_times(clients[half], begin, end) for half in (slice(0, 2), slice(2, 4)))
        found = (_quantile(writes, 0.99), _quantile(reads, 0.99))
        calm = calm if any(calm) else found
        lines.append(
            f"{name:<20}{end - begin:7.2f} s  writes p50 {_quantile(writes, 0.5) * 1000:6.1f}"
            f" p99 {found[0] * 1000:7.1f} max {max(writes, default=0) * 1000:7.1f} ms (p99 x {found[0] / calm[0]:.1f})"
            f"  reads p99 {found[1] * 1000:7.1f} ms (x {found[1] / calm[1]:.1f})  {said[:40]}"
        )
    for client in clients:
        client.over.set()
        client.join()
    lines.append(f"requests {sum(len(one.asked) for one in clients):,}, failed {sum(one.faults for one in clients)}")
    return lines


def _of(world: World, server: Running) -> str:
    return f"/release/snapshots/{newest_name(world, server.port)}"


def _times(clients: list[Client], begin: float, end: float) -> list[float]:
    """Of the requests that were under way in that time, as far as they have ended."""
    return [took for one in clients for at, took in list(one.asked) if at + took >= begin and at <= end]


def _quantile(values: list[float], share: float) -> float:
    return sorted(values)[min(int(len(values) * share), len(values) - 1)] if values else 0.0


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=60_000, help="how many runs the database holds, 6 KB each")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-snapshots-") as folder:
        world = make_world(Path(folder) / "world")
        with closing(connect(str(world.database))) as db:
            fill(db, given.runs)
        sys.stdout.write(f"{world.database.stat().st_size / 1e6:,.0f} MB, {given.runs:,} runs\n")
        with running(ALL_IN_ONE, world, core=0) as server:
            sys.stdout.write("\n".join(measure(world, server)) + "\n")


if __name__ == "__main__":
    main()
