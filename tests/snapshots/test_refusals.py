"""A disk that takes no more, and tools of PostgreSQL that are not up to it: a sentence, and nothing is left."""

import os
import signal
import subprocess
import sys
from contextlib import ExitStack

import pytest
from conftest import settings_for
from databases import database_on, postgres  # noqa: F401 - a fixture
from pasts import tools

from releaseapp.credentials.vault import open_vault
from releaseapp.errors import Busy
from releaseapp.snapshots import service, tars
from releaseapp.snapshots.models import CannotBeMade, Reason
from releaseapp.snapshots.service import Snapshots
from releaseapp.storage import open_database, open_workflows

FULL = """
import resource, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from conftest import settings_for
from releaseapp.credentials.vault import open_vault
from releaseapp.errors import AppError
from releaseapp.snapshots import service
from releaseapp.storage import open_database, open_workflows

settings = settings_for(Path(sys.argv[2]), snapshot_secret=sys.argv[4])
s = service.Snapshots(open_database(settings), open_workflows(settings), settings, open_vault(settings))
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), resource.RLIM_INFINITY))
try:
    service.make_snapshot(s, service.Reason.ASKED, None)
except AppError as error:
    print(error)
"""


@pytest.mark.parametrize("secret", ["", "a secret for snapshots alone, long and varied: 24680"])
@pytest.mark.parametrize("room", ["for nothing", "for a part of the copy", "for the copy, not for the archive"])
def test_a_disk_that_takes_no_more_is_said_and_nothing_is_left(here, tmp_path, secret, room):
    here.db.close()
    size = os.path.getsize(here.settings.agent_db_path)
    limit = {"for nothing": 4096, "for a part of the copy": size // 2}.get(room, size + 512)
    tests = os.path.dirname(os.path.dirname(__file__))
    said = subprocess.check_output([sys.executable, "-c", FULL, tests, str(tmp_path), str(limit), secret], text=True)
    assert "could not be written to" in said
    assert "snapshot_folder" in said
    assert list(here.settings.snapshots.iterdir()) == []


def test_a_snapshot_for_whose_opening_there_is_no_room_is_not_called_damaged(here, monkeypatch):
    name = service.make_snapshot(here, Reason.ASKED, None).manifest.name
    assert service.verify_snapshot(here, name) == []

    def full(*_arguments, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tars, "put", full)
    with pytest.raises(Busy, match="no room"):
        service.verify_snapshot(here, name)
    assert service.find_snapshot(here, name).verified_at is not None


@pytest.fixture
def on_postgres(postgres, tmp_path):  # noqa: F811 - the fixture
    with database_on(postgres) as address, ExitStack() as opened:

        def place(postgres_tools):
            settings = settings_for(tmp_path, agent_db_path=address, postgres_tools=str(postgres_tools))
            db = open_database(settings)
            opened.callback(db.close)
            return Snapshots(db, open_workflows(settings), settings, open_vault(settings))

        yield place


def script(folder, text):
    program = folder / "pg_dump"
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)
    return folder


@pytest.mark.xdist_group("postgresql")
@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, r"There is no pg_dump in .*Install PostgreSQL's client tools, or name their folder in postgres_tools"),
        ("echo 'pg_dump (PostgreSQL) 9.6.24'", r"pg_dump is of version 9, and the server of version 1\d\. Install"),
        ("echo 'pg_dump (PostgreSQL) 99.1 (Debian 99.1-1)'; test $# = 1 || { echo 'no such role' >&2; exit 1; }", "pg_dump failed: no such role"),
    ],
)  # fmt: skip
def test_tools_that_are_not_up_to_it_are_told_with_a_cure(on_postgres, tmp_path, text, sentence):
    folder = tmp_path / "bin"
    folder.mkdir()
    s = on_postgres(script(folder, text) if text else folder)
    with pytest.raises(CannotBeMade, match=sentence):
        service.make_snapshot(s, Reason.ASKED, None)
    assert list(s.settings.snapshots.iterdir()) == []


@pytest.mark.xdist_group("postgresql")
def test_the_password_of_the_database_is_not_among_the_arguments_of_pg_dump(on_postgres, tmp_path, postgres):  # noqa: F811
    real = tools(postgres.get_uri())
    folder, seen = tmp_path / "bin", tmp_path / "seen"
    folder.mkdir()
    script(folder, f'echo "$@" >> {seen}; exec {real}/pg_dump "$@"')
    (folder / "pg_restore").symlink_to(f"{real}/pg_restore")
    s = on_postgres(folder)
    separator = "&" if "?" in s.settings.agent_db_path else "?"
    address = f"{s.settings.agent_db_path}{separator}password=not-for-others-5678"
    settings = settings_for(tmp_path, agent_db_path=address, postgres_tools=str(folder))
    s = Snapshots(s.db, s.file, settings, s.vault)
    assert service.verify_snapshot(s, service.make_snapshot(s, Reason.ASKED, None).manifest.name) == []
    assert "--snapshot=" in seen.read_text()
    assert "not-for-others" not in seen.read_text()


def test_a_signal_is_not_mistaken_for_a_full_disk():
    # Python ignores SIGXFSZ, so that a limit of the file's size is an error like any other; the tests above rest on it.
    assert signal.getsignal(signal.SIGXFSZ) is signal.SIG_IGN
