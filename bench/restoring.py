"""How long writes wait while a snapshot is put back, and what readers feel: ``python bench/restoring.py``.

A database of so many runs (each with steps, log lines and events) is copied aside, a part of it changes, and the copy
is put back while a thread writes and another reads.
"""

import argparse
import shutil
import sqlite3
import statistics
import sys
import tempfile
import threading
import time
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from conftest import settings_for

from releaseapp import clock
from releaseapp.seeds import seed
from releaseapp.snapshots.restoring.aside import opened_aside
from releaseapp.snapshots.restoring.putting import Past, put_back
from releaseapp.storage import open_database, open_workflows

FILL = [
    "INSERT OR IGNORE INTO run_definitions VALUES ('d', '{\"steps\": []}')",
    """
    INSERT INTO runs (id, workspace_id, workflow_id, workflow_name, version, status, trigger_type, first_run,
                      steps_total, created_at, definition, trigger_data, inputs, finished_at)
    {count} SELECT 'run_' || printf('%08d', n), (SELECT MIN(id) FROM workspaces), 'wf', 'W', 1, 'succeeded', 'api',
                   'run_' || printf('%08d', n), 5, '2026', 'd', '{{}}', '{{"customer": "somebody at example.com"}}',
                   '2026'
    FROM c
    """,
    """
    INSERT INTO run_steps (run_id, step_id, item, attempt, type, status, started_at, input, output)
    {count} SELECT 'run_' || printf('%08d', n / 5 + 1), 's' || (n % 5), -1, 1, 'transform', 'succeeded', '2026',
                   '{{"value": ' || n || '}}', hex(randomblob(60)) FROM c WHERE n < :many * 5 - 5
    """,
    """
    INSERT INTO events (workspace_id, type, subject, actor, at, data)
    {count} SELECT (SELECT MIN(id) FROM workspaces), 'run.succeeded', 'run_' || n, NULL, '2026',
                   '{{"workflow_id": "wf", "status": "succeeded"}}' FROM c WHERE n < :many * 5
    """,
]
COUNT = "WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < :rows)"


def fill(db, runs: int) -> None:
    with db.transaction() as tx:
        for statement, rows in zip(FILL, (1, runs, runs * 5, runs * 5), strict=True):
            tx.run(statement.format(count=COUNT), rows=rows, many=runs) if "{count}" in statement else tx.run(statement)


def timed(act, stop: threading.Event, found: list[float]) -> None:
    while not stop.is_set():
        began = time.perf_counter()
        act()
        found.append(time.perf_counter() - began)
        time.sleep(0.001)


def measure(runs: int, share: int) -> None:
    folder = Path(tempfile.mkdtemp(prefix="bench-restoring-"))
    settings = settings_for(folder)
    with closing(open_database(settings)) as db:
        seed(db, settings)
        file = open_workflows(settings)
        fill(db, runs)
        copy = folder / "copy.db"
        with closing(sqlite3.connect(settings.agent_db_path)) as live, closing(sqlite3.connect(copy)) as there:
            live.backup(there)
        with db.transaction() as tx:
            tx.run("UPDATE runs SET error = 'changed' WHERE id LIKE :like", like=f"%{'0' * share}")
            tx.run("DELETE FROM run_steps WHERE run_id LIKE :like", like=f"%1{'0' * (share - 1)}")
        size = Path(settings.agent_db_path).stat().st_size / 1e6
        stop, writes, reads = threading.Event(), [], []

        def write() -> None:
            with db.transaction() as tx:
                tx.run("INSERT INTO sign_in_attempts VALUES (:id, 'b', '2026')", id=clock.new_id("att"))

        def read() -> None:
            db.first("SELECT COUNT(*) AS n FROM agents")

        threads = [
            threading.Thread(target=timed, args=(act, stop, found)) for act, found in ((write, writes), (read, reads))
        ]
        for thread in threads:
            thread.start()
        began = time.perf_counter()
        with opened_aside(copy, settings) as past:
            outcome = put_back(db, file, Past("then", clock.now_text(), "before", None, past, file.read()))
        took = time.perf_counter() - began
        stop.set()
        for thread in threads:
            thread.join()
    print(
        f"{size:7.0f} MB, {runs:,} runs, 1 row in {10**share:,} changed: {took:.2f} s, writes waited"
        f" {outcome.seconds_writes_waited:.2f} s (longest seen {max(writes):.2f} s),"
        f" reads p50 {statistics.median(reads) * 1000:.1f} ms, longest {max(reads) * 1000:.0f} ms"
    )
    shutil.rmtree(folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, nargs="*", default=[1_000, 10_000, 50_000])
    parser.add_argument("--share", type=int, default=2, help="one row in ten to the power of this has changed")
    given = parser.parse_args()
    for runs in given.runs:
        measure(runs, given.share)


if __name__ == "__main__":
    main()
