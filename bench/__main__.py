"""``python -m bench [--quick]``: measures everything in one run, and prints one table."""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from bench import fanout, load, run_list, runs, workflow_file
from bench.postgres import postgres
from bench.report import Figures, render, render_runs, render_workflows
from bench.servers import ALL_IN_ONE, PEER, WAITRESS, Contestant, Running, on_core, running
from bench.workflow_file import JSON_FILE, OURS, ROWS
from bench.workflow_world import write_document
from bench.world import World, make_world

T = TypeVar("T")

_HTTP_SECONDS = 100.0
_LATEST_ROUND_SECONDS = 140.0
_LATEST_WORKFLOW_SECONDS = 160.0
_LATEST_RUN_SECONDS = 240.0


class Plan(msgspec.Struct, frozen=True):
    """How long and how often."""

    rounds: int = 5
    seconds: float = 1.5
    warmup_seconds: float = 0.4
    connections: int = 32
    fanout_rounds: int = 3
    listeners: int = 1000
    writes: int = 20
    workflow_rounds: int = 3
    workflows: int = 1000
    workflow_writes: int = 5
    workflow_lists: int = 20
    run_rounds: int = 2
    runs: int = 500
    single_runs: int = 40
    long_steps: int = 1000
    listed_runs: int = 1_000_000


_QUICK = Plan(
    rounds=1,
    seconds=0.2,
    warmup_seconds=0.1,
    connections=4,
    fanout_rounds=1,
    listeners=20,
    writes=2,
    workflow_rounds=1,
    workflows=60,
    workflow_writes=2,
    workflow_lists=2,
    run_rounds=1,
    runs=5,
    single_runs=2,
    long_steps=10,
    listed_runs=3000,
)
_VERSIONS = 10


def main(arguments: list[str] | None = None) -> None:
    """Runs the plan and prints the table."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a smoke run of seconds; its figures mean nothing")
    plan = _QUICK if parser.parse_args(arguments).quick else Plan()
    cores = sorted(os.sched_getaffinity(0))
    figures = Figures()
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        original = make_world(Path(folder) / "original")
        for number in _rounds(plan.rounds, begin + _HTTP_SECONDS):
            figures.rounds += 1
            for contestant in _turn([ALL_IN_ONE, PEER, WAITRESS], number):
                world = original.copy_to(Path(folder) / f"http-{number}-{contestant.name}")
                _measure_http(plan, contestant, world, cores, figures)
        for number in _rounds(plan.fanout_rounds, begin + _LATEST_ROUND_SECONDS):
            for contestant in _turn([ALL_IN_ONE, PEER], number):
                world = original.copy_to(Path(folder) / f"live-{number}-{contestant.name}")
                _measure_fanout(plan, contestant, world, cores, figures)
        _measure_workflows(plan, original, Path(folder), begin + _LATEST_WORKFLOW_SECONDS, figures)
        _measure_runs(plan, Path(folder), begin + _LATEST_RUN_SECONDS, figures)
        for number in (min(1000, plan.listed_runs), plan.listed_runs):
            told = _child(
                "bench.run_list", run_list.Ask(str(Path(folder) / f"list-{number}"), number), run_list.Told, cores[0]
            )
            figures.add(f"list of {number:,}", "page", told.page)
            figures.add(f"list of {number:,}", "answer", told.answer)
    sys.stdout.write(render(figures, plan.connections, plan.listeners, cores))
    sys.stdout.write(render_workflows(figures, plan.workflows, _VERSIONS))
    sys.stdout.write(render_runs(figures, plan.long_steps, plan.listed_runs))


def _rounds(number: int, latest: float) -> Iterator[int]:
    """So many rounds, or fewer (but one) on a machine so busy that the time is over before."""
    for one in range(number):
        if not one or time.monotonic() < latest:
            yield one


def _turn(contestants: list[T], number: int) -> list[T]:
    """Another one begins each round, so that no one always follows the same one."""
    cut = number % len(contestants)
    return contestants[cut:] + contestants[:cut]


def _measure_http(plan: Plan, contestant: Contestant, world: World, cores: list[int], figures: Figures) -> None:
    body = '{"name":"A new agent","description":"Made to be measured.","tags":["reports"]}'
    requests = {
        "list": (_request(world, "GET", world.list_path), 200),
        "read": (_request(world, "GET", world.agent_path), 200),
        "write": (_request(world, "POST", world.list_path, body), 201),
    }
    with running(contestant, world, cores[-1]) as server:
        figures.add(contestant.name, "start", server.start_seconds)
        figures.add(contestant.name, "memory at start", server.resident_mb())
        for name, (request, status) in requests.items():
            before = server.cpu_seconds()
            ask = load.Ask(server.port, request, status, plan.connections, plan.warmup_seconds, plan.seconds)
            told = _child("bench.load", ask, load.Told, cores[0])
            used = server.cpu_seconds() - before
            figures.add(contestant.name, f"{name}/s", told.answers / told.seconds)
            figures.add(contestant.name, f"{name} cpu", used / max(1, told.all_answers))
            figures.add(contestant.name, f"{name} p50", told.p50)
            figures.add(contestant.name, f"{name} p99", told.p99)
            figures.add(contestant.name, f"{name} bytes", told.body_bytes)
        figures.add(contestant.name, "memory after load", server.resident_mb())


def _measure_fanout(plan: Plan, contestant: Contestant, world: World, cores: list[int], figures: Figures) -> None:
    request = _request(world, "POST", world.list_path, '{"name":"A new agent"}')
    with running(contestant, world, cores[-1]) as server:
        told = _fan_out(plan, world, server, request, cores[0])
        figures.add(contestant.name, "delivered", 100 * told.delivered / told.expected)
        figures.add(contestant.name, "arrival p50", told.after_answer_p50)
        figures.add(contestant.name, "arrival p99", told.after_answer_p99)
        figures.add(contestant.name, "whole p50", told.after_sending_p50)
        figures.add(contestant.name, "whole p99", told.after_sending_p99)
        figures.add(contestant.name, "last arrival", told.to_last_p50)
        figures.add(contestant.name, "deliveries/s", plan.listeners / told.to_last_p50 if told.to_last_p50 > 0 else 0.0)
        figures.add(contestant.name, "memory with listeners", server.resident_mb())


def _fan_out(plan: Plan, world: World, server: Running, request: str, core: int) -> fanout.Told:
    ask = fanout.Ask(server.port, world.token, request, plan.listeners, plan.writes)
    return _child("bench.fanout", ask, fanout.Told, core)


def _measure_workflows(plan: Plan, original: World, folder: Path, latest: float, figures: Figures) -> None:
    filled = original.copy_to(folder / "workflows")
    write_document(filled.folder / "workflows.json", plan.workflows, _VERSIONS)
    figures.add(OURS, "file bytes", (filled.folder / "workflows.json").stat().st_size)
    core = max(os.sched_getaffinity(0))
    for number in _rounds(plan.workflow_rounds, latest):
        for name in _turn([OURS, JSON_FILE, ROWS], number):
            world = filled.copy_to(folder / f"workflows-{number}-{name}")
            ask = workflow_file.Ask(name, str(world.folder), world.token, plan.workflow_writes, plan.workflow_lists)
            told = _child("bench.workflow_file", ask, workflow_file.Told, core)
            for figure, value in msgspec.structs.asdict(told).items():
                if value is not None:
                    figures.add(name, f"workflows {figure}", value)
            shutil.rmtree(world.folder)


def _measure_runs(plan: Plan, folder: Path, latest: float, figures: Figures) -> None:
    core = max(os.sched_getaffinity(0))
    with postgres() as new_database:
        for number in _rounds(plan.run_rounds, latest):
            for place in (*runs.SQLITE, runs.POSTGRESQL):
                for name in _turn([runs.OURS, runs.LIBRARY], number):
                    database = str(folder / f"runs-{number}-{name}.db")
                    if place == runs.POSTGRESQL:
                        database = new_database(f"runs_{number}_{name.lower()}")
                    sync = "full" if place == runs.POSTGRESQL else place
                    ask = runs.Ask(name, database, sync, plan.runs, plan.single_runs, plan.long_steps)
                    told = _child("bench.runs", ask, runs.Told, core)
                    for figure, value in msgspec.structs.asdict(told).items():
                        if value is not None:
                            figures.add(f"{name} {place}", figure, value)
                    for file in folder.glob(f"runs-{number}-{name}.db*"):
                        file.unlink()


def _child(module: str, ask: msgspec.Struct, kind: type[T], core: int) -> T:
    """Runs a load generator on its own core."""
    process = on_core(core, [sys.executable, "-m", module], subprocess.PIPE)
    out, _ = process.communicate(msgspec.json.encode(ask))
    if process.returncode:
        raise SystemExit(f"{module} failed")
    return msgspec.json.decode(out, type=kind)


def _request(world: World, method: str, path: str, body: str = "") -> str:
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Bearer {world.token}"]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", body])


if __name__ == "__main__":
    main()
