"""What the workflow file costs beside two plain ways to keep the same workflows: a process of its own.

Run by ``python -m bench.workflow_file`` with an :class:`Ask` as JSON on standard
input; prints a :class:`Told` as JSON.
"""

import gc
import sys
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any, Protocol

import msgspec

from bench.load import percentile
from bench.workflow_peers import JsonFile, SqliteRows
from bench.workflow_world import PAGE, SEARCHED, WORKSPACE, definition
from bench.world import SECRET, SLUG
from releaseapp import make_app
from releaseapp.settings import Mode, Settings
from releaseapp.storage import open_database
from releaseapp.workflows import service
from releaseapp.workflows.api import shown
from releaseapp.workflows.file import WorkflowFile
from releaseapp.workflows.listing import Wanted, find_workflows
from releaseapp.workflows.store import By, Store

OURS, JSON_FILE, ROWS = "releaseapp", "json module", "SQLite rows"


class Ask(msgspec.Struct, frozen=True):
    """Which way, where the workflows are, how often to write and to list; the token of somebody who may see them."""

    name: str
    folder: str
    token: str
    writes: int
    lists: int


class Told(msgspec.Struct, frozen=True):
    """Medians in seconds; the last two were asked of the product alone, through its whole application."""

    first_read: float
    write: float
    list: float
    search: float
    list_bytes: int
    page: float | None = None
    answer: float | None = None


class Keeper(Protocol):
    """A way to keep workflows."""

    def open(self) -> None: ...

    def write(self, number: int) -> None: ...

    def list(self, search: str) -> bytes: ...


class Ours:
    """The product's own: a checked definition, the event in the database, the lock, the file, the folder synced."""

    def __init__(self, folder: Path) -> None:
        self._file = WorkflowFile(folder / "workflows.json")
        self._store = Store(open_database(_settings(folder)), self._file)

    def open(self) -> None:
        self._file.read()

    def write(self, number: int) -> None:
        workflows = self._file.read().workflows
        workflow = workflows[number % len(workflows)]
        text = definition(number, time.ctime() + str(number))
        service.change_draft(self._store, workflow, workflow.versions[-1].number, text, By(None))

    def list(self, search: str) -> bytes:
        found = find_workflows(self._store, WORKSPACE, Wanted(search=search)).workflows[:PAGE]
        return msgspec.json.encode({"items": [shown(one) for one in found], "next": None})


_KEEPERS: dict[str, Callable[[Path], Keeper]] = {OURS: Ours, JSON_FILE: JsonFile, ROWS: SqliteRows}


def run(ask: Ask) -> Told:
    """Opens, lists, searches, writes, in that order."""
    keeper = _KEEPERS[ask.name](Path(ask.folder))
    gc.collect()
    begin = time.perf_counter()
    keeper.open()
    first_read = time.perf_counter() - begin
    told = Told(
        first_read=first_read,
        list=_median(ask.lists, lambda _: keeper.list("")),
        search=_median(ask.lists, lambda _: keeper.list(SEARCHED)),
        list_bytes=len(keeper.list("")),
        write=_median(ask.writes, keeper.write),
    )
    return _with_pages(ask, told) if ask.name == OURS else told


def _median(times: int, do: Callable[[int], object]) -> float:
    taken = []
    for number in range(times):
        begin = time.perf_counter()
        do(number)
        taken.append(time.perf_counter() - begin)
    return percentile(taken, 0.5)


def _with_pages(ask: Ask, told: Told) -> Told:
    app = make_app(_settings(Path(ask.folder)))
    taken = []
    for accept in ("text/html", "application/json"):
        _get(app, ask.token, accept)  # the first one compiles the page
        taken.append(_median(ask.lists, lambda _, accept=accept: _get(app, ask.token, accept)))
    app.registry.db.close()
    return msgspec.structs.replace(told, page=taken[0], answer=taken[1])


def _get(app: Any, token: str, accept: str) -> None:
    told: list[str] = []
    environ = {
        "REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": f"/workspaces/{SLUG}/workflows", "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_HOST": "127.0.0.1",
        "REMOTE_ADDR": "127.0.0.1", "wsgi.input": BytesIO(), "wsgi.errors": sys.stderr, "wsgi.url_scheme": "http",
        "wsgi.version": (1, 0), "wsgi.multithread": False, "wsgi.multiprocess": False, "wsgi.run_once": False,
        "HTTP_ACCEPT": accept, "HTTP_AUTHORIZATION": f"Bearer {token}",
    }  # fmt: skip
    body = b"".join(app(environ, lambda status, _headers, _error=None: told.append(status)))
    if told != ["200 OK"] or not body:
        raise RuntimeError(f"{accept}: {told}")


def _settings(folder: Path) -> Settings:
    return Settings(
        mode=Mode.DEVELOPMENT,
        agent_db_path=str(folder / "agents.db"),
        workflow_store_path=str(folder / "workflows.json"),
        jwt_secret=SECRET,
        database_synchronous="full",
        worker_threads=0,
    )


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(run(msgspec.json.decode(sys.stdin.buffer.read(), type=Ask))))
