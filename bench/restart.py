"""``python -m bench.restart``: replaces a server under load, again and again, and says what anybody noticed of it.

Clients read and write over HTTP, on kept and on new connections, and never try anything twice; others listen on live
sockets and come back with their cursor. A request that failed, an event that somebody missed, and a write that was done
without being answered, are each counted: all must be 0, or the exit code is 1.
"""

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bench.restart_http import Asked, Load
from bench.restart_sockets import Listener
from bench.servers import free_port
from bench.world import SLUG, World, make_world
from releaseapp.db import connect
from releaseapp.events.queries import list_events_after

_LINES = "use = egg:releaseapp#all_in_one\nhand_over = true"
_START_SECONDS = 60.0
_PAGE = 1000


@dataclass(frozen=True)
class Plan:
    """How much load, how long, how often."""

    restarts: int = 5
    sockets: int = 500
    readers: int = 6
    writers: int = 2
    rate: float = 40.0
    pause: float = 0.02
    write_pause: float = 0.2
    calm_seconds: float = 8.0


class Told(msgspec.Struct, frozen=True):
    """What came of it; times in seconds."""

    restarts: int
    requests: int
    failed: int
    faults: list[str]
    writes: int
    writes_without_answer: int
    longest_pause: float
    p99_before: float
    p99_during: float
    sockets: int
    events: int
    lost: int
    twice: int
    returns: int
    return_p50: float
    return_p99: float
    leave_seconds: float
    socket_faults: list[str]

    @property
    def well(self) -> bool:
        """Whether nobody lost anything."""
        return not (self.failed or self.lost or self.twice or self.writes_without_answer)


def measure(plan: Plan, folder: Path) -> Told:
    """Plays it in a folder of its own."""
    return asyncio.run(_Play(plan, make_world(folder / "world")).run())


class _Play:
    def __init__(self, plan: Plan, world: World) -> None:
        self._plan = plan
        self._world = world
        self._port = free_port()
        self._ini = world.ini(_LINES, self._port)
        memory = f"{world.agent_path}/memory"
        self._load = Load(self._port, world.token, world.agent_path, memory)
        self._listeners = [Listener(self._port, world.token) for _ in range(plan.sockets)]
        self._outputs = 0
        self._leaving: list[float] = []

    async def run(self) -> Told:
        process = await self._start()
        try:
            listening = [asyncio.create_task(one.listen()) for one in self._listeners]
            await self._until_all_listen()
            asking = self._begin_to_ask()
            await asyncio.sleep(self._plan.calm_seconds)
            restarted = time.perf_counter()
            for _ in range(self._plan.restarts):
                process = await self._replace(process)
                await self._until_all_listen()
            ended = time.perf_counter()
            self._load.over = True
            await asyncio.gather(*asking)
            await self._until_all_is_told()
            for task in listening:
                task.cancel()
        finally:
            process.terminate()
            process.wait(30)
        return self._told(restarted, ended)

    def _begin_to_ask(self) -> list[asyncio.Task[None]]:
        plan, load = self._plan, self._load
        return [
            *(asyncio.create_task(load.closed_loop(write=False, pause=plan.pause)) for _ in range(plan.readers)),
            *(asyncio.create_task(load.closed_loop(write=True, pause=plan.write_pause)) for _ in range(plan.writers)),
            asyncio.create_task(load.open_loop(plan.rate)),
        ]

    async def _start(self) -> subprocess.Popen[bytes]:
        """Starts a process, and returns once it serves."""
        self._outputs += 1
        log = self._world.folder / f"server-{self._outputs}.log"
        with log.open("wb") as output:
            command = [sys.executable, "-m", "pyramid.scripts.pserve", str(self._ini)]
            process = subprocess.Popen(command, stdout=output, stderr=output)  # noqa: ASYNC220 - done in a moment

        def serves() -> bool:
            if process.poll() is not None:
                raise RuntimeError(f"the server did not start:\n{log.read_text(errors='replace')}")
            return b"releaseapp listens at" in log.read_bytes()

        await _until(serves, "the server did not start")
        return process

    async def _replace(self, old: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
        new = await self._start()
        begin = time.perf_counter()
        await _until(lambda: old.poll() is not None, "the old process does not leave")
        self._leaving.append(time.perf_counter() - begin)
        if old.returncode != 0:
            raise RuntimeError(f"the old process ended with {old.returncode}")
        return new

    async def _until_all_listen(self) -> None:
        await _until(lambda: all(one.greeted for one in self._listeners), "not all listeners came back")

    async def _until_all_is_told(self) -> None:
        newest = max(self._events(), default=0)
        # Whoever misses something for good is found when all is counted.
        with suppress(RuntimeError):
            await _until(lambda: all((one.since or 0) >= newest for one in self._listeners), "", seconds=10)

    def _events(self) -> list[int]:
        """The events of the workspace, by id."""
        db = connect(str(self._world.database))
        found: list[int] = []
        last = 0
        while page := list_events_after(db, last, _PAGE):
            found += [one.id for one in page if one.workspace_id == f"workspace-{SLUG}"]
            last = page[-1].id
        db.close()
        return found

    def _written(self) -> set[str]:
        db = connect(str(self._world.database))
        rows = db.all("SELECT key FROM memory_items")
        db.close()
        return {row["key"] for row in rows}

    def _told(self, restarted: float, ended: float) -> Told:
        events = self._events()
        during = [one for one in self._load.asked if restarted <= one.at <= ended]
        before = [one for one in self._load.asked if one.at < restarted]
        missed = [set(_after(events, one.first)) - set(one.heard) for one in self._listeners]
        returns = [seconds for one in self._listeners for seconds in one.returns]
        return Told(
            restarts=self._plan.restarts,
            requests=len(self._load.asked),
            failed=sum(bool(one.fault) for one in self._load.asked),
            faults=sorted({one.fault for one in self._load.asked if one.fault})[:10],
            writes=len(self._load.answered),
            writes_without_answer=len(self._load.answered ^ {key for key in self._written() if key.startswith("k")}),
            longest_pause=max((one.seconds for one in during), default=0.0),
            p99_before=_share(before, 0.99),
            p99_during=_share(during, 0.99),
            sockets=len(self._listeners),
            events=sum(len(one.heard) for one in self._listeners),
            lost=sum(len(one) for one in missed),
            twice=sum(len(one.heard) - len(set(one.heard)) for one in self._listeners),
            returns=len(returns),
            return_p50=_quantile(returns, 0.5),
            return_p99=_quantile(returns, 0.99),
            leave_seconds=max(self._leaving, default=0.0),
            socket_faults=sorted(
                {fault for one in self._listeners for fault in [*one.faults, *["told to read anew"][: len(one.resets)]]}
            )[:10],
        )


async def _until(condition: Callable[[], bool], fault: str, seconds: float = _START_SECONDS) -> None:
    end = time.perf_counter() + seconds
    while not condition():
        if time.perf_counter() > end:
            raise RuntimeError(fault)
        await asyncio.sleep(0.02)


def _after(events: list[int], first: int | None) -> list[int]:
    return [one for one in events if one > (first or 0)]


def _share(asked: list[Asked], share: float) -> float:
    return _quantile([one.seconds for one in asked], share)


def _quantile(values: list[float], share: float) -> float:
    return sorted(values)[min(int(len(values) * share), len(values) - 1)] if values else 0.0


def as_text(told: Told) -> str:
    """For people."""
    ratio = told.p99_during / told.p99_before if told.p99_before else 0.0
    lines = [
        f"restarts                    {told.restarts} by hand-over, the old one gone {told.leave_seconds:.2f} s later",
        f"requests                    {told.requests:,}, of which {told.writes:,} wrote",
        f"failed requests             {told.failed}",
        f"writes done but not told    {told.writes_without_answer}",
        f"longest pause of a request  {told.longest_pause * 1000:.0f} ms",
        f"p99 before / during         {told.p99_before * 1000:.1f} / {told.p99_during * 1000:.1f} ms (x {ratio:.1f})",
        f"live sockets                {told.sockets}, told {told.events:,} events",
        f"events lost / told twice    {told.lost} / {told.twice}",
        f"back after a restart        p50 {told.return_p50:.2f} s, p99 {told.return_p99:.2f} s, {told.returns:,} times",
    ]
    lines += [f"fault: {fault}" for fault in (*told.faults, *told.socket_faults)]
    return "\n".join(lines)


def main() -> int:
    """Measures, prints, and says by the exit code whether anybody lost anything."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--restarts", type=int, default=Plan.restarts)
    parser.add_argument("--sockets", type=int, default=Plan.sockets)
    parser.add_argument("--rate", type=float, default=Plan.rate, help="requests a second of the open loop")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="restart-") as folder:
        told = measure(Plan(restarts=asked.restarts, sockets=asked.sockets, rate=asked.rate), Path(folder))
    sys.stdout.write(msgspec.json.encode(told).decode() + "\n" if asked.json else as_text(told) + "\n")
    return 0 if told.well else 1


if __name__ == "__main__":
    sys.exit(main())
