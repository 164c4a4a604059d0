"""Two plain ways to keep workflows: one JSON file with the standard library, and a row for each version in SQLite.

Both leave out what the product does besides: they check no definition, take no
lock against other processes, and have nothing to say of a file that is broken.
"""

import json
import os
import sqlite3
from pathlib import Path
from typing import Any

from bench.workflow_world import PAGE, WORKSPACE, definition
from releaseapp import clock

_VERSION_FIELDS = ("number", "status", "author", "change_summary", "base", "name", "created_at", "updated_at")
_FIELDS = ("id", "workspace_id", "name", "description", "status", "agent_id", "tags", "published_version", "triggers",
           "versions", "created_at", "updated_at", "deleted_at")  # fmt: skip


class JsonFile:
    """The whole document is dumped, synced and renamed into place with each write; reads are from memory."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "workflows.json"
        self._document: dict[str, Any] = {}

    def open(self) -> None:
        with self._path.open(encoding="utf-8") as file:
            self._document = json.load(file)

    def write(self, number: int) -> None:
        workflow = self._document["workflows"][number % len(self._document["workflows"])]
        now = clock.now_text()
        workflow["versions"][-1].update(definition=definition(number, now), updated_at=now)
        workflow["updated_at"] = now
        workflow["history"].append({"id": clock.new_id("his"), "at": now, "action": "updated"})
        beside = self._path.with_suffix(".new")
        with beside.open("w", encoding="utf-8") as file:
            # Not json.dump, which writes piece by piece in Python, and takes ten times as long.
            file.write(json.dumps(self._document))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._path)

    def list(self, search: str) -> bytes:
        found = [
            one
            for one in self._document["workflows"]
            if one["workspace_id"] == WORKSPACE
            and one.get("deleted_at") is None
            and search in f"{_shown(one)['name']}\n{_shown(one)['description']}\n{one['tags']}".lower()
        ]
        found.sort(key=lambda one: (one["updated_at"], one["id"]), reverse=True)
        return _answer([_item(one, _shown(one), one["versions"]) for one in found[:PAGE]])


class SqliteRows:
    """A row for each version, in WAL mode with ``synchronous = FULL``, as the product's own database in production."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "rows.db"
        self._source = folder / "workflows.json"
        self._ids: list[str] = []
        self._fill()

    def _fill(self) -> None:
        connection = sqlite3.connect(self._path)
        connection.executescript(_TABLES)
        for one in json.loads(self._source.read_bytes())["workflows"]:
            shown = _shown(one)
            values = {name: one.get(name) for name in _FIELDS if name not in {"versions", "triggers"}}
            connection.execute(
                "INSERT INTO workflows VALUES (:id, :workspace_id, :name, :description, :status, :agent_id, :tags,"
                " :published_version, :created_at, :updated_at, :deleted_at)",
                {**values, "name": shown["name"], "description": shown["description"], "tags": json.dumps(one["tags"])},
            )
            connection.executemany(
                "INSERT INTO versions VALUES (:id, :number, :status, :author, :change_summary, :base, :name,"
                " :created_at, :updated_at, :definition)",
                [{**version, "id": one["id"], "definition": json.dumps(version["definition"])}
                 for version in one["versions"]],
            )  # fmt: skip
        connection.commit()
        self._ids = [row[0] for row in connection.execute("SELECT id FROM workflows ORDER BY updated_at DESC")]
        connection.close()

    def open(self) -> None:
        self._connection = sqlite3.connect(self._path, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=FULL")
        self._connection.row_factory = sqlite3.Row
        self.list("")

    def write(self, number: int) -> None:
        workflow_id, now = self._ids[number % len(self._ids)], clock.now_text()
        run = self._connection.execute
        run("BEGIN IMMEDIATE")
        run("UPDATE versions SET definition = ?, updated_at = ? WHERE workflow_id = ? AND status = 'draft'",
            (json.dumps(definition(number, now)), now, workflow_id))  # fmt: skip
        run("UPDATE workflows SET updated_at = ? WHERE id = ?", (now, workflow_id))
        run("INSERT INTO history VALUES (?, ?, ?, 'updated')", (clock.new_id("his"), workflow_id, now))
        run("COMMIT")

    def list(self, search: str) -> bytes:
        rows = self._connection.execute(
            "SELECT * FROM workflows WHERE workspace_id = ? AND deleted_at IS NULL AND (? = '' OR instr(lower(name ||"
            " char(10) || description || char(10) || tags), ?)) ORDER BY updated_at DESC, id DESC LIMIT ?",
            (WORKSPACE, search, search, PAGE),
        ).fetchall()
        marks = ", ".join("?" * len(rows))
        versions: dict[str, list[sqlite3.Row]] = {}
        for row in self._connection.execute(
            f"SELECT workflow_id, {', '.join(_VERSION_FIELDS)} FROM versions WHERE workflow_id IN ({marks})"
            " ORDER BY workflow_id, number",
            [row["id"] for row in rows],
        ):
            versions.setdefault(row["workflow_id"], []).append(row)
        return _answer([_item({**row, "tags": json.loads(row["tags"])}, row, versions[row["id"]]) for row in rows])


def _shown(workflow: dict[str, Any]) -> dict[str, Any]:
    number = workflow["published_version"]
    return next((one for one in workflow["versions"] if one["number"] == number), workflow["versions"][-1])


def _item(workflow: Any, shown: Any, versions: list[Any]) -> dict[str, Any]:
    values = {
        **workflow,
        "name": shown["name"],
        "description": shown["description"],
        "versions": [{name: one[name] for name in _VERSION_FIELDS} for one in reversed(versions)],
        "triggers": [],
        "deleted_at": None,
    }
    return {name: values[name] for name in _FIELDS}


def _answer(items: list[dict[str, Any]]) -> bytes:
    return json.dumps({"items": items, "next": None}, separators=(",", ":")).encode()


_TABLES = """
CREATE TABLE workflows (id TEXT PRIMARY KEY, workspace_id TEXT, name TEXT, description TEXT, status TEXT,
    agent_id TEXT, tags TEXT, published_version INTEGER, created_at TEXT, updated_at TEXT, deleted_at TEXT);
CREATE INDEX workflows_changed ON workflows (workspace_id, updated_at DESC, id DESC);
CREATE TABLE versions (workflow_id TEXT, number INTEGER, status TEXT, author TEXT, change_summary TEXT, base INTEGER,
    name TEXT, created_at TEXT, updated_at TEXT, definition TEXT, PRIMARY KEY (workflow_id, number));
CREATE TABLE history (id TEXT PRIMARY KEY, workflow_id TEXT, at TEXT, action TEXT);
"""
