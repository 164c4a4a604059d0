"""SQLite behind the door to SQL."""

import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Literal, NoReturn

import sqlite_utils

from releaseapp import clock
from releaseapp.db.api import Row
from releaseapp.db.threaded import Parameters, Session, ThreadedDatabase, call_and_log
from releaseapp.db.turn import Turn
from releaseapp.errors import Busy, Conflict

log = logging.getLogger(__name__)

_UNIQUE = {
    sqlite3.SQLITE_CONSTRAINT_UNIQUE,
    sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY,
    sqlite3.SQLITE_CONSTRAINT_ROWID,
}
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_NO_ROOM = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_FSYNC}
_PRIMARY_CODE = 0xFF
# SQLite's own waiting sleeps longer and longer, up to 100 ms, and so hardly ever meets the gap between two
# transactions of a busy neighbour. It is cut short and begun anew: a look about every 3 ms.
_NAP_MILLISECONDS = 10
_POLL_SECONDS = 0.025
_RETRY_SECONDS = 1.0
_INCREMENTAL = 2


class SqliteSession(Session):
    """One connection to a SQLite file."""

    def __init__(self, database: sqlite_utils.Database, turn: Turn, busy_timeout: float) -> None:
        self.database = database
        self._connection = database.conn
        self._turn = turn
        self._has_turn = False
        self._busy_timeout = busy_timeout

    def all(self, sql: str, parameters: Parameters) -> list[Row]:
        """See :class:`Session`."""
        cursor = self._execute(sql, parameters)
        # Naming the columns once for all rows: a row factory would do it for each (a third of a list's time).
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def first(self, sql: str, parameters: Parameters) -> Row | None:
        """See :class:`Session`."""
        cursor = self._execute(sql, parameters)
        row = cursor.fetchone()
        if row is None:
            return None
        names = [column[0] for column in cursor.description]
        # A statement left half read keeps its snapshot, and old snapshots keep the WAL from shrinking.
        cursor.close()
        return dict(zip(names, row, strict=True))

    def run(self, sql: str, parameters: Parameters) -> int:
        """See :class:`Session`."""
        changed = self._execute(sql, parameters).rowcount
        if changed < 0 and sql.lstrip()[:4].upper() == "WITH":
            # The driver counts only what begins with INSERT, UPDATE or DELETE.
            changed = int(self._connection.execute("SELECT changes()").fetchone()[0])
        return max(changed, 0)

    def begin(self) -> None:
        """See :class:`Session`."""
        deadline = clock.monotonic() + self._busy_timeout
        # Threads of one process queue here, in order; looking again and again is left for other processes.
        if not self._turn.acquire(self._busy_timeout):
            raise _busy()
        self._has_turn = True
        try:
            self._execute("BEGIN IMMEDIATE", {}, deadline)
        except BaseException:
            self._pass_turn()
            raise

    def commit(self) -> None:
        """See :class:`Session`."""
        # Fails when the engine has undone everything by itself, as it does when the disk is full.
        self._execute("COMMIT", {})
        self._pass_turn()

    def roll_back(self) -> None:
        """See :class:`Session`."""
        with suppress(sqlite3.Error):
            # Some errors (a full disk) have undone everything already.
            self._connection.execute("ROLLBACK")
        self._pass_turn()

    def close(self) -> None:
        """See :class:`Session`."""
        self._connection.close()

    def _pass_turn(self) -> None:
        if self._has_turn:
            self._has_turn = False
            self._turn.release()

    def _execute(self, sql: str, parameters: Parameters, deadline: float | None = None) -> sqlite3.Cursor:
        try:
            return self._connection.execute(sql, parameters)
        except sqlite3.Error as error:
            if not _is_busy(error) or self._connection.in_transaction:
                _refuse(error)
        if deadline is None:
            deadline = clock.monotonic() + self._busy_timeout
        return patiently(lambda: self._connection.execute(sql, parameters), deadline)


class SqliteDatabase(ThreadedDatabase):
    """One SQLite file, one connection a thread."""

    engine = "sqlite"

    def __init__(
        self, path: Path, *, synchronous: Literal["FULL", "NORMAL"] = "FULL", busy_timeout: float = 5.0
    ) -> None:
        super().__init__()
        self.path = path
        self._synchronous = synchronous
        self._busy_timeout = busy_timeout
        self._turn = Turn()

    def connect(self) -> SqliteSession:
        """See :class:`ThreadedDatabase`."""
        connection = sqlite3.connect(
            self.path, timeout=0, isolation_level=None, check_same_thread=False, cached_statements=512
        )
        try:
            # Neither plugins nor triggers that others installed shall change what a statement does.
            database = sqlite_utils.Database(connection, recursive_triggers=False, execute_plugins=False)
            # In this order: waiting first, so that the switch to WAL may wait for others that open the file.
            connection.execute(f"PRAGMA busy_timeout = {_NAP_MILLISECONDS}")
            deadline = clock.monotonic() + self._busy_timeout
            if patiently(lambda: connection.execute("PRAGMA page_count"), deadline).fetchone() == (0,):
                # Only before the first page is written, the WAL mode's included; see give_back_space.
                patiently(lambda: connection.execute("PRAGMA auto_vacuum = INCREMENTAL"), deadline).close()
            patiently(lambda: connection.execute("PRAGMA journal_mode = WAL"), deadline).close()
            connection.execute(f"PRAGMA synchronous = {self._synchronous}")
            connection.execute("PRAGMA foreign_keys = ON")
        except BaseException:
            connection.close()
            raise
        return SqliteSession(database, self._turn, self._busy_timeout)

    def sqlite_utils(self) -> sqlite_utils.Database:
        """The calling thread's connection as sqlite-utils sees it, for migrations and inspection."""
        session = self._session()
        assert isinstance(session, SqliteSession)
        return session.database

    def give_back_space(self, pages: int) -> int:
        """See :class:`releaseapp.db.api.Database`; a file that was not made for it keeps its size."""
        if self._thread.transaction is not None:
            raise RuntimeError("a transaction is open in this thread")
        session = self._session()
        free = min(pages, _number(session, "freelist_count"))
        if not free or _number(session, "auto_vacuum") != _INCREMENTAL:
            return 0
        session.begin()
        try:
            free = min(free, _number(session, "freelist_count"))
            for _ in range(free):
                # The driver takes one step of a statement without columns, and one step frees one page.
                session.run("PRAGMA incremental_vacuum(1)", {})
            session.commit()
        except BaseException:
            session.roll_back()
            raise
        if free < pages or not _number(session, "freelist_count"):
            # The file itself gets shorter when the WAL is brought into it, as it is now and then without being asked.
            session.first("PRAGMA wal_checkpoint(PASSIVE)", {})
        return free * _number(session, "page_size")

    @contextmanager
    def watch(self, call: Callable[[], None]) -> Iterator[None]:
        """See :class:`releaseapp.db.api.Database`; polls ``PRAGMA data_version`` on a connection of its own."""
        stop = threading.Event()
        with closing(self.connect()) as session:
            # Read before the block begins, so that the first commit in it is noticed.
            seen = _data_version(session)
            watching = (session, seen, call, stop)
            thread = threading.Thread(target=_poll, args=watching, name="database watch", daemon=True)
            thread.start()
            try:
                yield
            finally:
                stop.set()
                thread.join()


def patiently(execute: Callable[[], sqlite3.Cursor], deadline: float) -> sqlite3.Cursor:
    """Executes until the file is free; raises Busy after the deadline, and Conflict as ever."""
    while True:
        try:
            return execute()
        except sqlite3.Error as error:
            if not _is_busy(error) or clock.monotonic() >= deadline:
                _refuse(error)


def _poll(session: SqliteSession, seen: int, call: Callable[[], None], stop: threading.Event) -> None:
    while not stop.wait(_POLL_SECONDS):
        try:
            version = _data_version(session)
        except Exception:
            log.exception("watching the database failed; it goes on")
            stop.wait(_RETRY_SECONDS)
            continue
        if version != seen:
            seen = version
            call_and_log(call)


def _data_version(session: SqliteSession) -> int:
    return _number(session, "data_version")


def _number(session: Session, pragma: str) -> int:
    row = session.first(f"PRAGMA {pragma}", {})
    return int(row[pragma]) if row else 0


def _is_busy(error: sqlite3.Error) -> bool:
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & _PRIMARY_CODE in _BUSY


def _refuse(error: sqlite3.Error) -> NoReturn:
    """Raises the driver's error, in our words where we have some, by code."""
    if getattr(error, "sqlite_errorcode", None) in _UNIQUE:
        raise Conflict("There is one of these already.") from error
    if _is_busy(error):
        raise _busy() from error
    if getattr(error, "sqlite_errorcode", None) in _NO_ROOM:
        raise Busy(f"The disk takes no more ({error}); nothing was changed. Make room, and try again.") from error
    raise error


def _busy() -> Busy:
    return Busy("The database is busy with other writes; try again.")
