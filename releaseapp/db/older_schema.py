"""The schema of an older version, put back as it was, so that that version can start: what came since is taken away.

Migrations only add, so the older schema has no table and no column that the newer one lacks.
"""

from collections.abc import Collection, Mapping
from contextlib import closing
from dataclasses import dataclass

import sqlite_utils

from releaseapp.db.api import Transaction
from releaseapp.db.catalog import tables_of
from releaseapp.db.ledger import build
from releaseapp.db.migrations import known_migrations


@dataclass(frozen=True, slots=True)
class Schema:
    """What migrations build: tables and indexes with the statements that make them, and columns by table."""

    tables: Mapping[str, str]
    columns: Mapping[str, list[str]]
    indexes: Mapping[str, tuple[str, str]]
    """By name: the table, and the statement."""


def schema_built_by(names: Collection[str] | None = None) -> Schema:
    """What the migrations of these names build; all that are known, when none are given."""
    with closing(sqlite_utils.Database(memory=True)) as database:
        for migration in known_migrations():
            if names is None or migration.name in names:
                build(database, migration)
        tables = {table.name: table.schema for table in database.tables if not table.name.startswith("sqlite_")}
        columns = {name: [column.name for column in database.table(name).columns] for name in tables}
        found = database.query(
            "SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL ORDER BY name"
        )
        return Schema(tables, columns, {row["name"]: (row["tbl_name"], row["sql"]) for row in found})


def bring_back_schema(tx: Transaction, engine: str, applied: Collection[str]) -> None:
    """Takes away tables, columns and indexes that the migrations in ``applied`` do not make; other rows are kept.

    References must not be looked after in ``tx``, as in :mod:`releaseapp.db.beside`.
    """
    then, now = schema_built_by(applied), schema_built_by()
    for name in sorted(now.indexes.keys() - then.indexes.keys()):
        tx.run(f'DROP INDEX IF EXISTS "{name}"')
    for name in sorted(now.tables.keys() - then.tables.keys()):
        tx.run(f'DROP TABLE IF EXISTS "{name}"' + ("" if engine == "sqlite" else " CASCADE"))
    for name in sorted(then.tables):
        lost = [column for column in now.columns[name] if column not in then.columns[name]]
        if lost and engine == "sqlite":
            _build_anew(tx, then, name)
            continue
        for column in lost:
            tx.run(f'ALTER TABLE "{name}" DROP COLUMN "{column}"')


def _build_anew(tx: Transaction, then: Schema, name: str) -> None:
    """SQLite refuses to drop some columns, and keeps another statement for others: the table is made anew."""
    wanted = then.columns[name]
    columns = ", ".join(f'"{column}"' for column in tables_of(tx, "sqlite")[name].columns if column in wanted)
    tx.run(f'CREATE TEMP TABLE "rows of {name}" AS SELECT {columns} FROM main."{name}"')
    tx.run(f'DROP TABLE main."{name}"')
    tx.run(then.tables[name])
    tx.run(f'INSERT INTO main."{name}" ({columns}) SELECT {columns} FROM temp."rows of {name}"')
    tx.run(f'DROP TABLE temp."rows of {name}"')
    for table, statement in then.indexes.values():
        if table == name:
            tx.run(statement)
