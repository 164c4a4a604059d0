"""Takes database and workflow file as they are at one moment, while others go on reading and writing.

The moment is one in which nobody writes: a transaction that changes nothing
holds the turn until both sides are fixed, some milliseconds. Copying, which
takes long, goes on beside the writers.
"""

from collections.abc import Callable
from pathlib import Path

import msgspec

from releaseapp.db.api import Database
from releaseapp.db.catalog import tables_of
from releaseapp.db.ledger import ledger_of
from releaseapp.db.moment import PostgresMoment, moment_of
from releaseapp.events.queries import last_event_id
from releaseapp.settings import Settings
from releaseapp.snapshots.archive import POSTGRES, SQLITE, WORKFLOWS
from releaseapp.snapshots.models import CannotBeMade
from releaseapp.snapshots.restoring.queries import count_rows
from releaseapp.workflows.file import Document, WorkflowFile
from releaseapp.workflows.pending import settle

_DUMP_SECONDS = 6 * 3600


class Pair(msgspec.Struct, frozen=True):
    """What was taken: the database's file, and what is in it and in the workflow file beside it."""

    database: Path
    counts: dict[str, int]
    migrations: list[str]
    last_event_id: int
    document: Document


def take_pair(
    db: Database, file: WorkflowFile, settings: Settings, folder: Path, tell: Callable[[float], None]
) -> Pair:
    """Copies both into ``folder``; ``tell`` hears how far it is, from 0 to 1.

    Raises Busy when the turn does not come or the file cannot be brought up to the database, CannotBeMade when pg_dump
    is missing, too old, or fails, OSError for a full disk.
    """
    documents: list[Document] = []
    migrations: list[str] = []

    def note() -> None:
        # Between a restore's commit and its file the two are of different times. An older schema knows of no such debt.
        if "server_state" in tables_of(db, db.engine):
            settle(db, file)
        documents.append(file.read())
        migrations.extend(ledger_of(db).applied())

    with moment_of(db, settings.agent_db_path, note) as moment:
        counts = {name: count_rows(moment, name) for name in sorted(tables_of(moment, db.engine))}
        last = last_event_id(moment)
        if isinstance(moment, PostgresMoment):
            target = folder / POSTGRES
            _dump(settings, moment.exported, target)
        else:
            target = folder / SQLITE
            moment.copy_to(target, tell)
    (folder / WORKFLOWS).write_bytes(msgspec.json.encode(documents[0]) + b"\n")
    return Pair(target, counts, migrations, last, documents[0])


def _dump(settings: Settings, exported: str, target: Path) -> None:
    from releaseapp.db import postgres_tools as tools  # noqa: PLC0415 - only who uses PostgreSQL has its driver

    try:
        program = tools.find_tool("pg_dump", settings.postgres_tools)
        tools.refuse_older(program, settings.agent_db_path)
        words = [program, "--format=custom", "--no-owner", f"--snapshot={exported}", f"--file={target}"]
        tools.run_tool(words, settings.agent_db_path, _DUMP_SECONDS)
    except tools.ToolFailed as error:
        raise CannotBeMade(str(error)) from error
