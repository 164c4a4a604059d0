"""What the product asks of a database, asked of each engine.

``target``  names a new, empty database: once of SQLite, once of PostgreSQL
``db``      it, opened, with a table of things and a table of their parts
"""

import pytest
from databases import postgres, target  # noqa: F401 - fixtures

from releaseapp.db import connect

TABLES = [
    "CREATE TABLE things (id TEXT PRIMARY KEY, label TEXT UNIQUE, note TEXT, number BIGINT, size DOUBLE PRECISION)",
    """
    CREATE TABLE parts (
        id TEXT PRIMARY KEY, thing_id TEXT NOT NULL REFERENCES things (id) ON DELETE CASCADE
    )
    """,
]


@pytest.fixture
def db(target):  # noqa: F811 - the fixture
    database = connect(target)
    with database.transaction() as tx:
        for statement in TABLES:
            tx.run(statement)
    yield database
    database.close()


@pytest.fixture
def other(target, db):  # noqa: F811 - the fixture
    """The same database, opened once more, as another process would; it does not wait long for its turn."""
    database = connect(target, busy_timeout=0.2)
    yield database
    database.close()
