"""What runs cost beside a library for durable execution, in one process of its own, with the same durability.

Run by ``python -m bench.runs`` with an :class:`Ask` as JSON on standard input; prints a :class:`Told` as JSON.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, Protocol

import msgspec

from bench.world import SECRET
from releaseapp import clock
from releaseapp.auth.service import create_account
from releaseapp.credentials.vault import open_vault
from releaseapp.outbound import open_outbound
from releaseapp.runs import queries, service
from releaseapp.runs.machine.kit import Kit
from releaseapp.runs.machine.worker import RunWorker
from releaseapp.settings import Mode, Settings
from releaseapp.steps import step_types
from releaseapp.steps.api import Context, Done, StepType
from releaseapp.storage import open_database, open_workflows
from releaseapp.wakeups import Work, open_wakeups
from releaseapp.workflows.service import create_workflow, publish
from releaseapp.workflows.store import By, Store
from releaseapp.workspaces.service import create_workspace

OURS, LIBRARY = "releaseapp", "DBOS"
SQLITE = ("normal", "full")
POSTGRESQL = "PostgreSQL"
PLACES = (*SQLITE, POSTGRESQL)
HOME = "workspace-bench"
_LONG_STEPS = 1000
_PATIENCE_SECONDS = 120.0
_LOOK_SECONDS = 0.002


class Ask(msgspec.Struct, frozen=True):
    """Which side, on what database; ``synchronous`` is SQLite's. How many runs, and how many one after another."""

    name: str
    database: str
    synchronous: Literal["full", "normal"]
    runs: int
    single_runs: int
    long_steps: int = _LONG_STEPS


class Told(msgspec.Struct, frozen=True):
    """Runs a second, started and done in this process; medians in seconds. None for what a side has not."""

    runs_per_second: float
    recorded_runs_per_second: float
    first_step: float | None
    end: float
    step_of_long_run: float


class Side(Protocol):
    """A way to run workflows: three steps that compute, three that are each recorded by themselves, many steps."""

    def many(self, kind: str, runs: int) -> float:
        """Starts so many runs and waits for all; the seconds it took."""
        ...

    def single(self) -> tuple[float | None, float]:
        """One run on an idle worker: the seconds to its first step, and to its end."""
        ...

    def close(self) -> None: ...


class Nothing(msgspec.Struct, frozen=True):
    """The config of a step that does nothing."""

    value: Any = None


def _nothing(config: Nothing, _context: Context) -> Done:
    return Done(config.value)


class Ours:
    """The product: starting as the API does it, a worker with its threads as the server has it."""

    def __init__(self, ask: Ask) -> None:
        step_types()["bench.recorded"] = StepType("Recorded", "play", Nothing, _nothing, outside=True)  # type: ignore[index]
        folder = Path(tempfile.mkdtemp(prefix="bench-runs-", dir=_folder_of(ask)))
        self._settings = Settings(
            mode=Mode.DEVELOPMENT,
            agent_db_path=ask.database if "://" in ask.database else str(folder / "agents.db"),
            workflow_store_path=str(folder / "workflows.json"),
            jwt_secret=SECRET,
            database_synchronous=ask.synchronous,
            runs_at_once_per_workspace=0,
        )
        self._db = open_database(self._settings)
        store = Store(self._db, open_workflows(self._settings))
        owner = create_account(self._db, self._settings, "bench@example.com", "Bench", "a long password")
        create_workspace(self._db, "bench", "Bench", owner, workspace_id=HOME)
        self._wakeups = open_wakeups(self._settings, Work.RUNS)
        self._kit = Kit(
            db=self._db,
            store=store,
            settings=self._settings,
            wake=self._wakeups.wake,
            vault=open_vault(self._settings),
            outbound=open_outbound(self._settings),
            wake_task=lambda _task: None,
        )
        self._workflows: dict[str, str] = {}
        for kind, definition in _definitions(ask.long_steps).items():
            made = create_workflow(store, HOME, definition, By(None))
            self._workflows[kind] = publish(store, made, 1, By(None)).id
        self._worker = RunWorker(self._kit, self._wakeups)
        self._worker.start()

    def many(self, kind: str, runs: int) -> float:
        begin = time.perf_counter()
        last = [self._start(kind, number) for number in range(runs)]
        for run_id in last:
            self._wait(run_id)
        return time.perf_counter() - begin

    def single(self) -> tuple[float | None, float]:
        begin = time.time()
        run_id = self._start("recorded", 1)
        self._wait(run_id)
        end = time.time()
        first = min(step.started_at for step in queries.list_steps(self._db, run_id))
        return _moment(first) - begin, end - begin

    def close(self) -> None:
        self._worker.stop()

    def _start(self, kind: str, number: int) -> str:
        return service.start_run(self._kit, HOME, self._workflows[kind], service.Start({"x": number})).id

    def _wait(self, run_id: str) -> None:
        until = time.monotonic() + _PATIENCE_SECONDS
        while True:
            row = self._db.first("SELECT status FROM runs WHERE id = :id", id=run_id)
            if row and row["status"] == "succeeded":
                return
            if time.monotonic() > until:
                raise SystemExit(f"{run_id} is {row}")
            time.sleep(_LOOK_SECONDS)


def _definitions(long_steps: int) -> dict[str, dict[str, Any]]:
    values = ("{{ inputs.x + 1 }}", "{{ steps.a.output * 2 }}", "{{ steps.b.output > 3 }}")

    def three(kind: str) -> list[dict[str, Any]]:
        return [
            {"id": step_id, "type": kind, "config": {"value": value}}
            for step_id, value in zip("abc", values, strict=True)
        ]

    chain = [
        {"id": f"s{number}", "type": "bench.recorded", "config": {"value": "{{ inputs.x }}"}}
        for number in range(long_steps)
    ]
    return {
        "computed": {"name": "Computed", "steps": three("transform"), "output": "{{ steps.c.output }}"},
        "recorded": {"name": "Recorded", "steps": three("bench.recorded"), "output": "{{ steps.c.output }}"},
        "long": {"name": "Long", "steps": chain},
    }


def _folder_of(ask: Ask) -> str | None:
    return None if "://" in ask.database else str(Path(ask.database).parent)


def _moment(text: str) -> float:
    return clock.parse(text).timestamp()


def measure(side: Side, ask: Ask) -> Told:
    """One side's figures."""
    side.many("computed", 5)
    computed = side.many("computed", ask.runs)
    recorded = side.many("recorded", ask.runs)
    singles = [side.single() for _ in range(ask.single_runs)]
    firsts = [first for first, _ in singles if first is not None]
    long = side.many("long", 1)
    return Told(
        runs_per_second=ask.runs / computed,
        recorded_runs_per_second=ask.runs / recorded,
        first_step=statistics.median(firsts) if firsts else None,
        end=statistics.median(end for _, end in singles),
        step_of_long_run=long / ask.long_steps,
    )


def main(sides: dict[str, Callable[[Ask], Side]]) -> None:
    """Measures the side that is asked for."""
    ask = msgspec.json.decode(sys.stdin.buffer.read(), type=Ask)
    side = sides[ask.name](ask)
    told = measure(side, ask)
    side.close()
    sys.stdout.buffer.write(msgspec.json.encode(told))


if __name__ == "__main__":
    from bench.runs_peer import Library

    main({OURS: Ours, LIBRARY: Library})
