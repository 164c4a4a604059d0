"""A server does not start on half of its data: it says what is missing and what helps, and leaves everything as it was."""

import json
import os
import sqlite3
import subprocess
from contextlib import closing

import pytest
from conftest import settings_for
from databases import database_on, postgres  # noqa: F401 - a fixture
from servers import RunningServer

from releaseapp import make_app
from releaseapp.errors import SettingsError
from releaseapp.seeds import seed, seed_workflows
from releaseapp.storage import open_database, open_workflows
from releaseapp.workflows.store import Store


@pytest.fixture
def data(tmp_path):
    """The settings of a server with accounts and workflows, which has ended."""
    settings = settings_for(tmp_path, seed_demo=True, mode="development")
    make_app(settings).registry.db.close()
    return settings


def state_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file() and path.suffix != ".lock"}


def refusal(settings):
    before = state_of(settings.data_folder)
    with pytest.raises(SettingsError) as refused:
        make_app(settings)
    assert state_of(settings.data_folder) == before
    return str(refused.value)


def test_a_database_that_is_gone_is_not_made_anew_beside_its_workflows(data, tmp_path):
    (tmp_path / "agents.db").unlink()
    said = refusal(data)
    assert "There is no database at" in said
    assert "4 workflows" in said
    assert "releaseapp snapshot restore" in said
    # Nor beside a file that somebody has emptied.
    (tmp_path / "agents.db").touch()
    assert "There is no database at" in refusal(data)


def test_a_log_without_its_database_is_not_thrown_away(data, tmp_path):
    (tmp_path / "agents.db").rename(tmp_path / "elsewhere")
    (tmp_path / "workflows.json").unlink()
    (tmp_path / "agents.db-wal").write_bytes(b"pages that were not yet in the database")
    assert "agents.db-wal is there" in refusal(data)


def test_workflows_that_are_gone_are_not_replaced_by_none(data, tmp_path):
    file = tmp_path / "workflows.json"
    file.unlink()
    said = refusal(data)
    assert f"{file} is not there" in said
    # A command has made an empty one meanwhile.
    open_workflows(data)
    said = refusal(data)
    # Who means it writes what it says.
    file.write_text(said[said.index("{") : said.rindex("}") + 1])
    app = make_app(data)
    assert app.registry.workflow_file.read().revision == json.loads(file.read_bytes())["revision"]
    app.registry.db.close()


def test_workflows_of_another_database_are_not_served(data, tmp_path):
    open_database(settings_for(tmp_path / "other")).close()
    (tmp_path / "agents.db").write_bytes((tmp_path / "other" / "agents.db").read_bytes())
    assert "do not belong together" in refusal(data)


@pytest.mark.parametrize("content", [b"Dear friend, " * 40, b"SQLite format 3\0" + b"x" * 5000])
def test_a_file_that_is_no_database_is_told_and_left(data, tmp_path, content):
    (tmp_path / "agents.db").write_bytes(content)
    said = refusal(data)
    assert "cannot be used as the database" in said
    assert "It is left as it is" in said


@pytest.mark.parametrize("bytes_left", [100, 4096, -4096])
def test_a_database_that_was_copied_only_in_part_is_told_and_left(data, tmp_path, bytes_left):
    file = tmp_path / "agents.db"
    os.truncate(file, bytes_left if bytes_left > 0 else file.stat().st_size + bytes_left)
    assert "cannot be used as the database" in refusal(data)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a disk needs root")
def test_a_volume_that_is_mounted_for_reading_alone_is_told(data, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(disk)], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"no tmpfs here: {mounted.stderr.decode().strip()}")
    try:
        for name in ("agents.db", "workflows.json"):
            (disk / name).write_bytes((tmp_path / name).read_bytes())
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        assert "give it to the account that the server runs as" in refusal(settings_for(disk))
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_the_server_itself_says_it_in_a_sentence_and_ends(tmp_path):
    server = RunningServer(tmp_path)
    server.start().stop()
    (tmp_path / "var" / "agents.db").unlink()
    with pytest.raises(RuntimeError, match="There is no database at") as refused:
        server.start()
    assert "Traceback" not in str(refused.value)
    assert not (tmp_path / "var" / "agents.db").exists()


@pytest.mark.xdist_group("postgresql")
def test_on_postgresql_an_empty_database_beside_workflows_is_refused(postgres, data, tmp_path):  # noqa: F811
    with database_on(postgres) as address:
        settings = settings_for(tmp_path, agent_db_path=address)
        with pytest.raises(SettingsError, match="do not belong together"):
            make_app(settings)


def test_a_restore_that_died_before_the_file_is_brought_to_its_end_first(tmp_path):
    settings = settings_for(tmp_path)
    with closing(open_database(settings)) as db:
        seed(db, settings)
        seed_workflows(Store(db, open_workflows(settings)))
        document = (tmp_path / "workflows.json").read_text()
    with closing(sqlite3.connect(tmp_path / "agents.db")) as bare:
        bare.execute("INSERT INTO server_state VALUES ('workflows.owed', ?, '2026-01-01T00:00:00.000Z')", [document])
        bare.commit()
    (tmp_path / "workflows.json").unlink()
    app = make_app(settings)
    assert len(app.registry.workflow_file.read().workflows) == 4
    app.registry.db.close()


def test_what_is_made_is_for_the_server_alone_and_stays_for_whom_the_operator_lets(tmp_path):
    settings = settings_for(tmp_path)
    app = make_app(settings)
    made = (tmp_path / "agents.db", tmp_path / "workflows.json")
    assert [path.stat().st_mode & 0o777 for path in made] == [0o600, 0o600]
    made[1].chmod(0o640)
    file = app.registry.workflow_file
    file.change(lambda document: (document, None))
    assert made[1].stat().st_mode & 0o777 == 0o640
    app.registry.db.close()
