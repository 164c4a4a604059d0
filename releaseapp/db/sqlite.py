"""SQLite behind the door to SQL."""

import logging
import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

from releaseapp.db.api import Row
from releaseapp.errors import Busy, Conflict

log = logging.getLogger(__name__)

_UNIQUE = {sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY}
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_PRIMARY_CODE = 0xFF
_POLL_SECONDS = 0.025


class _Connection(sqlite3.Connection):
    """A class of our own, since the driver's cannot be referred to weakly."""


class _Thread(threading.local):
    """What belongs to one thread: its connection, and the transaction it is in."""

    connection: sqlite3.Connection | None = None
    transaction: "SqliteTransaction | None" = None


class SqliteTransaction:
    """The open transaction of a thread."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.calls: list[Callable[[], None]] = []
        self.doomed = False

    def all(self, sql: str, /, **parameters: object) -> list[Row]:
        """See :class:`releaseapp.db.api.Reader`."""
        return _rows(_execute(self._connection, sql, parameters))

    def first(self, sql: str, /, **parameters: object) -> Row | None:
        """See :class:`releaseapp.db.api.Reader`."""
        return _first(_execute(self._connection, sql, parameters))

    def run(self, sql: str, /, **parameters: object) -> int:
        """See :class:`releaseapp.db.api.Transaction`."""
        return _execute(self._connection, sql, parameters).rowcount

    def after_commit(self, call: Callable[[], None]) -> None:
        """See :class:`releaseapp.db.api.Transaction`."""
        self.calls.append(call)


class SqliteDatabase:
    """One SQLite file, one connection a thread."""

    engine = "sqlite"

    def __init__(
        self, path: Path, *, synchronous: Literal["FULL", "NORMAL"] = "FULL", busy_timeout: float = 5.0
    ) -> None:
        self.path = path
        self._synchronous = synchronous
        self._busy_timeout = busy_timeout
        self._thread = _Thread()
        self._connections: weakref.WeakSet[sqlite3.Connection] = weakref.WeakSet()
        # Threads of one process queue here; SQLite's busy handler, which sleeps, is left for other processes.
        self._turn = threading.Lock()
        self._listeners: list[Callable[[], None]] = []

    def all(self, sql: str, /, **parameters: object) -> list[Row]:
        """See :class:`releaseapp.db.api.Reader`."""
        return _rows(_execute(self._connection(), sql, parameters))

    def first(self, sql: str, /, **parameters: object) -> Row | None:
        """See :class:`releaseapp.db.api.Reader`."""
        return _first(_execute(self._connection(), sql, parameters))

    @contextmanager
    def transaction(self) -> Iterator[SqliteTransaction]:
        """See :class:`releaseapp.db.api.Database`."""
        outer = self._thread.transaction
        if outer is not None:
            try:
                yield outer
            except BaseException:
                outer.doomed = True
                raise
            return
        if not self._turn.acquire(timeout=self._busy_timeout):
            raise Busy("The database is busy with other writes; try again.")
        try:
            tx = self._begin()
            try:
                yield tx
                if tx.doomed:
                    raise RuntimeError("a part of this transaction failed, so the whole cannot be committed")
                _execute(self._connection(), "COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    self._connection().execute("ROLLBACK")
                raise
            finally:
                self._thread.transaction = None
        finally:
            self._turn.release()
        self._committed(tx)

    def _begin(self) -> SqliteTransaction:
        connection = self._connection()
        _execute(connection, "BEGIN IMMEDIATE")
        tx = self._thread.transaction = SqliteTransaction(connection)
        return tx

    def _committed(self, tx: SqliteTransaction) -> None:
        for call in self._listeners:
            call()
        for call in tx.calls:
            try:
                call()
            except Exception:
                log.exception("a call after a commit failed")

    def on_commit(self, call: Callable[[], None]) -> None:
        """See :class:`releaseapp.db.api.Database`."""
        self._listeners.append(call)

    @contextmanager
    def watch(self, call: Callable[[], None]) -> Iterator[None]:
        """See :class:`releaseapp.db.api.Database`; polls ``PRAGMA data_version`` on a connection of its own."""
        stop = threading.Event()
        connection = self._open()

        def version() -> int:
            return int(connection.execute("PRAGMA data_version").fetchone()[0])

        # Read before the block begins, so that a commit in its first moment is not taken for the state before.
        before = version()

        def poll() -> None:
            seen = before
            while not stop.wait(_POLL_SECONDS):
                present = version()
                if present != seen:
                    seen = present
                    call()

        thread = threading.Thread(target=poll, name="database watch", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()
            connection.close()

    def close_thread(self) -> None:
        """See :class:`releaseapp.db.api.Database`."""
        connection = self._thread.connection
        if connection is not None:
            self._thread.connection = None
            connection.close()

    def close(self) -> None:
        """See :class:`releaseapp.db.api.Database`."""
        for connection in list(self._connections):
            connection.close()

    def _connection(self) -> sqlite3.Connection:
        connection = self._thread.connection
        if connection is None:
            connection = self._thread.connection = self._open()
        return connection

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path,
            factory=_Connection,
            timeout=self._busy_timeout,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=512,
        )
        # In this order: waiting first, so that the switch to WAL may wait for others that open the file.
        connection.execute(f"PRAGMA busy_timeout = {int(self._busy_timeout * 1000)}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {self._synchronous}")
        connection.execute("PRAGMA foreign_keys = ON")
        self._connections.add(connection)
        return connection


def _rows(cursor: sqlite3.Cursor) -> list[Row]:
    # Naming the columns once for all rows: a row factory would do it for each (a third of a list's time).
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _first(cursor: sqlite3.Cursor) -> Row | None:
    row = cursor.fetchone()
    if row is None:
        return None
    names = [column[0] for column in cursor.description]
    # A statement left half read keeps its snapshot, and old snapshots keep the WAL from shrinking.
    cursor.close()
    return dict(zip(names, row, strict=True))


def _execute(
    connection: sqlite3.Connection, sql: str, parameters: Mapping[str, object] | tuple[()] = ()
) -> sqlite3.Cursor:
    """Runs a statement; turns the driver's errors into ours, by code."""
    try:
        return connection.execute(sql, parameters)
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", None)
        if code in _UNIQUE:
            raise Conflict("There is one of these already.") from error
        if code is not None and code & _PRIMARY_CODE in _BUSY:
            raise Busy("The database is busy with other writes; try again.") from error
        raise
