"""Runs a statement on a PostgreSQL server.

That a statement only reads is not told from its text: it runs in a transaction
that the server keeps from writing. The driver is an extra, so it is loaded only
when a statement is to be run.
"""

import itertools
import os
import re
import selectors
import socket
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, Any, cast

import msgspec

from releaseapp import clock
from releaseapp.db.placeholders import for_psycopg
from releaseapp.outbound import OutboundError
from releaseapp.steps.api import Context, StepFailed
from releaseapp.steps.sql import queries
from releaseapp.steps.sql.rows import Rows, Statement, gather, own_database
from releaseapp.steps.words import shown

if TYPE_CHECKING:
    import psycopg
    from psycopg.pq.abc import PGconn

    from releaseapp.credentials.models import Secret

_MOST_SECONDS = 3600.0
_MOST_SECONDS_TO_CONNECT = 10.0
_SECONDS_BETWEEN_LOOKS = 0.1
_SECONDS_TO_CANCEL = 0.5
_PORT = 5432
# What an address may say beside where and who. The rest would name files of this server, or other hosts.
_OPTIONS = {"application_name", "channel_binding", "connect_timeout", "options", "sslmode", "target_session_attrs"}
# Classes of SQLSTATE that may pass: connection, transaction rollback, resources, locks, operator intervention, system.
_MAY_PASS = ("08", "40", "53", "55", "57", "58")
_READ_ONLY = "25006"
_CANCELLED = "57014"
# A parameter as the driver has it; a sign that stands for itself is doubled.
_NAMED = re.compile(rb"(?<!%)(?:%%)*%\((\w+)\)s")


def query(secret: "Secret", statement: Statement, context: Context) -> Rows:
    """Runs it on the server that the credential names; raises StepFailed, and Abandoned when nobody waits any more."""
    try:
        import psycopg  # noqa: PLC0415
    except ModuleNotFoundError:
        raise StepFailed(
            "This server has no driver for PostgreSQL. Whoever runs it must install releaseapp[postgres].",
            retryable=False,
        ) from None
    ends_at = clock.monotonic() + context.seconds_left(_MOST_SECONDS)
    try:
        with closing(_connected(secret, context, ends_at)) as connection, _cut_when_abandoned(connection, context):
            return _run(connection, statement, ends_at)
    except (psycopg.Error, UnicodeEncodeError) as error:
        context.check_alive()
        raise _refusal(error, statement, secret) from None


def _run(connection: "psycopg.Connection", statement: Statement, ends_at: float) -> Rows:
    milliseconds = max(1, int((ends_at - clock.monotonic()) * 1000))
    mode = "WRITE" if statement.write else "ONLY"
    connection.execute(f"BEGIN READ {mode}; SET LOCAL statement_timeout = {milliseconds}".encode())
    # After this first look, the server allows nobody to turn the transaction into one that writes.
    if queries.is_own({name for (name,) in connection.execute(queries.POSTGRES_TABLES)}):
        raise own_database()
    rows = _written(connection, statement) if statement.write else _read(connection, statement)
    connection.execute(b"COMMIT")
    return rows


def _read(connection: "psycopg.Connection", statement: Statement) -> Rows:
    """Row by row, so that a row too many ends it, however many follow."""
    from psycopg import ProgrammingError  # noqa: PLC0415
    from psycopg.pq import TransactionStatus  # noqa: PLC0415

    with connection.cursor() as cursor, closing(_stream(cursor, statement)) as stream:
        try:
            first = next(stream, None)
        except ProgrammingError as error:
            # A statement such as DO was done, and has no rows; the driver is not content with that.
            if error.sqlstate is None and connection.info.transaction_status == TransactionStatus.INTRANS:
                return Rows([], 0)
            raise
        columns = [column.name for column in cursor.description or ()]
        return gather(statement, columns, () if first is None else itertools.chain([first], stream))


def _stream(cursor: "psycopg.Cursor", statement: Statement) -> Generator[tuple[Any, ...], None, None]:
    # That it is a generator, which stops the statement when it is closed, the driver's types do not tell.
    return cast("Generator[tuple[Any, ...], None, None]", cursor.stream(*_prepared(statement)))


def _written(connection: "psycopg.Connection", statement: Statement) -> Rows:
    # In a pipeline, the server takes each message for one statement and refuses a second.
    cursor = connection.cursor()
    with connection.pipeline():
        cursor.execute(*_prepared(statement))
    if cursor.description is None:
        return Rows([], max(cursor.rowcount, 0))
    if cursor.rowcount > statement.row_limit:
        raise statement.too_many()
    return gather(statement, [column.name for column in cursor.description], cursor)


def _prepared(statement: Statement) -> tuple[bytes, dict[str, Any]]:
    """The statement and its parameters as the driver takes them.

    Objects, and lists of objects, become JSON text; other lists are arrays, as ``= any(:ids)`` wants them.
    """
    sql, given = for_psycopg(statement.sql), statement.parameters
    for name in _NAMED.findall(sql):
        if name.decode() not in given:
            raise StepFailed(f"The statement names :{name.decode()}, and parameters has no such name.", retryable=False)
    return sql, {
        name: msgspec.json.encode(value).decode() if _is_json(value) else value for name, value in given.items()
    }


def _is_json(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(map(_is_json, value)))


def _connected(secret: "Secret", context: Context, ends_at: float) -> "psycopg.Connection":
    """A connection to the first address of the host that answers; each was checked, and is not looked up again."""
    import psycopg  # noqa: PLC0415

    said, host, port = _address(secret)
    try:
        addresses = context.outbound.check_host(host, port)
    except OutboundError as error:
        raise StepFailed(str(error), retryable=error.retryable) from None
    for number, address in enumerate(addresses, start=1):
        until = min(ends_at, clock.monotonic() + _MOST_SECONDS_TO_CONNECT)
        place = {"host": host, "hostaddr": address, "port": str(port)}
        try:
            return _connect(psycopg.conninfo.make_conninfo("", **said, **place), context, until)
        except psycopg.OperationalError:
            context.check_alive()
            if number == len(addresses):
                raise
    raise StepFailed(f"{host} has no address.")


def _address(secret: "Secret") -> tuple[dict[str, str], str, int]:
    """What the address says of who and how, its host and its port; raises StepFailed for what it may not say."""
    from psycopg import ProgrammingError  # noqa: PLC0415
    from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415

    cure = f"Change the credential {secret.name!r}: postgresql://user:password@host:5432/name"
    try:
        said = {name: str(value) for name, value in conninfo_to_dict(secret.fields["url"].strip()).items()}
        port = int(said.pop("port", _PORT))
    except (ProgrammingError, ValueError):
        raise StepFailed(f"The address of the database cannot be read. {cure}.", retryable=False) from None
    host = said.pop("host", "")
    named = {name: said.pop(name, "") for name in ("user", "password", "dbname")}
    if not host or "," in host or host.startswith(("/", "@")) or not named["user"] or not named["password"]:
        # What is missing, the driver would take from this server's own surroundings.
        raise StepFailed(f"The address of a database needs one host, a user and a password. {cure}.", retryable=False)
    unknown = sorted(set(said) - _OPTIONS)
    if unknown:
        raise StepFailed(f"The address of a database may not set {', '.join(unknown)}. {cure}.", retryable=False)
    named["dbname"] = named["dbname"] or named["user"]
    surroundings = {"application_name": "releaseapp", "options": "", "sslmode": "prefer", **said}
    if surroundings["sslmode"] == "verify-full":
        # Without a word on it, the driver looks for a file in the home of whoever runs this server.
        surroundings["sslrootcert"] = "system"
    return {**surroundings, **named}, host, port


def _connect(conninfo: str, context: Context, until: float) -> "psycopg.Connection":
    """Connects, and looks again and again whether anybody still waits: the driver's own way could not be stopped."""
    import psycopg  # noqa: PLC0415
    from psycopg.pq import PGconn  # noqa: PLC0415

    line = PGconn.connect_start(conninfo.encode())
    try:
        _wait_until_connected(line, context, until)
    except BaseException:
        line.finish()
        raise
    line.nonblocking = 1
    connection = psycopg.Connection(line)
    connection.autocommit = True
    return connection


def _wait_until_connected(line: "PGconn", context: Context, until: float) -> None:
    from psycopg import OperationalError  # noqa: PLC0415
    from psycopg.pq import PollingStatus  # noqa: PLC0415

    while (status := line.connect_poll()) != PollingStatus.OK:
        if status == PollingStatus.FAILED:
            raise OperationalError(line.error_message.decode(errors="replace").strip())
        event = selectors.EVENT_READ if status == PollingStatus.READING else selectors.EVENT_WRITE
        while not _is_ready(line.socket, event):
            context.check_alive()
            if clock.monotonic() >= until:
                raise OperationalError("the server does not answer")


def _is_ready(descriptor: int, event: int) -> bool:
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, event)
        return bool(selector.select(_SECONDS_BETWEEN_LOOKS))


@contextmanager
def _cut_when_abandoned(connection: "psycopg.Connection", context: Context) -> Iterator[None]:
    """Has the server stop the statement, and the line cut in any case, when nobody waits any more."""
    import psycopg  # noqa: PLC0415

    line = socket.socket(fileno=os.dup(connection.fileno()))

    def cut() -> None:
        with suppress(psycopg.Error, OSError):
            connection.cancel_safe(timeout=_SECONDS_TO_CANCEL)
        with suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)

    with line:
        context.when_abandoned(cut)
        yield


def _refusal(error: Exception, statement: Statement, secret: "Secret") -> StepFailed:
    """The server's or the driver's error in a sentence."""
    code = getattr(error, "sqlstate", None)
    said = shown(getattr(getattr(error, "diag", None), "message_primary", None) or str(error), secret, 1000)
    if code == _READ_ONLY and not statement.write:
        return statement.not_allowed_to_write()
    if code == _CANCELLED:
        return StepFailed("The statement took longer than the step may; the server stopped it.")
    if code is None and type(error).__name__ == "OperationalError":
        return StepFailed(f"The database cannot be reached: {said}.")
    if "multiple commands" in said:
        return StepFailed("There is more than one statement; use a step for each.", retryable=False)
    return StepFailed(f"PostgreSQL refused the statement: {said}.", retryable=(code or "").startswith(_MAY_PASS))
