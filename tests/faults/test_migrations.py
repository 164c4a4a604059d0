"""Servers that start at the same moment, and a server that is killed while it changes the schema."""

import signal
import time

import pytest
from databases import outputs, postgres, process, target  # noqa: F401 - fixtures

from releaseapp.db import connect
from releaseapp.db.migrate import apply, migrate, pending, verify
from releaseapp.db.migrations import Migration, known_migrations
from releaseapp.errors import Busy, SettingsError

START = """
import sys, time
from releaseapp.db import connect
from releaseapp.db.migrate import migrate
while time.time() < float(sys.argv[2]):
    time.sleep(0.001)
db = connect(sys.argv[1], busy_timeout=0.5)
print(*migrate(db))
db.close()
"""
SLOW = {
    # Long enough to be caught in the act; PostgreSQL's ends by itself, for the server outlives its client.
    "sqlite": """
        WITH RECURSIVE counter (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counter WHERE n < {size})
        INSERT INTO slow SELECT n FROM counter
    """,
    "postgresql": "INSERT INTO slow SELECT 1 FROM pg_sleep({size} / 1000000.0)",
}
APPLY = """
import sys
from releaseapp.db import connect
from releaseapp.db.migrate import apply
from releaseapp.db.migrations import Migration, known_migrations
db = connect(sys.argv[1], busy_timeout=0.5)
print(*apply(db, [*known_migrations(), Migration("m9998_slow", sys.argv[2:])]))
db.close()
"""


@pytest.fixture
def db(target):  # noqa: F811 - the fixture
    database = connect(target, busy_timeout=0.05)
    yield database
    database.close()


def slow(db, size):
    return ["CREATE TABLE slow (n INTEGER)", SLOW[db.engine].format(size=size), "CREATE INDEX slow_by_n ON slow (n)"]


def wait_until_it_writes(db, process):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        assert process.poll() is None, "it ended too early"
        try:
            with db.transaction():
                pass
        except Busy:
            return
    pytest.fail("it did not begin")


def test_four_processes_that_start_at_once_build_one_schema(db, target):  # noqa: F811 - the fixture
    moment = time.time() + 1
    told = outputs([process(START, target, moment) for _ in range(4)])
    names = [migration.name for migration in known_migrations()]
    assert sorted(" ".join(told).split()) == names
    assert verify(db) == []


def test_who_starts_during_a_long_migration_waits_for_it(db, target):  # noqa: F811 - the fixture
    migrate(db)
    statements = slow(db, 2_000_000)
    first = process(APPLY, target, *statements)
    wait_until_it_writes(db, first)
    second = process(APPLY, target, *statements)
    assert outputs([first, second]) == ["m9998_slow\n", "\n"]


def test_a_migration_whose_process_is_killed_stays_pending_and_the_next_start_goes_on(db, target):  # noqa: F811
    migrate(db)
    killed = process(APPLY, target, *slow(db, 4_000_000))
    wait_until_it_writes(db, killed)
    killed.send_signal(signal.SIGKILL)
    killed.communicate(timeout=30)

    assert pending(db) == []
    assert verify(db) == []
    again = outputs([process(APPLY, target, *slow(db, 20))])
    assert again == ["m9998_slow\n"]
    assert db.first("SELECT COUNT(*) AS number FROM slow")["number"] in {1, 20}
    assert verify(db) == ["The migration m9998_slow is not known to this version; a newer one made it."]


def test_a_process_killed_at_any_moment_of_its_start_leaves_a_schema_that_the_next_completes(db, target):  # noqa: F811
    for delay in (0.0, 0.01, 0.03, 0.06, 0.1):
        killed = process(START.replace("db = connect", "print('now', flush=True)\ndb = connect"), target, 0)
        killed.stdout.readline()
        time.sleep(delay)
        killed.kill()
        killed.communicate(timeout=30)
        left, names = pending(db), [migration.name for migration in known_migrations()]
        # Each is there wholly or not at all, and none before those that go before it.
        assert left == names[len(names) - len(left) :]
    migrate(db)
    assert verify(db) == []


def test_an_older_program_refuses_the_schema_of_a_newer_one(db):
    apply(db, [*known_migrations(), Migration("m9999_from_the_future", ["CREATE TABLE future (id TEXT)"])])
    with pytest.raises(SettingsError, match=r"m9999_from_the_future by a newer version.* Start the newer version"):
        migrate(db)
