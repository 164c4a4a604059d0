"""What tables there are, with columns, keys and references, in the live database and in a past state beside it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from releaseapp.db.api import Reader, Row

NOW, PAST = "now", "past"
"""The two places: the live database itself, and the state that :mod:`releaseapp.db.beside` puts beside it."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table: ``columns`` in their order, ``key`` the columns of its primary key, ``parents`` what it refers to."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    parents: frozenset[str]


def tables_of(db: Reader, engine: str, place: str = NOW) -> dict[str, Table]:
    """Every table of a place by its name; of the past on PostgreSQL without keys and parents, which it has not."""
    columns, keys, parents = (_SQLITE if engine == "sqlite" else _POSTGRES)[place]
    named = _grouped(db.all(columns))
    keyed, parented = _grouped(db.all(keys)), _grouped(db.all(parents))
    return {
        name: Table(name, found, keyed.get(name, ()), frozenset(parented.get(name, ())))
        for name, found in named.items()
    }


def parents_first(tables: Mapping[str, Table]) -> list[Table]:
    """The tables in an order in which each comes after those it refers to; raises ValueError for a circle."""
    ordered: list[Table] = []
    left = dict(sorted(tables.items()))
    while left:
        ready = [one for one in left.values() if not (one.parents & left.keys()) - {one.name}]
        if not ready:
            raise ValueError(f"these tables refer to each other in a circle: {', '.join(left)}")
        ordered += [left.pop(table.name) for table in ready]
    return ordered


def _grouped(rows: Iterable[Row]) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row["table_name"], []).append(row["value"])
    return {name: tuple(values) for name, values in found.items()}


def _of_sqlite(schema: str) -> tuple[str, str, str]:
    tables = f"{schema}.sqlite_master m"
    ours = "m.type = 'table' AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    return (
        f"""
        SELECT m.name AS table_name, c.name AS value FROM {tables}, pragma_table_info(m.name, '{schema}') c
        WHERE {ours} ORDER BY m.name, c.cid
        """,
        f"""
        SELECT m.name AS table_name, c.name AS value FROM {tables}, pragma_table_info(m.name, '{schema}') c
        WHERE {ours} AND c.pk > 0 ORDER BY m.name, c.pk
        """,
        f"""
        SELECT m.name AS table_name, f."table" AS value FROM {tables}, pragma_foreign_key_list(m.name, '{schema}') f
        WHERE {ours} ORDER BY m.name
        """,
    )


def _of_postgres(schema: str) -> tuple[str, str, str]:
    classes = f"""
        FROM pg_class t JOIN pg_namespace n ON n.oid = t.relnamespace AND n.nspname = {schema} AND t.relkind = 'r'
    """
    return (
        f"""
        SELECT t.relname AS table_name, a.attname AS value {classes}
        JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
        ORDER BY t.relname, a.attnum
        """,
        f"""
        SELECT t.relname AS table_name, a.attname AS value {classes}
        JOIN pg_index i ON i.indrelid = t.oid AND i.indisprimary
        CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k (number, place)
        JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.number
        ORDER BY t.relname, k.place
        """,
        f"""
        SELECT t.relname AS table_name, p.relname AS value {classes}
        JOIN pg_constraint c ON c.conrelid = t.oid AND c.contype = 'f'
        JOIN pg_class p ON p.oid = c.confrelid
        ORDER BY t.relname
        """,
    )


_SQLITE = {NOW: _of_sqlite("main"), PAST: _of_sqlite("past")}
_POSTGRES = {NOW: _of_postgres("current_schema()"), PAST: _of_postgres("'past'")}
