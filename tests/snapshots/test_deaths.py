"""Processes that are killed while they make a snapshot, at each of its stages."""

import os
import signal
import subprocess
import sys

import pytest
from conftest import settings_for

from releaseapp.caretaker import Caretaker
from releaseapp.credentials.vault import open_vault
from releaseapp.snapshots import archive, service
from releaseapp.snapshots.models import Reason
from releaseapp.snapshots.service import Snapshots
from releaseapp.storage import open_workflows

PROGRAM = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from conftest import settings_for
from releaseapp.credentials.vault import open_vault
from releaseapp.snapshots import archive, service, taking
from releaseapp.storage import open_database, open_workflows

module, name, place = sys.argv[3].split(".")
module = {"archive": archive, "service": service}[module]
real = getattr(module, name)

def die(*arguments, **options):
    if place == "after":
        real(*arguments, **options)
    os.kill(os.getpid(), signal.SIGKILL)

setattr(module, name, die)
settings = settings_for(Path(sys.argv[2]))
s = service.Snapshots(open_database(settings), open_workflows(settings), settings, open_vault(settings))
service.make_snapshot(s, service.Reason.ASKED, None)
"""


@pytest.mark.parametrize(
    ("moment", "is_kept"),
    [
        ("service.take_pair.before", False),
        ("service.take_pair.after", False),
        ("archive.mark_of.after", False),
        ("archive._put.before", False),
        ("archive._put.after", False),
        ("archive.write_manifest.before", False),
        ("archive.write_manifest.after", True),
    ],
)
def test_whatever_moment_it_dies_in_no_half_snapshot_is_kept_and_the_next_is_made(seeded, tmp_path, moment, is_kept):
    here = os.path.dirname(os.path.dirname(__file__))
    died = subprocess.run(
        [sys.executable, "-c", PROGRAM, here, str(tmp_path), moment], capture_output=True, check=False
    )
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()
    settings = settings_for(tmp_path)
    s = Snapshots(seeded, open_workflows(settings), settings, open_vault(settings))
    assert [service.verify_snapshot(s, one.manifest.name) for one in service.list_snapshots(s)] == [[]] * is_kept
    assert service.verify_snapshot(s, service.make_snapshot(s, Reason.ASKED, None).manifest.name) == []


def test_what_a_dead_process_left_is_cleared_away_after_a_day(seeded, tmp_path):
    settings = settings_for(tmp_path)
    left, young = settings.snapshots / ".making-old", settings.snapshots / ".making-new"
    for folder in (left, young):
        folder.mkdir(parents=True)
        (folder / "agents.db").write_bytes(b"half")
    archive = settings.snapshots / "20200101T000000Z-00000000.snapshot"
    archive.write_bytes(b"without a manifest")
    for path in (left, archive):
        os.utime(path, (1, 1))
    service.make_snapshot(
        Snapshots(seeded, open_workflows(settings), settings, open_vault(settings)), Reason.ASKED, None
    )
    assert not left.exists()
    assert not archive.exists()
    assert young.exists()


def test_the_plain_copy_of_a_dead_process_does_not_lie_there_until_tomorrow(seeded, tmp_path):
    here = os.path.dirname(os.path.dirname(__file__))
    subprocess.run(
        [sys.executable, "-c", PROGRAM, here, str(tmp_path), "service.take_pair.after"],
        capture_output=True,
        check=False,
    )
    settings = settings_for(tmp_path, snapshot_every_hours=0, drill_every_hours=0)
    assert list(settings.snapshots.glob(".making-*/agents.db"))
    s = Snapshots(seeded, open_workflows(settings), settings, open_vault(settings))
    assert Caretaker(s).look() == []
    assert not list(settings.snapshots.glob(".making-*"))


def test_what_a_living_process_is_at_is_left_to_it(seeded, tmp_path):
    settings = settings_for(tmp_path)
    with archive.workshop(settings) as first, archive.workshop(settings) as second:
        assert first.is_dir()
        assert second.is_dir()
    assert list(settings.snapshots.iterdir()) == []
