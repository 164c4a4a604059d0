"""What the list of runs costs when there are few and when there are many: the whole application, without a server.

Run by ``python -m bench.run_list`` with an :class:`Ask` as JSON on standard input; prints a :class:`Told` as JSON.
"""

import statistics
import sys
import time
from io import BytesIO
from pathlib import Path
from typing import Any

import msgspec

from bench.world import SECRET, SLUG
from releaseapp import make_app
from releaseapp.auth.service import Caller, sign_in
from releaseapp.seeds import OPERATOR, SEED_PASSWORD, WORKSPACES, seed
from releaseapp.settings import Mode, Settings
from releaseapp.storage import open_database

_LOOKS = 20
_BATCH = 100_000


class Ask(msgspec.Struct, frozen=True):
    """A folder that is not there yet, and how many runs shall be in it."""

    folder: str
    runs: int


class Told(msgspec.Struct, frozen=True):
    """Medians in seconds of the page and of the JSON."""

    page: float
    answer: float


def measure(ask: Ask) -> Told:
    """Fills a database, and asks the application for the list again and again."""
    folder = Path(ask.folder)
    folder.mkdir()
    settings = Settings(
        mode=Mode.DEVELOPMENT,
        agent_db_path=str(folder / "agents.db"),
        workflow_store_path=str(folder / "workflows.json"),
        jwt_secret=SECRET,
    )
    db = open_database(settings)
    seed(db, settings)
    _fill(db, ask.runs)
    session = sign_in(db, settings, OPERATOR, SEED_PASSWORD, Caller("bench", "127.0.0.1"))
    db.close()
    app = make_app(settings)
    times = {
        kind: [_ask(app, session.token, kind) for _ in range(_LOOKS)] for kind in ("text/html", "application/json")
    }
    return Told(*(statistics.median(found[2:]) for found in times.values()))


def _fill(db: Any, runs: int) -> None:
    workspace = WORKSPACES[SLUG][0]
    with db.transaction() as tx:
        tx.run("INSERT INTO run_definitions (digest, definition) VALUES ('d', '{}')")
    for start in range(0, runs, _BATCH):
        with db.transaction() as tx:
            tx.run(
                """
                INSERT INTO runs (id, workspace_id, workflow_id, workflow_name, version, status, trigger_type, error,
                                  first_run, steps_total, steps_done, created_at, started_at, finished_at, definition,
                                  trigger_data, inputs)
                WITH RECURSIVE numbers (n) AS (SELECT :start UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < :stop)
                SELECT printf('run_0%023d', n), :workspace, printf('wfl_%02d', n % 20), printf('Workflow %d', n % 20),
                       1,
                       CASE WHEN n % 10 THEN 'succeeded' ELSE 'failed' END, 'api',
                       CASE WHEN n % 10 THEN NULL ELSE 'It did not work.' END, printf('run_0%023d', n), 3, 3, :at, :at,
                       :at, 'd', '{"type":"api","by":"avery.owner@example.com"}', '{"x":1}'
                FROM numbers
                """,
                start=start,
                stop=min(start + _BATCH, runs),
                workspace=workspace,
                at="2026-01-01T00:00:00.000Z",
            )


def _ask(app: Any, token: str, accept: str) -> float:
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": f"/workspaces/{SLUG}/runs",
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_ACCEPT": accept,
        "HTTP_AUTHORIZATION": f"Bearer {token}",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    found: list[str] = []
    begin = time.perf_counter()
    body = b"".join(app(environ, lambda status, _headers: found.append(status)))
    taken = time.perf_counter() - begin
    if not found[0].startswith("200") or not body:
        raise SystemExit(f"the list answered {found}")
    return taken


if __name__ == "__main__":
    asked = msgspec.json.decode(sys.stdin.buffer.read(), type=Ask)
    sys.stdout.buffer.write(msgspec.json.encode(measure(asked)))
