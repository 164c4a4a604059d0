"""The workflow file: torn never, lost never, silently replaced never."""

import multiprocessing
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from releaseapp import clock
from releaseapp.errors import Busy, Conflict
from releaseapp.workflows.file import Document, WorkflowFile
from releaseapp.workflows.models import Workflow, WorkflowStatus


def workflow(name: str) -> Workflow:
    now = clock.now_text()
    return Workflow(
        id=name, workspace_id="w", status=WorkflowStatus.DRAFT, agent_id=None, tags=[], published_version=None,
        versions=[], history=[], created_at=now, updated_at=now,
    )  # fmt: skip


def add(file: WorkflowFile, name: str) -> None:
    file.change(
        lambda document: (msgspec.structs.replace(document, workflows=[*document.workflows, workflow(name)]), None)
    )


def ids(path: Path) -> list[str]:
    return [one.id for one in WorkflowFile(path).read().workflows]


@pytest.fixture
def path(tmp_path):
    made = tmp_path / "workflows.json"
    WorkflowFile(made).ensure()
    return made


def write_some(path, writer, number):
    file = WorkflowFile(path)
    for count in range(number):
        add(file, f"{writer}-{count}")


def test_twenty_processes_that_write_at_once_lose_nothing(path):
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=write_some, args=(path, writer, 5)) for writer in range(20)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0] * 20
    found = ids(path)
    assert len(found) == len(set(found)) == 100
    assert WorkflowFile(path).read().revision == 100
    assert sorted(os.listdir(path.parent)) == ["workflows.json", "workflows.json.lock"]


PROGRAM = """
import sys
sys.path.insert(0, {tests!r})
sys.path.insert(0, {root!r})
from pathlib import Path
from faults.test_workflow_file import WorkflowFile, add
file = WorkflowFile(Path({path!r}))
for number in range({begin}, 500):
    add(file, str(number))
    print(number, flush=True)
"""


def test_killed_at_any_moment_it_is_whole_and_holds_what_was_said_to_be_written(path):
    root = Path(__file__).parent.parent.parent
    chance = random.Random(7)
    begin = kills = 0
    while begin < 500:
        program = PROGRAM.format(tests=str(root / "tests"), root=str(root), path=str(path), begin=begin)
        process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
        until = begin + chance.randint(30, 90)
        said = begin - 1
        for line in process.stdout:
            said = int(line)
            if said >= until:
                time.sleep(chance.random() * 0.004)
                process.kill()
                kills += 1
                break
        process.wait(30)
        process.stdout.close()
        found = ids(path)
        assert len(found) > said
        assert found == [str(number) for number in range(len(found))]
        begin = len(found)
    assert kills > 3
    assert ids(path) == [str(number) for number in range(500)]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "not a workflow file"),
        (b"{", "not a workflow file"),
        (b'{"schema": 1, "revision": 3, "workflows": [{"id": 1}]}', "not a workflow file"),
        (b"\xff\xfe", "not a workflow file"),
        (b'{"schema": 2, "revision": 1, "workflows": [], "more": {}}', "newer version (schema 2)"),
        (b"[" * 100_000, "not a workflow file"),
    ],
)
def test_what_cannot_be_read_is_left_alone_and_the_last_good_state_is_still_served(path, content, told):
    file = WorkflowFile(path)
    add(file, "kept")
    path.write_bytes(content)
    assert told in file.fault
    assert [one.id for one in file.read().workflows] == ["kept"]
    with pytest.raises(Conflict, match="cannot be changed now"):
        add(file, "more")
    assert path.read_bytes() == content
    fresh = WorkflowFile(path)
    with pytest.raises(Busy):
        fresh.read()
    with pytest.raises(Conflict):
        add(fresh, "more")
    assert path.read_bytes() == content


def test_a_directory_in_its_place_is_told(tmp_path):
    path = tmp_path / "workflows.json"
    path.mkdir()
    assert "cannot be read" in WorkflowFile(path).fault


def test_an_edit_by_hand_is_taken_up_when_it_is_right_and_refused_when_not(path):
    file = WorkflowFile(path)
    add(file, "one")
    edited = path.read_text().replace('"tags":[]', '"tags":["by hand"]')
    path.write_text(edited)
    assert file.read().workflows[0].tags == ["by hand"]
    path.write_text(edited[:-20])
    assert file.fault is not None
    assert file.read().workflows[0].tags == ["by hand"]
    path.write_text(edited)
    assert file.fault is None
    add(file, "two")
    assert ids(path) == ["one", "two"]


def test_another_process_write_is_seen_without_reading_an_unchanged_file_twice(path, monkeypatch):
    file, other = WorkflowFile(path), WorkflowFile(path)
    add(other, "one")
    parsed = []
    real = WorkflowFile._parse
    monkeypatch.setattr(WorkflowFile, "_parse", lambda self: parsed.append(1) or real(self))
    for _ in range(5):
        assert [one.id for one in file.read().workflows] == ["one"]
    assert len(parsed) == 1
    add(file, "two")
    file.read()
    assert len(parsed) == 1


def test_what_apply_refuses_leaves_the_file_as_it_was(path):
    file = WorkflowFile(path)
    before = path.read_bytes()

    def refuse(_document):
        raise Conflict("no")

    with pytest.raises(Conflict):
        file.change(refuse)
    assert path.read_bytes() == before


def test_a_full_disk_and_a_read_only_one_lose_nothing(small_disk):
    disk = small_disk("64k")
    path = disk / "workflows.json"
    file = WorkflowFile(path)
    file.ensure()
    with pytest.raises(Busy, match="could not be written"):
        for number in range(2000):
            add(file, f"a long name to fill the disk with {number}")
    kept = ids(path)
    assert [one.id for one in file.read().workflows] == kept
    assert len(kept) > 10
    assert [name for name in os.listdir(disk) if name.startswith(".")] == []
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    with pytest.raises((Busy, OSError)):
        add(file, "more")
    assert ids(path) == kept


def test_a_document_comes_back_as_it_was_written(path):
    file = WorkflowFile(path)
    add(file, "one")
    assert isinstance(file.read(), Document)
    assert WorkflowFile(path).read() == file.read()
