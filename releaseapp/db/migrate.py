"""Brings a database to the schema of this version."""

import importlib
import pkgutil
from pathlib import Path

import sqlite_utils
from filelock import FileLock
from sqlite_utils.migrations import Migrations

from releaseapp.db import migrations
from releaseapp.db.api import Database
from releaseapp.db.sqlite import SqliteDatabase

_IDENTITY = "INTEGER PRIMARY KEY AUTOINCREMENT"


def migrate(db: Database) -> list[str]:
    """Applies what is pending; returns the names of what it applied."""
    if not isinstance(db, SqliteDatabase):
        raise NotImplementedError(db.engine)
    path = Path(db.path)
    with FileLock(f"{path}.migrate-lock"):
        target = sqlite_utils.Database(path)
        try:
            known = _migrations()
            names = [migration.name for migration in known.pending(target)]
            known.apply(target)
        finally:
            target.close()
    return names


def pending(db: Database) -> list[str]:
    """The names of migrations that the database still lacks."""
    if not isinstance(db, SqliteDatabase):
        raise NotImplementedError(db.engine)
    target = sqlite_utils.Database(Path(db.path))
    try:
        return [migration.name for migration in _migrations().pending(target)]
    finally:
        target.close()


def _migrations() -> Migrations:
    known = Migrations("releaseapp")
    for module in sorted(info.name for info in pkgutil.iter_modules(migrations.__path__)):
        statements = importlib.import_module(f"{migrations.__name__}.{module}").STATEMENTS

        def apply(target: sqlite_utils.Database, statements: list[str] = statements) -> None:
            for statement in statements:
                target.execute(statement.replace("{identity}", _IDENTITY))

        known(name=module)(apply)
    return known
