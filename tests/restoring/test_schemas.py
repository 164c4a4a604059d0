"""A snapshot of another schema: brought forward, put back as it was for the older version, or refused."""

import sqlite3
from contextlib import closing

import pytest

from releaseapp.db import connect
from releaseapp.db.migrate import apply, migrate, pending, verify
from releaseapp.db.migrations import known_migrations
from releaseapp.db.older_schema import schema_built_by
from releaseapp.db.shape import faults, shape_built_by, shape_of
from releaseapp.errors import Conflict
from releaseapp.snapshots.restoring.aside import bring_forward, opened_aside

OLD = "m0004_approvals"


def at_schema(place, upto):
    """Empties the place's database and applies only the first migrations; gives a copy, and migrates the place."""
    if place.db.engine == "sqlite":
        with closing(sqlite3.connect(place.settings.agent_db_path)) as raw:
            found = raw.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
            for (name,) in found.fetchall():
                raw.execute(f'DROP TABLE "{name}"')
    else:
        for row in place.db.all("SELECT tablename AS name FROM pg_tables WHERE schemaname = current_schema()"):
            place.do(f'DROP TABLE "{row["name"]}" CASCADE')
    apply(place.db, [step for step in known_migrations() if step.name <= upto])
    place.do(
        "INSERT INTO accounts (id, email, name, password_hash, created_at, updated_at)"
        " VALUES ('acc_1', 'a@example.com', 'A', 'x', '2026', '2026')"
    )
    there = place.copy()
    migrate(place.db)
    return there


@pytest.mark.parametrize("upto", [step.name for step in known_migrations()[:-1]])
def test_an_older_one_is_put_back_as_it_was_and_the_older_version_can_start_and_be_left_again(place, upto):
    there = at_schema(place, upto)
    place.do("UPDATE accounts SET name = 'Newer', is_disabled = 1")
    place.put_back(there, keep_schema=True)
    steps = [step for step in known_migrations() if step.name <= upto]
    with closing(connect(place.settings.agent_db_path)) as db:
        assert apply(db, steps) == []
        assert list(faults(shape_built_by(steps), shape_of(db))) == []
        assert shape_of(db).columns.keys() & schema_built_by().tables.keys() == shape_built_by(steps).columns.keys()
        row = db.first("SELECT name, is_disabled FROM accounts")
        assert (row["name"], row["is_disabled"]) == ("A", 1)
        assert pending(db)
        migrate(db)
        assert verify(db) == []


def test_an_older_one_is_brought_forward_aside_and_the_live_schema_stays(place):
    there = at_schema(place, OLD)
    place.do("UPDATE accounts SET name = 'Newer'")
    database = there / ("agents.dump" if place.settings.on_postgres else "agents.db")
    with opened_aside(database, place.settings) as past:
        assert bring_forward(past, "0.1", keep_schema=False)[0] == "m0005_operations"
    place.put_back(there, forward=True)
    assert place.account("a@example.com")["name"] == "A"
    assert verify(place.db) == []


def test_a_newer_one_is_refused_and_the_version_that_fits_is_named(place):
    there = place.copy()
    database = there / ("agents.dump" if place.settings.on_postgres else "agents.db")
    with opened_aside(database, place.settings) as past:
        with past.transaction() as tx:
            if place.settings.on_postgres:
                tx.run("INSERT INTO applied_migrations VALUES ('m0099_wings', 'x', '2026')")
            else:
                tx.run(
                    "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('releaseapp', 'm0099_wings', '2026')"
                )
        with pytest.raises(Conflict, match=r"m0099_wings.*Start releaseapp 9\.9"):
            bring_forward(past, "9.9", keep_schema=False)
