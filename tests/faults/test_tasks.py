"""A worker process is killed at random moments; no task is lost, done twice, or left half told."""

import random
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest
from conftest import settings_for

from releaseapp.agents import service as agents
from releaseapp.agents.models import AgentStatus
from releaseapp.agents.schemas import AgentCreate
from releaseapp.agents.tasks import service
from releaseapp.agents.tasks.models import TaskStatus
from releaseapp.auth.service import create_account
from releaseapp.events.queries import list_events_after
from releaseapp.storage import open_database
from releaseapp.wakeups import Wakeups, Work
from releaseapp.workspaces.service import create_workspace

WORKER = """
import sys, threading
from pathlib import Path
from releaseapp.wakeups import Wakeups, Work
from releaseapp.agents.tasks.worker import Worker
from releaseapp.settings import Mode, Settings
from releaseapp.storage import open_database

folder = Path(sys.argv[1])
settings = Settings(
    mode=Mode.DEVELOPMENT, agent_db_path=str(folder / "agents.db"), jwt_secret=sys.argv[2],
    workflow_store_path=str(folder / "workflows.json"), worker_threads=2, task_lease_seconds=2, task_max_attempts=100,
)
worker = Worker(open_database(settings), Wakeups(folder / "queue.db", Work.TASKS), settings)
worker.start()
print("ready", flush=True)
threading.Event().wait()
"""
TASKS = 40
LINES = 4


def start(folder, settings):
    process = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(folder), settings.jwt_secret], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "ready\n"
    return process


def kill(process):
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    process.stdout.close()


def unfinished(db):
    return sum(service.count_unfinished_tasks(db).values())


def all_events(db):
    found, last = [], 0
    while page := list_events_after(db, last, 1000):
        found += page
        last = page[-1].id
    return found


@pytest.mark.timeout(180)
def test_tasks_survive_the_killing_of_their_worker_and_each_is_completed_once(tmp_path):
    seed = random.randrange(1_000_000)
    dice = random.Random(seed)
    settings = settings_for(tmp_path)
    db = open_database(settings)
    queue = Wakeups(tmp_path / "queue.db", Work.TASKS)
    create_workspace(db, "lab", "Lab", create_account(db, settings, "a@example.com", "A", "a long password"),
                     workspace_id="workspace-lab")  # fmt: skip
    steps = [
        {
            "for_each": {
                "items": list(range(LINES)),
                "as": "n",
                "steps": [
                    {"wait": 0.03},
                    {"log": "line {{ n }}"},
                    {"remember": {"key": "task {{ input }} part {{ n }}", "value": "{{ n }}"}},
                ],
            }
        }
    ]
    runtime = {"type": "script", "steps": steps, "output": "{{ input }}"}
    given = AgentCreate(name="Nova", status=AgentStatus.LEARNING, runtime=runtime)
    agent = agents.create_agent(db, "workspace-lab", given, actor=None).agent
    tasks = [service.give_task(db, queue.wake, agent, "Do it", number, actor=None) for number in range(TASKS)]

    kills = 0
    process = start(tmp_path, settings)
    try:
        deadline = time.monotonic() + 150
        while unfinished(db):
            assert time.monotonic() < deadline, f"not done in time (seed {seed}, {kills} kills)"
            time.sleep(dice.uniform(0.02, 0.6))
            if kills < 12 and unfinished(db):
                kill(process)
                kills += 1
                process = start(tmp_path, settings)
    finally:
        kill(process)

    where = f"seed {seed}, {kills} kills"
    assert kills >= 5, where
    events = all_events(db)
    told = Counter((event.subject, event.type) for event in events)
    lines_in_all = 0
    for number, task in enumerate(tasks):
        now = service.find_task(db, agent.id, task.id)
        assert (now.status, now.output) == (TaskStatus.COMPLETED, number), where
        assert told[task.id, "task.completed"] == 1, where
        assert told[task.id, "task.failed"] == 0, where
        assert told[task.id, "task.started"] == 1, where
        assert told[task.id, "task.recovered"] == now.attempts - 1, where
        assert [line.seq for line in now.log] == list(range(1, now.log_lines + 1)), where
        assert told[task.id, "task.stream"] == now.log_lines, where
        texts = [line.text for line in now.log]
        assert texts[-LINES:] == [f"line {n}" for n in range(LINES)], where
        last = [event.type for event in events if event.subject == task.id][-1]
        assert last == "task.completed", where
        lines_in_all += now.log_lines
    assert any(told[task.id, "task.recovered"] for task in tasks), f"no kill hit a task ({where})"
    after = agents.get_agent(db, "workspace-lab", agent.id).agent
    assert after.tasks_completed == TASKS, where
    counted = db.first("SELECT COUNT(*) AS lines FROM task_log_lines")["lines"]
    assert counted == lines_in_all, where
    kept = db.first("SELECT COUNT(*) AS items FROM memory_items")["items"]
    assert after.memory_items == kept == TASKS * LINES, where
    assert db.first("PRAGMA integrity_check")["integrity_check"] == "ok", where
    queue.close()
    db.close()
