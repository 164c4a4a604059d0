"""Databases beside the live one on a PostgreSQL server: made for a while, and copied into a schema of the live one."""

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from psycopg.errors import InsufficientPrivilege

from releaseapp import clock
from releaseapp.db.api import Database
from releaseapp.db.postgres import Connection, PostgresDatabase, open_connection
from releaseapp.db.postgres_tools import ToolFailed, find_tool, run_tool

_PREFIX = "releaseapp_aside_"
_SECONDS = 3600
_LEFT_SECONDS = 2 * _SECONDS
"""Nobody works in one for so long: its process has died."""


@contextmanager
def database_of_dump(url: str, dump: Path, tools_folder: str) -> Iterator[PostgresDatabase]:
    """What a dump of ``pg_dump --format=custom`` holds, in a new database on the server of ``url``; dropped at the end.

    ``tools_folder`` has the program ``pg_restore``; empty for the PATH. Raises ToolFailed when the server lets nobody
    make databases, when the program is missing, or when the dump is none.
    """
    pg_restore = find_tool("pg_restore", tools_folder)
    drop_left_behind(url)
    name = f"{_PREFIX}{int(clock.now().timestamp()):x}_{secrets.token_hex(6)}"
    _in_server(url, sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
    try:
        there = _address_of(url, name)
        _fill(there, dump, pg_restore)
        database = PostgresDatabase(there)
        try:
            yield database
        finally:
            database.close()
    finally:
        _in_server(url, sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _address_of(url: str, database: str) -> str:
    """Another database of the same server, as the settings would name it: whatever ``url`` names itself is left out."""
    others = {name: value for name, value in conninfo_to_dict(url).items() if name != "dbname"}
    return f"postgresql:///{database}?{urlencode(others)}"


def drop_left_behind(url: str) -> int:
    """Drops what processes that died have left on the server of ``url``; how many databases."""
    now = int(clock.now().timestamp())
    with open_connection(url) as connection:
        found = connection.execute(
            "SELECT datname FROM pg_database d WHERE starts_with(datname, %s) AND pg_has_role(d.datdba, 'USAGE')"
            " AND NOT EXISTS (SELECT 1 FROM pg_stat_activity a WHERE a.datname = d.datname)",
            [_PREFIX],
        ).fetchall()
    left = [row["datname"] for row in found if _made_at(row["datname"]) < now - _LEFT_SECONDS]
    for name in left:
        _in_server(url, sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))
    return len(left)


@contextmanager
def with_past(
    live: PostgresDatabase, past: PostgresDatabase, tables: Sequence[str], patience: float
) -> Iterator[Database]:
    """See :func:`releaseapp.db.beside.beside`. The schema ``past`` is gone at the end."""
    try:
        with open_connection(live.url) as connection, open_connection(past.url) as source:
            connection.execute("DROP SCHEMA IF EXISTS past CASCADE")
            connection.execute("CREATE SCHEMA past")
            for table in tables:
                _copy_table(source, connection, table)
        door = PostgresDatabase(live.url, busy_timeout=patience)
        try:
            yield door
        finally:
            door.close()
    finally:
        with open_connection(live.url) as connection:
            connection.execute("DROP SCHEMA IF EXISTS past CASCADE")


def _copy_table(source: Connection, target: Connection, table: str) -> None:
    rows = source.execute(
        """
        SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type
        FROM pg_attribute a
        WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
        """,
        [sql.Identifier(table).as_string(source)],
    ).fetchall()
    columns = sql.SQL(", ").join(
        # As the live tables have it: two columns that sort differently cannot be compared.
        sql.SQL("{} {}").format(sql.Identifier(row["name"]), sql.SQL(_typed(row["type"])))
        for row in rows
    )
    name = sql.Identifier(table)
    target.execute(sql.SQL("CREATE UNLOGGED TABLE past.{} ({})").format(name, columns))
    read = sql.SQL("COPY {} TO STDOUT (FORMAT BINARY)").format(name)
    write = sql.SQL("COPY past.{} FROM STDIN (FORMAT BINARY)").format(name)
    with source.cursor().copy(read) as leaving, target.cursor().copy(write) as coming:
        for block in leaving:
            coming.write(block)
    target.execute(sql.SQL("ANALYZE past.{}").format(name))


def _made_at(name: str) -> int:
    return int(name.removeprefix(_PREFIX).partition("_")[0], 16)


def _typed(name: str) -> str:
    return 'text COLLATE "C"' if name == "text" else name


def _in_server(url: str, statement: sql.Composed) -> None:
    with open_connection(url) as connection:
        try:
            connection.execute(statement)
        except InsufficientPrivilege as error:
            raise ToolFailed(
                "The account of the server may not make databases, and a snapshot is looked at in one of its own."
                " Let the administrator of PostgreSQL say ALTER ROLE … CREATEDB."
            ) from error


def _fill(url: str, dump: Path, pg_restore: str) -> None:
    words = [pg_restore, "--no-owner", "--no-privileges", "--exit-on-error", str(dump)]
    run_tool(words, url, _SECONDS)
