"""The same workflows on DBOS, a library for durable execution: its functions, its tables, our durability."""

import logging
import time
import uuid
from typing import Any

import sqlalchemy
from dbos import DBOS

from bench.runs import Ask


@DBOS.step()
def add(x: int) -> int:
    """The first step."""
    return x + 1


@DBOS.step()
def double(x: int) -> int:
    """The second."""
    return x * 2


@DBOS.step()
def compare(x: int) -> bool:
    """The third."""
    return x > 3


_BEGUN: dict[str, float] = {}


@DBOS.step()
def note(key: str) -> None:
    """A first step that says when it began."""
    _BEGUN[key] = time.perf_counter()


@DBOS.workflow()
def three(x: int) -> bool:
    """Three steps, each recorded: this library has no others."""
    return compare(double(add(x)))


@DBOS.workflow()
def noted(key: str) -> bool:
    """The same, saying when its first step began."""
    note(key)
    return compare(double(1))


@DBOS.workflow()
def long(steps: int) -> None:
    """Many steps."""
    for _ in range(steps):
        add(1)


class Library:
    """DBOS in this process, with WAL and the same ``synchronous`` where it is on SQLite."""

    def __init__(self, ask: Ask) -> None:
        logging.disable(logging.WARNING)
        on_sqlite = "://" not in ask.database
        if on_sqlite:
            _as_durable_as_ours(ask.synchronous)
        self._steps = ask.long_steps
        address = f"sqlite:///{ask.database}.dbos" if on_sqlite else ask.database
        DBOS(config={"name": "bench", "system_database_url": address, "run_admin_server": False})
        DBOS.launch()

    def many(self, kind: str, runs: int) -> float:
        """See :class:`bench.runs.Side`; computed and recorded are the same here."""
        begin = time.perf_counter()
        if kind == "long":
            DBOS.start_workflow(long, self._steps).get_result()
        else:
            for handle in [DBOS.start_workflow(three, number) for number in range(runs)]:
                handle.get_result()
        return time.perf_counter() - begin

    def single(self) -> tuple[float | None, float]:
        """See :class:`bench.runs.Side`."""
        key = uuid.uuid4().hex
        begin = time.perf_counter()
        DBOS.start_workflow(noted, key).get_result()
        return _BEGUN[key] - begin, time.perf_counter() - begin

    def close(self) -> None:
        """Ends it."""
        DBOS.destroy()


def _as_durable_as_ours(synchronous: str) -> None:
    @sqlalchemy.event.listens_for(sqlalchemy.Engine, "connect")
    def set_pragmas(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {synchronous}")
