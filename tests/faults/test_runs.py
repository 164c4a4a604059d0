"""Servers and workers are killed at random while they drive runs: every run ends right, and nothing is lost."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter, defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from disks import fill
from running import Lab, offer, transform, work
from servers import ROOT, RunningServer

from releaseapp.db import connect
from releaseapp.events.queries import list_events_after

RUNS = int(os.environ.get("FAULT_RUNS", "300"))
FEWEST_KILLS = 8
ACCOUNT = {"email": "avery.owner@example.com", "password": "password123"}


class Effects:
    """A neighbour that steps call: counts what reaches it by its key, and refuses the first try of every fourth."""

    def __init__(self, dice):
        self.seen = Counter()
        self.refused = set()
        self._guard = threading.Lock()
        effects = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                key = self.headers["Idempotency-Key"]
                with effects._guard:
                    refuse = key not in effects.refused and dice.random() < 0.25
                    effects.refused.add(key)
                    effects.seen[key] += not refuse
                body = json.dumps({"key": key}).encode()
                self.send_response(503 if refuse else 200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_arguments):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_arguments):
                """A client that was killed hangs up in the middle."""

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Client:
    """A program that does not give up: a server that is killed is asked again, with the same key."""

    def __init__(self, server):
        self._server = server
        self._token = None

    def ask(self, method, path, body=None, key=None):
        until = time.monotonic() + 120
        while True:
            try:
                return self._once(method, path, body, key)
            except urllib.error.HTTPError as error:
                if error.code not in {409, 503} or (error.code == 409 and not key):
                    raise
            except OSError:
                pass
            assert time.monotonic() < until, f"{method} {path} was not answered"
            time.sleep(0.05)

    def _once(self, method, path, body, key):
        if self._token is None:
            self._token = "none"
            self._token = self._once("POST", "/auth/login", ACCOUNT, None)["token"]
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self._token != "none":
            headers["Authorization"] = f"Bearer {self._token}"
        if key:
            headers["Idempotency-Key"] = key
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self._server.url}{path}", data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return json.load(answer)
        except BaseException:
            if self._token == "none":
                self._token = None
            raise


class Program:
    """A process that may be killed and started again."""

    def __init__(self, start, stop):
        self.start, self.stop = start, stop

    def kill(self):
        self.stop()
        self.start()


def worker_command(server):
    running = {}

    def start():
        with (server.folder / "workers.txt").open("ab") as output:
            running["process"] = subprocess.Popen(
                [sys.executable, "-m", "releaseapp.cli", "worker", str(server.ini)],
                stdout=output, stderr=output, env={**os.environ, **server.environ}, cwd=server.folder,
            )  # fmt: skip

    def stop():
        running["process"].send_signal(signal.SIGKILL)
        running["process"].wait(10)

    return Program(start, stop)


def definition(effects):
    def call(step_id, **more):
        config = {"url": f"{effects.url}/{step_id}", "method": "POST", "body": {"n": "{{ inputs.n }}"}}
        retry = {"max_attempts": 20, "backoff": "fixed", "interval_seconds": 0.02}
        return {"id": step_id, "type": "http.request", "config": config, "retry": retry, **more}

    return {
        "name": "Everything",
        "steps": [
            call("left", needs=[]),
            call("right", needs=[]),
            transform("sum", "{{ inputs.n * 2 }}", needs=["left", "right"]),
            {"id": "pause", "type": "delay", "config": {"seconds": 0.1}},
            {"id": "ask", "type": "approval", "config": {"title": "Go on with {{ inputs.n }}?"}},
            call("each", for_each=[0, 1, 2], max_parallel=2),
        ],
        "output": "{{ steps.sum.output }}",
    }


@pytest.mark.timeout(280)
def test_runs_survive_the_killing_of_servers_and_workers_and_every_step_is_recorded_once(tmp_path):
    seed = random.randrange(1_000_000)
    dice = random.Random(seed)
    effects = Effects(random.Random(seed))
    environ = {
        "OUTBOUND_ALLOWED_NETWORKS": "127.0.0.0/8", "RUN_THREADS": "4", "RUN_LEASE_SECONDS": "2", "WORKER_THREADS": "1",
        "RUNS_AT_ONCE_PER_WORKSPACE": "0", "EVENT_KEEP_DAYS": "30",
    }  # fmt: skip
    server = RunningServer(tmp_path, **environ)
    server.start()
    workers = [worker_command(server) for _ in range(2)]
    for worker in workers:
        worker.start()
    programs = [*workers, Program(server.start, server.kill)]
    client = Client(server)
    over = threading.Event()
    decider = threading.Thread(target=decide, args=(Client(server), over), daemon=True)
    kills = 0
    try:
        base = "/workspaces/aurora/workflows"
        workflow = client.ask("POST", base, {"definition": definition(effects)})["id"]
        client.ask("POST", f"{base}/{workflow}/versions/1/publish", {}, key="publish")
        decider.start()
        runs = []
        starter = threading.Thread(
            target=lambda: runs.extend(
                client.ask("POST", f"{base}/{workflow}/run", {"inputs": {"n": n}}, key=f"start {n}")["id"]
                for n in range(RUNS)
            )
        )
        starter.start()
        db = connect(str(tmp_path / "var" / "agents.db"))
        until = time.monotonic() + 240
        while starter.is_alive() or left(db):
            assert time.monotonic() < until, f"{left(db)} runs are left (seed {seed}, {kills} kills)"
            time.sleep(dice.uniform(0.3, 1.5))
            if kills < 40:
                dice.choice(programs).kill()
                kills += 1
    finally:
        over.set()
        for worker in workers:
            worker.stop()
        server.kill()
        effects.close()
    where = f"seed {seed}, {kills} kills"
    assert kills >= FEWEST_KILLS, where
    assert len(set(runs)) == RUNS, where
    check(db, runs, effects, where)
    db.close()


def left(db):
    return db.first("SELECT COUNT(*) AS number FROM runs WHERE finished_at IS NULL")["number"]


def decide(client, over):
    """Approves whatever is asked, as a person would: now and then, and maybe twice."""
    while not over.is_set():
        for approval in client.ask("GET", "/workspaces/aurora/approvals?status=pending&limit=200")["items"]:
            try:
                client.ask("POST", f"/workspaces/aurora/approvals/{approval['id']}/approve", {})
            except urllib.error.HTTPError as error:
                assert error.code == 409, error
        time.sleep(0.1)


def check(db, runs, effects, where):
    rows = {row["id"]: row for row in db.all("SELECT * FROM runs")}
    assert len(rows) == RUNS, where
    told = Counter()
    ended = defaultdict(list)
    last = 0
    while page := list_events_after(db, last, 2000):
        for event in page:
            assert event.id == last + 1, f"a gap before event {event.id} ({where})"
            last = event.id
            told[event.subject, event.type, event.data.get("step_id"), event.data.get("item")] += 1
            if event.type in {"run.succeeded", "run.failed", "run.cancelled"}:
                ended[event.subject].append(event.type)
    for run_id in runs:
        row = rows[run_id]
        assert (row["status"], row["error"]) == ("succeeded", None), where
        assert json.loads(row["output"]) == json.loads(row["inputs"])["n"] * 2, where
        assert ended[run_id] == ["run.succeeded"], where
        steps = db.all("SELECT * FROM run_steps WHERE run_id = :id ORDER BY step_id, item, attempt", id=run_id)
        places = Counter((step["step_id"], step["item"]) for step in steps if step["status"] == "succeeded")
        every = [(name, -1) for name in ("left", "right", "sum", "pause", "ask", "each")]
        assert places == Counter([*every, *(("each", item) for item in range(3))]), where
        for step_id, item in places:
            assert told[run_id, "step.succeeded", step_id, None if item < 0 else item] == 1, where
        for key in ("left", "right", "each.0", "each.1", "each.2"):
            assert effects.seen[f"{run_id}/{key}/1"] >= 1, f"{key} of {run_id} did nothing ({where})"
    assert db.first("PRAGMA integrity_check")["integrity_check"] == "ok", where


LOCKER = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA journal_mode = WAL")
connection.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
time.sleep(float(sys.argv[2]))
connection.execute("ROLLBACK")
"""


@pytest.mark.timeout(120)
def test_a_database_that_is_locked_for_twenty_seconds_loses_nothing(tmp_path, monkeypatch):
    lab = Lab(tmp_path, busy_timeout_seconds=2, run_lease_seconds=60)
    done, hold = [], threading.Event()

    def slow(config, _context):
        hold.wait(60)
        done.append(config.value)
        return config.value

    offer(monkeypatch, "test.work", slow)
    workflow = lab.workflow(
        work("a", "{{ inputs.n }}"), transform("b", "{{ steps.a.output }}"), output="{{ steps.b.output }}"
    )
    lab.worker.start()
    runs = [lab.start(workflow, {"n": n}) for n in range(2)]
    until = time.monotonic() + 20
    while [lab.steps(run).get(("a", 1)) for run in runs] != ["running"] * 2:
        assert time.monotonic() < until
        time.sleep(0.01)
    locker = subprocess.Popen(
        [sys.executable, "-c", LOCKER, lab.settings.agent_db_path, "20"], stdout=subprocess.PIPE, text=True
    )
    assert locker.stdout.readline() == "locked\n"
    hold.set()
    assert locker.wait(40) == 0
    locker.stdout.close()
    until = time.monotonic() + 30
    while not all(lab.now(run).is_over for run in runs):
        assert time.monotonic() < until
        time.sleep(0.02)
    assert [lab.now(run).output for run in runs] == [0, 1]
    assert sorted(done) == [0, 1]
    lab.close()


def test_a_clock_that_jumps_ends_no_run_wrongly(tmp_path, monkeypatch):
    from running import Clock

    moved = Clock(monkeypatch)
    lab = Lab(tmp_path)
    workflow = lab.workflow(
        transform("a", 1), {"id": "b", "type": "delay", "config": {"seconds": 60}}, transform("c", 3)
    )
    runs = [lab.run(workflow) for _ in range(3)]
    moved.pass_time(-7200)
    assert lab.work() == 0
    fresh = lab.run(workflow)
    moved.pass_time(7200 + 61)
    lab.work()
    assert [lab.now(run).status for run in [*runs, fresh]] == ["succeeded"] * 4
    assert {event.type for event in lab.events()} & {"run.failed", "run.recovered"} == set()
    lab.close()


POISONED = """
import os, sys, threading
sys.path[:0] = [sys.argv[2], sys.argv[3]]
from pathlib import Path
import msgspec
from conftest import settings_for
from releaseapp.credentials.vault import open_vault
from releaseapp.outbound import open_outbound
from releaseapp.runs.machine.kit import Kit
from releaseapp.runs.machine.worker import RunWorker
from releaseapp.steps import step_types
from releaseapp.steps.api import StepType
from releaseapp.storage import open_database, open_workflows
from releaseapp.wakeups import Wakeups, Work
from releaseapp.workflows.store import Store

class Config(msgspec.Struct):
    value: object = None

step_types()["test.work"] = StepType("Poison", "ban", Config, lambda *_: os.kill(os.getpid(), 9), outside=True)
settings = settings_for(Path(sys.argv[1]), run_threads=2, run_lease_seconds=2)
db = open_database(settings)
wakeups = Wakeups(settings.queue_path, Work.RUNS)
kit = Kit(db=db, store=Store(db, open_workflows(settings)), settings=settings, wake=wakeups.wake,
          vault=open_vault(settings), outbound=open_outbound(settings), wake_task=print)
RunWorker(kit, wakeups).start()
threading.Event().wait()
"""


@pytest.mark.timeout(120)
def test_a_step_that_kills_its_worker_is_failed_after_three_takeovers_and_the_workers_live_on(tmp_path, monkeypatch):
    lab = Lab(tmp_path, run_lease_seconds=2)
    offer(monkeypatch, "test.work", lambda _config, _context: None)
    poison = lab.start(lab.workflow(work("poison")))
    deaths = 0
    until = time.monotonic() + 90
    folders = [str(tmp_path), str(ROOT), str(ROOT / "tests")]
    while not lab.now(poison).is_over:
        process = subprocess.Popen([sys.executable, "-c", POISONED, *folders])
        try:
            while process.poll() is None and not lab.now(poison).is_over:
                assert time.monotonic() < until, f"{deaths} deaths, {lab.now(poison)}"
                time.sleep(0.02)
            deaths += process.poll() is not None
        finally:
            process.kill()
            process.wait(10)
    assert deaths == 4
    assert lab.now(poison).error == "Its worker died 3 times while doing it, so it is not tried again."
    assert lab.run(lab.workflow(transform("a", 1))).status == "succeeded"
    lab.close()


def test_a_full_disk_loses_nothing_and_runs_go_on_when_there_is_room_again(small_disk):
    disk = small_disk("12m")
    lab = Lab(disk, run_lease_seconds=2)
    workflow = lab.workflow(transform("a", "{{ inputs.text }}"), transform("b", "{{ steps.a.output }}"))
    runs = [lab.start(workflow, {"text": "x" * 1000}) for _ in range(5)]
    ballast = fill(disk)
    lab.worker.start()
    time.sleep(0.5)
    assert not all(lab.now(run).is_over for run in runs)
    ballast.unlink()
    until = time.monotonic() + 30
    while not all(lab.now(run).is_over for run in runs):
        assert time.monotonic() < until, [lab.now(run).status for run in runs]
        time.sleep(0.05)
    assert {lab.now(run).status for run in runs} == {"succeeded"}
    assert lab.db.first("PRAGMA integrity_check")["integrity_check"] == "ok"
    ids = [event.id for event in lab.events()]
    assert ids == list(range(1, len(ids) + 1))
    lab.close()
