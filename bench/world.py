"""What both sides serve: one database with fifty agents in a workspace, and the token of its owner."""

import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from releaseapp.agents.schemas import AgentCreate
from releaseapp.agents.service import create_agent
from releaseapp.auth.service import Caller, sign_in
from releaseapp.seeds import AGENTS, OPERATOR, SEED_PASSWORD, WORKSPACES, seed
from releaseapp.settings import Mode, Settings
from releaseapp.storage import open_database

SECRET = "a secret for measurements, long enough and varied: 0123456789"
AGENTS_SERVED = 50
SLUG = "aurora"

_INI = """
[app:main]
use = egg:releaseapp
mode = development
agent_db_path = {folder}/agents.db
workflow_store_path = {folder}/workflows.json
jwt_secret = {secret}

[server:main]
{server}
host = 127.0.0.1
port = {port}
"""


@dataclass(frozen=True)
class World:
    """A folder with the database, and how to be let in."""

    folder: Path
    token: str
    agent_id: str

    @property
    def list_path(self) -> str:
        return f"/workspaces/{SLUG}/agents"

    @property
    def agent_path(self) -> str:
        return f"{self.list_path}/{self.agent_id}"

    @property
    def database(self) -> Path:
        return self.folder / "agents.db"

    def copy_to(self, folder: Path) -> "World":
        """The same world elsewhere, so that every server starts with the same rows."""
        shutil.copytree(self.folder, folder)
        return World(folder, self.token, self.agent_id)

    def ini(self, server: str, port: int) -> Path:
        """Writes the ini file for ``pserve``; ``server`` is the lines that choose the server."""
        path = self.folder / "bench.ini"
        path.write_text(_INI.format(folder=self.folder, secret=SECRET, server=server, port=port), encoding="utf-8")
        return path


def make_world(folder: Path) -> World:
    """Seeds the demo, fills the workspace up to fifty agents, and signs its owner in."""
    folder.mkdir()
    settings = Settings(
        mode=Mode.DEVELOPMENT,
        agent_db_path=str(folder / "agents.db"),
        workflow_store_path=str(folder / "workflows.json"),
        jwt_secret=SECRET,
    )
    db = open_database(settings)
    seed(db, settings)
    for number in range(AGENTS_SERVED - len(AGENTS[SLUG])):
        given = AgentCreate(
            name=f"Agent {number:02}",
            description="Reads the reports of the week and writes down what has changed since the last ones.",
            instructions="Give it the address of a report.",
            tags=["reports", "weekly"],
        )
        state = create_agent(db, WORKSPACES[SLUG][0], given, actor=None)
    signed_in = sign_in(db, settings, OPERATOR, SEED_PASSWORD, Caller("127.0.0.1", "bench"))
    db.close()
    with closing(sqlite3.connect(folder / "agents.db")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return World(folder, signed_in.token, state.agent.id)
