"""Runs a statement on a SQLite file.

That a statement only reads is not told from its text: the file is opened for
reading, and SQLite refuses the rest. Other files cannot be reached at all.
"""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec

from releaseapp import clock
from releaseapp.steps.api import Context, StepFailed
from releaseapp.steps.sql import queries
from releaseapp.steps.sql.rows import Rows, Statement, gather, own_database
from releaseapp.steps.words import shown

_MOST_SECONDS = 3600.0
_MOST_SECONDS_OF_WAITING = 10.0
_NAP_SECONDS = 0.02
# Between two looks at whether anybody still waits: well under a millisecond of work.
_STEPS_BETWEEN_LOOKS = 10_000
_MOST_BYTES_OF_A_VALUE = 10_000_000
_PRIMARY_CODE = 0xFF
_LOCKED = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_MAY_PASS = {*_LOCKED, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PROTOCOL}
_NEVER = {
    sqlite3.SQLITE_ATTACH: "attach other files",
    sqlite3.SQLITE_DETACH: "detach files",
    sqlite3.SQLITE_SAVEPOINT: "begin or end transactions",
    sqlite3.SQLITE_TRANSACTION: "begin or end transactions",
}
_PRAGMAS = {
    "data_version",  # full-text search asks for it
    "foreign_key_list",
    "index_info",
    "index_list",
    "index_xinfo",
    "table_info",
    "table_list",
    "table_xinfo",
}


def query(url: str, statement: Statement, context: Context) -> Rows:
    """Runs it on the file that the address names; raises StepFailed, and Abandoned when nobody waits any more."""
    ends_at = clock.monotonic() + context.seconds_left(_MOST_SECONDS)
    watch = _Watch(ends_at)
    context.when_abandoned(watch.stop.set)
    guard = _Guard()
    try:
        with closing(_opened(_file(url, statement), write=statement.write)) as connection:
            connection.set_progress_handler(watch.is_over, _STEPS_BETWEEN_LOOKS)
            return _run(_Opened(connection, guard, watch), statement)
    except sqlite3.Error as error:
        context.check_alive()
        if clock.monotonic() >= ends_at:
            raise StepFailed("The statement took longer than the step may; it was stopped.") from None
        raise _refusal(error, guard, statement) from None
    except (OverflowError, UnicodeEncodeError):
        raise StepFailed(
            "A parameter is a number over 64 bits, or text that is not Unicode, which SQLite cannot keep.",
            retryable=False,
        ) from None


class _Watch:
    """Whether the statement should go on: SQLite asks again and again."""

    def __init__(self, ends_at: float) -> None:
        self.stop = threading.Event()
        self._ends_at = ends_at

    def is_over(self) -> bool:
        return self.stop.is_set() or clock.monotonic() >= self._ends_at

    def patiently(self, call: Callable[[], Any]) -> Any:
        """Calls until the file is free; SQLite's own waiting would not notice that nobody waits any more."""
        until = clock.monotonic() + _MOST_SECONDS_OF_WAITING
        while True:
            try:
                return call()
            except sqlite3.OperationalError as error:
                if _code(error) not in _LOCKED or self.is_over() or clock.monotonic() >= until:
                    raise
            self.stop.wait(_NAP_SECONDS)


class _Guard:
    """Allows what concerns the opened file alone; remembers what it refused, which SQLite does not say."""

    refused: str | None = None

    def __call__(self, action: int, first: str | None, *_: str | None) -> int:
        if action in _NEVER:
            self.refused = f"A statement may not {_NEVER[action]}."
            return sqlite3.SQLITE_DENY
        if action == sqlite3.SQLITE_PRAGMA and (first or "").lower() not in _PRAGMAS:
            self.refused = f"A statement may not use PRAGMA {first}."
            return sqlite3.SQLITE_DENY
        return sqlite3.SQLITE_OK


class _Opened(msgspec.Struct, frozen=True):
    """An opened file, what it allows, and how long."""

    connection: sqlite3.Connection
    guard: _Guard
    watch: _Watch


def _run(opened: _Opened, statement: Statement) -> Rows:
    connection = opened.connection
    tables = opened.watch.patiently(lambda: connection.execute(queries.SQLITE_TABLES).fetchall())
    if queries.is_own({name for (name,) in tables}):
        raise own_database()
    with _transaction(opened, statement):
        connection.set_authorizer(opened.guard)
        cursor = opened.watch.patiently(lambda: connection.execute(statement.sql, _bound(statement.parameters)))
        columns = [column[0] for column in cursor.description or ()]
        rows = gather(statement, columns, cursor)
        connection.set_authorizer(None)
    if columns:
        return rows
    return Rows([], _changed(connection) if statement.write else 0)


@contextmanager
def _transaction(opened: _Opened, statement: Statement) -> Iterator[None]:
    """Keeps a change only when all of its rows could be read; a reading statement is a transaction by itself."""
    if not statement.write:
        yield
        return
    opened.watch.patiently(lambda: opened.connection.execute("BEGIN IMMEDIATE"))
    # What is not committed is undone when the connection closes.
    yield
    opened.watch.patiently(lambda: opened.connection.execute("COMMIT"))


def _changed(connection: sqlite3.Connection) -> int:
    return int(connection.execute(queries.SQLITE_CHANGES).fetchone()[0])


def _bound(parameters: dict[str, Any]) -> dict[str, Any]:
    """Lists and objects as JSON text, which SQLite's own functions read."""
    return {
        name: msgspec.json.encode(value).decode() if isinstance(value, list | dict) else value
        for name, value in parameters.items()
    }


def _file(url: str, statement: Statement) -> Path:
    """The file that the address names by its whole path, which is taken as it is: nothing in it is decoded."""
    cure = f"Change the credential {statement.name!r}."
    path = url.removeprefix("sqlite:///")
    if not path.startswith("/") or "\0" in path:
        raise StepFailed(f"The address of a SQLite file must be its whole path here. {cure}", retryable=False)
    with suppress(OSError, RuntimeError):
        file = Path(path).resolve(strict=True)
        # Opening a pipe or a device could wait for ever.
        if file.is_file():
            return file
    raise StepFailed(f"There is no SQLite file where the credential says, or this server may not see it. {cure}")


def _opened(file: Path, *, write: bool) -> sqlite3.Connection:
    mode = "rw" if write else "ro"
    connection = sqlite3.connect(f"file:{quote(str(file))}?mode={mode}", uri=True, timeout=0, isolation_level=None)
    try:
        connection.text_factory = lambda data: data.decode("utf-8", "replace")
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MOST_BYTES_OF_A_VALUE)
        if not write:
            connection.execute("PRAGMA query_only = ON")
        else:
            connection.execute("PRAGMA foreign_keys = ON")
        # The schema of a file is not ours: its views and triggers may not do what a statement could not.
        connection.execute("PRAGMA trusted_schema = OFF")
    except BaseException:
        connection.close()
        raise
    return connection


def _refusal(error: sqlite3.Error, guard: _Guard, statement: Statement) -> StepFailed:
    """SQLite's error in a sentence."""
    code = _code(error)
    if guard.refused is not None:
        return StepFailed(guard.refused, retryable=False)
    # Its kinds (of a file that must be recovered first, say) are no fault of the statement.
    if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_READONLY and not statement.write:
        return statement.not_allowed_to_write()
    if code in _LOCKED:
        return StepFailed("The file is locked by another program that writes to it; try again later.")
    if isinstance(error, sqlite3.Warning) or "one statement at a time" in str(error):
        return StepFailed("There is more than one statement; use a step for each.", retryable=False)
    return StepFailed(f"SQLite refused the statement: {shown(str(error), None, 1000)}.", retryable=code in _MAY_PASS)


def _code(error: sqlite3.Error) -> int | None:
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & _PRIMARY_CODE
