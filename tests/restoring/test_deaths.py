"""A process that puts a snapshot back is killed at every stage, on both engines: what is there afterwards is whole."""

import os
import signal
import threading
from contextlib import closing

import pytest
from databases import process

from releaseapp.credentials.vault import open_vault
from releaseapp.snapshots.models import Reason
from releaseapp.snapshots.restoring import queries
from releaseapp.snapshots.restoring.aside import opened_aside
from releaseapp.snapshots.service import Snapshots, make_snapshot, opened
from releaseapp.storage import open_database, open_workflows
from releaseapp.workflows.file import Document, WorkflowFile
from releaseapp.workflows.service import create_workflow, reconcile
from releaseapp.workflows.store import By, Store

PROGRAM = """
import os, signal, sys
from pathlib import Path
import msgspec
from releaseapp.settings import Settings
from releaseapp.snapshots.restoring import putting, replacing
from releaseapp.workflows import pending
from releaseapp.workflows.file import WorkflowFile
from releaseapp.snapshots.restoring.aside import opened_aside
from releaseapp.storage import open_database, open_workflows

settings = msgspec.json.decode(sys.argv[1], type=Settings)
folder, stage = Path(sys.argv[2]), sys.argv[3]

def die(*arguments, **options):
    os.kill(os.getpid(), signal.SIGKILL)

def after(function):
    def wrapper(*arguments, **options):
        function(*arguments, **options)
        die()
    return wrapper

STAGES = {
    "before any row goes": (putting, "replace_rows", die),
    "while rows come": (replacing.queries, "update_accounts", after(replacing.queries.update_accounts)),
    "after the rows": (putting, "replace_rows", after(putting.replace_rows)),
    "after what was under way is marked": (putting, "stand_still", after(putting.stand_still)),
    "when the file lies ready": (WorkflowFile, "lay_ready", after(WorkflowFile.lay_ready)),
    "right before the commit": (putting, "_tell", after(putting._tell)),
    "right after the commit": (WorkflowFile, "put_in_place", die),
    "when the file is in its place": (WorkflowFile, "put_in_place", after(WorkflowFile.put_in_place)),
    "before that is written down": (pending, "delete_state", die),
}
where, name, other = STAGES[stage]
setattr(where, name, other)
db, file = open_database(settings), open_workflows(settings)
database = next(path for path in folder.iterdir() if path.name.startswith("agents.d"))
with opened_aside(database, settings) as past:
    document = WorkflowFile(folder / "workflows.json").read()
    putting.put_back(db, file, putting.Past("then", "2026-11-24T00:00:00.000Z", "before", None, past, document))
print("it lived")
"""
FULL = (
    PROGRAM.replace("where, name, other = STAGES[stage]", "where, name, other = putting, '_replace', full")
    .replace(
        "STAGES = {",
        """
real = putting._replace

def full(*arguments):
    import resource
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, resource.RLIM_INFINITY))
    return real(*arguments)

STAGES = {""",
    )
    .replace("    putting.put_back(", "    try:\n        putting.put_back(")
    .replace('print("it lived")', "    except Exception as error:\n        print(f'{type(error).__name__}: {error}')")
)
BEFORE = [
    "before any row goes",
    "while rows come",
    "after the rows",
    "after what was under way is marked",
    "when the file lies ready",
    "right before the commit",
]
AFTER = ["right after the commit", "when the file is in its place", "before that is written down"]


def a_past_and_a_present(place):
    """Then: one workflow and the demo's agents; now: another workflow besides, and no agent."""
    store = Store(place.db, place.file)
    workspace = place.db.first("SELECT id FROM workspaces ORDER BY id LIMIT 1")["id"]
    definition = {"steps": [{"id": "a", "type": "transform", "config": {"value": 1}}]}
    create_workflow(store, workspace, {"name": "Then", **definition}, By(None))
    there = place.copy()
    create_workflow(store, workspace, {"name": "Now", **definition}, By(None))
    place.do("DELETE FROM agents")
    return there


def state(db, file):
    """How many agents, and which workflows."""
    agents = queries.count_rows(db, "agents")
    return agents, sorted(one.shown.name for one in file.read().workflows)


def died_at(place, there, stage):
    import msgspec

    with process(PROGRAM, msgspec.json.encode(place.settings).decode(), there, stage) as one:
        said, _ = one.communicate(timeout=60)
    assert (one.returncode, said) == (-signal.SIGKILL, "")


@pytest.mark.parametrize("stage", BEFORE)
def test_killed_before_the_commit_nothing_has_changed(place, stage):
    there = a_past_and_a_present(place)
    now = state(place.db, place.file)
    died_at(place, there, stage)
    with closing(open_database(place.settings)) as db:
        file = open_workflows(place.settings)
        assert not reconcile(Store(db, file))
        assert state(db, file) == now
    # And nothing of the dead one is in the way.
    place.put_back(there)
    assert state(place.db, place.file)[1] == ["Then"]


@pytest.mark.parametrize("stage", AFTER)
def test_killed_after_the_commit_it_is_finished_at_the_next_start(place, stage):
    there = a_past_and_a_present(place)
    died_at(place, there, stage)
    with closing(open_database(place.settings)) as db:
        file = open_workflows(place.settings)
        reconcile(Store(db, file))
        agents, workflows = state(db, file)
        assert agents > 0
        assert workflows == ["Then"]
        revision = file.read().revision
        reconcile(Store(db, file))
        assert file.read().revision == revision


def test_killed_after_the_commit_it_is_finished_by_whoever_next_writes_workflows(place):
    there = a_past_and_a_present(place)
    died_at(place, there, "right after the commit")
    workspace = place.db.first("SELECT id FROM workspaces ORDER BY id LIMIT 1")["id"]
    definition = {"name": "Next", "steps": [{"id": "a", "type": "transform", "config": {"value": 1}}]}
    create_workflow(Store(place.db, place.file), workspace, definition, By(None))
    assert state(place.db, place.file)[1] == ["Next", "Then"]


def test_killed_after_the_commit_a_snapshot_that_is_made_next_holds_both_sides_of_what_was_put_back(place):
    there = a_past_and_a_present(place)
    died_at(place, there, "right after the commit")
    s = Snapshots(place.db, place.file, place.settings, open_vault(place.settings))
    name = make_snapshot(s, Reason.ASKED, None).manifest.name
    with opened(s, name) as unpacked, opened_aside(unpacked.database, place.settings) as past:
        agents, workflows = state(past, WorkflowFile(unpacked.workflows))
    assert agents > 0
    assert workflows == ["Then"]


def test_a_disk_that_is_full_changes_nothing(place, monkeypatch):
    from releaseapp.errors import Busy

    there = a_past_and_a_present(place)
    now = state(place.db, place.file)

    def full(self, document):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched, pytest.raises(Busy, match="No space left"):
        patched.setattr(type(place.file), "_write_beside", full)
        place.put_back(there)
    assert state(place.db, place.file) == now


@pytest.mark.parametrize("target", ["sqlite"], indirect=True)
def test_a_disk_that_takes_no_more_rows_changes_nothing(place):
    import msgspec

    there = a_past_and_a_present(place)
    now = state(place.db, place.file)
    with process(FULL, msgspec.json.encode(place.settings).decode(), there, "") as one:
        said, _ = one.communicate(timeout=60)
    assert said.startswith("Busy: The disk takes no more"), said
    assert state(place.db, place.file) == now
    place.put_back(there)
    assert state(place.db, place.file)[1] == ["Then"]


def test_whoever_writes_all_the_while_meets_no_error_and_loses_nothing_said_to_be_kept(place):
    there = a_past_and_a_present(place)
    stop, errors, written = threading.Event(), [], []

    def write(number):
        count = 0
        while not stop.is_set():
            count += 1
            key = f"{number}-{count}"
            try:
                place.do("INSERT INTO sign_in_attempts VALUES (:id, 'bucket', '2026')", id=key)
                place.file.change(lambda document: (Document(document.schema, 0, document.workflows), None))
            except Exception as error:
                errors.append(error)
            written.append(key)
        place.db.close_thread()

    threads = [threading.Thread(target=write, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(3):
        place.put_back(there)
    stop.set()
    for thread in threads:
        thread.join(30)
    assert errors == []
    assert {row["id"] for row in place.rows("sign_in_attempts")} == set(written)
    assert state(place.db, place.file)[1] == ["Then"]
    assert os.listdir(place.file.path.parent).count(".workflows.json") == 0
