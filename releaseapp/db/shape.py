"""What a schema is made of, read from a database or built from migrations, and what one lacks of another."""

from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field

import sqlite_utils

from releaseapp.db.api import Database, Reader
from releaseapp.db.ledger import build
from releaseapp.db.migrations import Migration
from releaseapp.db.sqlite import SqliteDatabase


@dataclass(frozen=True, slots=True, order=True)
class Index:
    """An index by what it does; its name may differ from engine to engine."""

    table: str
    columns: tuple[str, ...]
    is_unique: bool


@dataclass(frozen=True, slots=True)
class Shape:
    """Tables with their columns, and indexes."""

    columns: dict[str, set[str]] = field(default_factory=dict)
    indexes: set[Index] = field(default_factory=set)


def shape_built_by(migrations: Iterable[Migration]) -> Shape:
    """The shape that the migrations give to an empty database."""
    with closing(sqlite_utils.Database(memory=True)) as database:
        for migration in migrations:
            build(database, migration)
        return _shape_of_sqlite(database)


def shape_of(db: Database) -> Shape:
    """The shape that a database has."""
    return _shape_of_sqlite(db.sqlite_utils()) if isinstance(db, SqliteDatabase) else _shape_of_postgres(db)


def faults(expected: Shape, found: Shape) -> Iterator[str]:
    """A sentence for each thing that is expected and not found."""
    for table, columns in sorted(expected.columns.items()):
        if table not in found.columns:
            yield f"The table {table} is missing."
            continue
        for column in sorted(columns - found.columns[table]):
            yield f"The column {column} of the table {table} is missing."
    for index in sorted(expected.indexes - found.indexes):
        if set(index.columns) <= found.columns.get(index.table, set()):
            kind = "unique index" if index.is_unique else "index"
            yield f"The {kind} of the table {index.table} on {', '.join(index.columns)} is missing."


def _shape_of_sqlite(database: sqlite_utils.Database) -> Shape:
    shape = Shape()
    for table in database.tables:
        if table.name.startswith("sqlite_"):
            # SQLite's own, such as its memory of the ids it has given out.
            continue
        shape.columns[table.name] = {column.name for column in table.columns}
        for index in table.indexes:
            shape.indexes.add(Index(table.name, tuple(map(str, index.columns)), bool(index.unique)))
    return shape


def _shape_of_postgres(db: Reader) -> Shape:
    shape = Shape()
    for row in db.all(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema()"
    ):
        shape.columns.setdefault(row["table_name"], set()).add(row["column_name"])
    for row in db.all(
        """
        SELECT t.relname AS table_name, i.indisunique AS is_unique, array_agg(a.attname ORDER BY k.place) AS columns
        FROM pg_index i
        JOIN pg_class t ON t.oid = i.indrelid
        JOIN pg_namespace n ON n.oid = t.relnamespace
        CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k (number, place)
        JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
        WHERE n.nspname = current_schema() AND i.indisvalid
        GROUP BY t.relname, i.indexrelid, i.indisunique
        """
    ):
        shape.indexes.add(Index(row["table_name"], tuple(row["columns"]), row["is_unique"]))
    return shape
