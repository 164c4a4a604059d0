"""PostgreSQL behind the door to SQL. The only module that knows of psycopg; who uses SQLite never loads it."""

import logging
import selectors
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NoReturn

import psycopg
from psycopg import errors as refused
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import TransactionStatus
from psycopg.rows import DictRow, dict_row

from releaseapp.db.api import Row
from releaseapp.db.placeholders import for_psycopg
from releaseapp.db.threaded import Parameters, Session, ThreadedDatabase, call_and_log
from releaseapp.errors import Busy, Conflict

log = logging.getLogger(__name__)

Connection = psycopg.Connection[DictRow]

_BUSY = (refused.LockNotAvailable, refused.DeadlockDetected, refused.SerializationFailure)
_CHANNEL = "releaseapp_commits"
# A number of our own; advisory locks are counted within one database.
_WRITERS_LOCK = 7_203_114_566_017
_FORGOTTEN_SECONDS = 60
_LOOK_SECONDS = 30.0
_RETRY_SECONDS = 1.0
# What the URL does not say. A server that vanished without a word is noticed within a minute and a half.
_DEFAULTS: dict[str, str | int] = {
    "connect_timeout": 10,
    "application_name": "releaseapp",
    "keepalives_idle": 30,
    "keepalives_interval": 20,
}


class PostgresSession(Session):
    """One connection to a server; it is replaced when it broke."""

    def __init__(self, url: str, busy_timeout: float) -> None:
        self._url = url
        self._is_closed = False
        self._connection = open_connection(url)
        self._in_transaction = False
        self._wrote = False
        # One message, so that the turn costs one way to the server and back. READ COMMITTED: each statement sees
        # what was committed before the turn came. A process that stands still in a transaction, or a host that
        # vanished, must not keep all others from writing.
        self._begin = f"""
            BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
            SET LOCAL lock_timeout = {max(1, int(busy_timeout * 1000))};
            SET LOCAL idle_in_transaction_session_timeout = '{_FORGOTTEN_SECONDS}s';
            SELECT pg_advisory_xact_lock({_WRITERS_LOCK})
        """.encode()

    def all(self, sql: str, parameters: Parameters) -> list[Row]:
        """See :class:`Session`."""
        return [*self._execute(for_psycopg(sql), parameters).fetchall()]

    def first(self, sql: str, parameters: Parameters) -> Row | None:
        """See :class:`Session`."""
        return self._execute(for_psycopg(sql), parameters).fetchone()

    def run(self, sql: str, parameters: Parameters) -> int:
        """See :class:`Session`."""
        return max(self._execute(for_psycopg(sql), parameters).rowcount, 0)

    def begin(self) -> None:
        """See :class:`Session`.

        One writer at a time: ids of events are given out before the commit, so with two writers a
        reader could see event 8 while 7 is still open, go on from 8, and never hear of 7. And what
        a transaction has read stays true until it writes, as on SQLite.
        """
        try:
            self._execute(self._begin)
        except BaseException:
            self._undo()
            raise
        self._in_transaction = True
        self._wrote = False

    def commit(self) -> None:
        """See :class:`Session`."""
        if self._connection.info.transaction_status != TransactionStatus.INTRANS:
            # The server would answer COMMIT with a rollback and call it no error.
            raise RuntimeError("a part of this transaction failed, so nothing of it was committed")
        self._execute(f"NOTIFY {_CHANNEL}; COMMIT".encode() if self._wrote else b"COMMIT")
        self._in_transaction = False

    def roll_back(self) -> None:
        """See :class:`Session`."""
        self._undo()
        self._in_transaction = False

    def close(self) -> None:
        """See :class:`Session`."""
        self._is_closed = True
        # There is no connection when the server could not be reached.
        connection: Connection | None = self.__dict__.get("_connection")
        if connection is not None:
            connection.close()

    def _undo(self) -> None:
        with suppress(psycopg.Error):
            if self._connection.info.transaction_status != TransactionStatus.IDLE:
                self._connection.execute("ROLLBACK")

    def _execute(self, sql: bytes, parameters: Parameters | None = None) -> psycopg.Cursor[DictRow]:
        try:
            cursor = self._connection.execute(sql, parameters)
        except psycopg.Error as error:
            if _is_stale(error):
                # Every further use of the statement would fail alike.
                self._connection.close()
            if self._in_transaction or self._is_closed or not self._connection.closed:
                _refuse(error)
            cursor = self._execute_anew(sql, parameters)
        if not (cursor.statusmessage or "").startswith("SELECT"):
            self._wrote = True
        return cursor

    def _execute_anew(self, sql: bytes, parameters: Parameters | None) -> psycopg.Cursor[DictRow]:
        """Nothing was changed yet, so a read or the begin of a transaction is repeated, on a new connection."""
        self._connection = open_connection(self._url)
        try:
            return self._connection.execute(sql, parameters)
        except psycopg.Error as error:
            _refuse(error)


class PostgresDatabase(ThreadedDatabase):
    """One database of a PostgreSQL server, one connection a thread."""

    engine = "postgresql"

    def __init__(self, url: str, *, busy_timeout: float = 5.0) -> None:
        super().__init__()
        self.url = url
        self._busy_timeout = busy_timeout

    def connect(self) -> PostgresSession:
        """See :class:`ThreadedDatabase`."""
        return PostgresSession(self.url, self._busy_timeout)

    def give_back_space(self, pages: int) -> int:
        """See :class:`releaseapp.db.api.Database`; the server's autovacuum does it by itself."""
        del pages
        return 0

    @contextmanager
    def watch(self, call: Callable[[], None]) -> Iterator[None]:
        """See :class:`releaseapp.db.api.Database`; listens on a connection of its own."""
        listener = _Listener(self.url, call)
        thread = threading.Thread(target=listener.run, name="database watch", daemon=True)
        thread.start()
        try:
            yield
        finally:
            listener.stop()
            thread.join()


class _Listener:
    """Hears of commits, and connects again when the connection breaks."""

    def __init__(self, url: str, call: Callable[[], None]) -> None:
        self._url = url
        self._call = call
        self._connection = self._listen()
        self._stop, self._stopped = socket.socketpair()

    def run(self) -> None:
        """Calls for each bunch of notifications until it is stopped."""
        with self._stopped:
            while not self._ended():
                try:
                    self._take()
                except psycopg.Error as error:
                    log.warning("the connection that listens for commits broke: %s", error)
                    self._connection.close()
        self._connection.close()

    def stop(self) -> None:
        """Ends :meth:`run` at once."""
        self._stop.close()

    def _ended(self) -> bool:
        """Waits until there is something to hear, or to try again; whether it is the end."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._stopped, selectors.EVENT_READ)
            if self._connection.closed:
                ready = selector.select(_RETRY_SECONDS)
            else:
                selector.register(self._connection, selectors.EVENT_READ)
                ready = selector.select(_LOOK_SECONDS)
            return any(key.fileobj is self._stopped for key, _ in ready)

    def _take(self) -> None:
        if self._connection.closed:
            self._connection = self._listen()
        # The question finds out about a server that is gone. Calling in any case makes good what was missed.
        self._connection.execute("SELECT 1")
        for _ in self._connection.notifies(timeout=0):
            pass
        call_and_log(self._call)

    def _listen(self) -> Connection:
        connection = open_connection(self._url)
        try:
            connection.execute(f"LISTEN {_CHANNEL}")
        except BaseException:
            connection.close()
            raise
        return connection


def open_connection(url: str) -> Connection:
    """A connection that commits each statement by itself; the caller closes it."""
    said = conninfo_to_dict(url)
    defaults = {name: value for name, value in _DEFAULTS.items() if name not in said}
    return psycopg.connect(make_conninfo(url, **defaults), autocommit=True, row_factory=dict_row)


def _is_stale(error: psycopg.Error) -> bool:
    """Whether a prepared statement no longer fits the schema, which a newer version has just changed."""
    return error.diag.source_function == "RevalidateCachedQuery"


def _refuse(error: psycopg.Error) -> NoReturn:
    """Raises the driver's error, in our words where we have some, by SQLSTATE."""
    if isinstance(error, refused.UniqueViolation):
        raise Conflict("There is one of these already.") from error
    if isinstance(error, _BUSY) or _is_stale(error):
        raise Busy("The database is busy with other writes; try again.") from error
    raise error
