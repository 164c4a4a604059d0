"""A database as it is at one moment, held still for one reader while others go on writing."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from releaseapp.db.api import Database, Row
from releaseapp.db.sqlite import SqliteDatabase

_PAGES_AT_ONCE = 4096


class SqliteMoment:
    """A read transaction: what others write meanwhile goes into the WAL, and is not seen here."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def all(self, sql: str, /, **parameters: object) -> list[Row]:
        """See :class:`releaseapp.db.api.Reader`."""
        cursor = self._connection.execute(sql, parameters)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def first(self, sql: str, /, **parameters: object) -> Row | None:
        """See :class:`releaseapp.db.api.Reader`."""
        return next(iter(self.all(sql, **parameters)), None)

    def copy_to(self, path: Path, tell: Callable[[float], None]) -> None:
        """Copies every page into a new file; ``tell`` hears how far it is, from 0 to 1.

        Raises OSError when the disk takes no more, or cannot be read.
        """

        def progress(_status: int, remaining: int, total: int) -> None:
            tell(1 - remaining / total if total else 1.0)

        try:
            with closing(sqlite3.connect(path)) as copy:
                self._connection.backup(copy, pages=_PAGES_AT_ONCE, progress=progress, sleep=0)
                # One file without a WAL beside it: it is packed as it lies there.
                copy.execute("PRAGMA journal_mode = DELETE")
        except sqlite3.OperationalError as error:
            raise OSError(f"SQLite says: {error}") from error


class PostgresMoment:
    """A repeatable read; ``exported`` is the name by which pg_dump takes up the very same state."""

    def __init__(self, connection: Any, exported: str) -> None:
        self._connection = connection
        self.exported = exported

    def all(self, sql: str, /, **parameters: object) -> list[Row]:
        """See :class:`releaseapp.db.api.Reader`; takes no parameters."""
        if parameters:
            raise TypeError("a moment is read without parameters")
        return list(self._connection.execute(sql).fetchall())

    def first(self, sql: str, /, **parameters: object) -> Row | None:
        """See :class:`releaseapp.db.api.Reader`."""
        return next(iter(self.all(sql, **parameters)), None)


@contextmanager
def moment_of(db: Database, url: str, at_that_moment: Callable[[], None]) -> Iterator[SqliteMoment | PostgresMoment]:
    """The state in which ``at_that_moment`` is called: nobody writes while it is fixed, some milliseconds.

    ``url`` is where a PostgreSQL is. Raises Busy when the turn does not come.
    """
    if isinstance(db, SqliteDatabase):
        with closing(sqlite3.connect(db.path, isolation_level=None)) as connection:
            with db.transaction():
                connection.execute("BEGIN")
                # The first read fixes what is seen until the end.
                connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
                at_that_moment()
            yield SqliteMoment(connection)
        return
    from releaseapp.db.postgres import open_connection  # noqa: PLC0415 - only who uses PostgreSQL has its driver

    with open_connection(url) as connection:
        with db.transaction():
            connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            row = connection.execute("SELECT pg_export_snapshot() AS name").fetchone()
            at_that_moment()
        yield PostgresMoment(connection, str(row["name"]) if row else "")
