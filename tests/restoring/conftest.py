"""A server with a past: on each engine a database, a workflow file, and folders that hold them as they once were."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from conftest import settings_for

from releaseapp.snapshots.restoring.aside import opened_aside
from releaseapp.snapshots.restoring.putting import Past, put_back
from releaseapp.storage import open_database, open_workflows


class Place:
    """A database and a workflow file that can be copied aside, and put back."""

    def __init__(self, folder: Path, settings, db) -> None:
        self.folder = folder
        self.settings = settings
        self.db = db
        self.file = open_workflows(settings)
        self.number = 0

    def copy(self) -> Path:
        """As a snapshot is made: the database by SQLite's own backup, the file beside it."""
        self.number += 1
        there = self.folder / f"copy-{self.number}"
        there.mkdir()
        with (
            closing(sqlite3.connect(self.settings.agent_db_path)) as live,
            closing(sqlite3.connect(there / "agents.db")) as copy,
        ):
            live.backup(copy)
        shutil.copy(self.settings.workflow_store_path, there / "workflows.json")
        return there

    def put_back(self, there: Path, **changes):
        aside = self.folder / f"aside-{there.name}-{len(list(self.folder.iterdir()))}"
        shutil.copytree(there, aside)
        from releaseapp.workflows.file import WorkflowFile

        with opened_aside(aside / "agents.db", self.settings) as database:
            values = {
                "name": there.name,
                "made_at": "2026-11-24T00:00:00.000Z",
                "before": "before",
                "actor": None,
                "database": database,
                "workflows": WorkflowFile(aside / "workflows.json").read(),
            }
            return put_back(self.db, self.file, Past(**{**values, **changes}))


@pytest.fixture
def place(tmp_path, settings, seeded):
    return Place(tmp_path, settings, seeded)


@pytest.fixture
def bare(tmp_path):
    settings = settings_for(tmp_path / "bare")
    db = open_database(settings)
    yield Place(tmp_path, settings, db)
    db.close()
