"""A snapshot's database, opened where nobody else is, and brought to the schema of this version if need be."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from releaseapp.db.api import Database, Reader
from releaseapp.db.ledger import ledger_of
from releaseapp.db.migrate import migrate
from releaseapp.db.migrations import known_migrations
from releaseapp.db.sqlite import SqliteDatabase
from releaseapp.errors import Conflict
from releaseapp.settings import Settings


@contextmanager
def opened_aside(database: Path, settings: Settings) -> Iterator[Database]:
    """The database of an unpacked snapshot: a SQLite file, opened in its place, or a dump, brought into a database.

    Raises ToolFailed when PostgreSQL or its tools are not up to it.
    """
    if database.suffix == ".db":
        with closing(SqliteDatabase(database, synchronous="NORMAL")) as opened:
            yield opened
        return
    from releaseapp.db.postgres_aside import database_of_dump  # noqa: PLC0415 - SQLite needs no driver of PostgreSQL

    with database_of_dump(settings.agent_db_path, database, settings.postgres_tools) as made:
        yield made


def newer_than_this(past: Database) -> list[str]:
    """The migrations of a snapshot that this version does not know."""
    known = {migration.name for migration in known_migrations()}
    return [name for name in ledger_of(past).applied() if name not in known]


def older_than_this(past: Database) -> list[str]:
    """The migrations of this version that a snapshot lacks."""
    applied = set(ledger_of(past).applied())
    return [migration.name for migration in known_migrations() if migration.name not in applied]


def bring_forward(past: Database, app_version: str, *, keep_schema: bool) -> list[str]:
    """Migrates what is aside, unless its schema is to stay; the names of what was applied.

    Raises Conflict when it is newer than this version: only the app that made it can use it.
    """
    newer = newer_than_this(past)
    if newer:
        raise Conflict(newer_sentence(app_version, newer) + " " + newer_cure(app_version))
    return [] if keep_schema else migrate(past)


def newer_sentence(app_version: str, newer: list[str]) -> str:
    """Why a newer snapshot cannot be put back."""
    return f"The snapshot was made by releaseapp {app_version}, and this version does not know {', '.join(newer)}."


def newer_cure(app_version: str) -> str:
    """What helps."""
    return f"Start releaseapp {app_version} (or newer), and put it back with that."


def is_whole(past: Reader, engine: str) -> bool:
    """Whether SQLite finds no fault in its pages; PostgreSQL has just read all of it."""
    if engine != "sqlite":
        return True
    found = past.all("PRAGMA quick_check(1)")
    return [row["quick_check"] for row in found] == ["ok"]
