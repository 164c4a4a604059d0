"""A live database with a past state of it beside: ``past.accounts`` in SQL, where ``accounts`` is the live one.

On SQLite the past is a file that is attached; on PostgreSQL it is copied into a schema of the live database first,
which nobody else looks at.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from releaseapp.db.api import Database
from releaseapp.db.sqlite import SqliteDatabase, SqliteSession


@contextmanager
def beside(live: Database, past: Database, tables: Sequence[str], *, patience: float) -> Iterator[Database]:
    """A door of its own to ``live``, through which the ``tables`` of ``past`` are seen as well.

    Its transactions take their turn among all others, and wait for it up to ``patience`` seconds. On SQLite they do
    not look after references between tables: whoever writes through it checks them before the commit.
    """
    door: Database
    if isinstance(live, SqliteDatabase) and isinstance(past, SqliteDatabase):
        past.close_thread()
        door = _SqliteBeside(live, past, patience)
        try:
            yield door
        finally:
            door.close()
        return
    from releaseapp.db.postgres import PostgresDatabase  # noqa: PLC0415 - only who uses PostgreSQL has its driver
    from releaseapp.db.postgres_aside import with_past  # noqa: PLC0415

    if not isinstance(live, PostgresDatabase) or not isinstance(past, PostgresDatabase):
        raise TypeError("both databases must be of one engine")
    with with_past(live, past, tables, patience) as door:
        yield door


class _SqliteBeside(SqliteDatabase):
    """The live file, with the file of the past attached."""

    def __init__(self, live: SqliteDatabase, past: SqliteDatabase, patience: float) -> None:
        super().__init__(live.path, synchronous="FULL", busy_timeout=patience)
        # One queue for all threads of the process: who waits there longest is next, here as everywhere.
        self._turn = live._turn  # noqa: SLF001 - the same room
        self._past = past.path

    def connect(self) -> SqliteSession:
        """See :class:`releaseapp.db.threaded.ThreadedDatabase`."""
        session = super().connect()
        session.run("ATTACH DATABASE :path AS past", {"path": str(self._past)})
        # Rows go and come table by table; a transaction cannot switch this off by itself.
        session.run("PRAGMA foreign_keys = OFF", {})
        return session
