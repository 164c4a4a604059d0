"""The schema: built once, looked over, and refused when it is newer than the program."""

import threading

import pytest

from releaseapp.db import connect
from releaseapp.db.ledger import in_postgres_words, ledger_of
from releaseapp.db.migrate import apply, migrate, pending, verify
from releaseapp.db.migrations import Migration, known_migrations
from releaseapp.errors import SettingsError

FIRST = Migration("m0001_first", ["CREATE TABLE notes (id {identity}, text TEXT NOT NULL)"])
SECOND = Migration("m0002_second", ["ALTER TABLE notes ADD COLUMN at TEXT", "INSERT INTO notes (text) VALUES ('a;b')"])
BROKEN = Migration("m0003_broken", ["INSERT INTO notes (text) VALUES ('half')", "INSERT INTO nowhere VALUES (1)"])


@pytest.fixture
def db(target):
    database = connect(target)
    yield database
    database.close()


def notes(db):
    return [row["text"] for row in db.all("SELECT text FROM notes ORDER BY id")]


def test_a_new_database_lacks_everything_and_then_nothing(db):
    names = [migration.name for migration in known_migrations()]
    assert names[0] == "m0001_foundation"
    assert pending(db) == names
    assert verify(db) == [f"The migration {name} is still to be applied." for name in names]
    assert migrate(db) == names
    assert (pending(db), migrate(db), verify(db)) == ([], [], [])


def test_the_names_of_migrations_order_them():
    numbers = [int(migration.name[1:5]) for migration in known_migrations()]
    assert all(migration.name[5] == "_" for migration in known_migrations())
    # A number may be left out, for one that was taken back; none is given twice.
    assert numbers == sorted(set(numbers))
    assert numbers[0] == 1


def test_what_came_since_is_applied_and_nothing_twice(db):
    assert apply(db, [FIRST]) == ["m0001_first"]
    assert apply(db, [FIRST, SECOND]) == ["m0002_second"]
    assert apply(db, [FIRST, SECOND]) == []
    assert notes(db) == ["a;b"]


def test_a_migration_that_fails_leaves_nothing_behind_and_those_before_it_stay(db):
    with pytest.raises(Exception, match="nowhere"):
        apply(db, [FIRST, SECOND, BROKEN])
    assert notes(db) == ["a;b"]
    mended = Migration(BROKEN.name, ["INSERT INTO notes (text) VALUES ('whole')"])
    assert apply(db, [FIRST, SECOND, mended]) == ["m0003_broken"]
    assert notes(db) == ["a;b", "whole"]


def test_who_waited_while_another_migrated_finds_it_done(db, target):
    assert ledger_of(db).applied() == []
    other, found = connect(target), []
    waiting = threading.Thread(target=lambda: found.append(apply(db, [FIRST])))
    with other.transaction() as tx:
        waiting.start()
        # SQLite shows nobody who waits.
        while db.engine == "postgresql" and not tx.all("SELECT 1 AS yes FROM pg_locks WHERE NOT granted"):
            pass
        ledger_of(other).apply(tx, FIRST)
    waiting.join(30)
    other.close()
    assert found == [[]]


def test_a_newer_schema_is_refused_by_its_name_and_left_alone(db):
    apply(db, [FIRST, SECOND])
    with pytest.raises(SettingsError, match=r"m0002_second by a newer version"):
        apply(db, [FIRST])
    assert notes(db) == ["a;b"]


def test_verify_names_a_migration_of_a_newer_version(db):
    migrate(db)
    apply(db, [*known_migrations(), Migration("m9999_from_the_future", [])])
    assert verify(db) == ["The migration m9999_from_the_future is not known to this version; a newer one made it."]


def test_verify_names_what_is_missing(db):
    migrate(db)
    with db.transaction() as tx:
        tx.run("DROP TABLE workers")
        tx.run("DROP INDEX tasks_by_lease")
        tx.run("ALTER TABLE tasks DROP COLUMN usage")
        tx.run("ALTER TABLE tasks ADD COLUMN more TEXT")
    assert verify(db) == [
        "The column usage of the table tasks is missing.",
        "The table workers is missing.",
        "The index of the table tasks on status, lease_expires_at is missing.",
    ]


def test_verify_tells_an_index_that_is_unique_from_one_that_is_not(db):
    migrate(db)
    with db.transaction() as tx:
        for statement in next(iter(known_migrations())).statements:
            if "CREATE TABLE memory_items" in statement:
                tx.run("DROP TABLE memory_items")
                plain = statement.replace("UNIQUE (agent_id, key)", "CHECK (1 = 1)")
                assert plain != statement
                tx.run(plain)
        tx.run("CREATE INDEX memory_items_by_agent ON memory_items (agent_id, id)")
        tx.run("CREATE INDEX memory_items_by_key ON memory_items (agent_id, key)")
    assert verify(db) == ["The unique index of the table memory_items on agent_id, key is missing."]


def test_verify_names_a_migration_that_was_changed_after_it_was_applied(db):
    first, *others = known_migrations()
    apply(db, [Migration(first.name, [*first.statements, "CREATE TABLE extra (id TEXT)"]), *others])
    assert verify(db) == ["The migration m0001_foundation was changed after it had been applied here."]


def test_the_layout_of_a_statement_does_not_count_as_a_change():
    assert (
        Migration("m", ["CREATE TABLE a\n  (id TEXT)"]).checksum
        == Migration("m", ["CREATE TABLE a (id TEXT)"]).checksum
    )
    assert (
        Migration("m", ["CREATE TABLE a (id TEXT)"]).checksum != Migration("m", ["CREATE TABLE b (id TEXT)"]).checksum
    )


def test_ids_of_events_grow_by_themselves_and_are_never_given_twice(db):
    apply(db, [FIRST])
    add = "INSERT INTO notes (text) VALUES ('x') RETURNING id"
    with db.transaction() as tx:
        first = tx.first(add)["id"]
        assert tx.first(add)["id"] == first + 1
        tx.run("DELETE FROM notes")
    with db.transaction() as tx:
        assert tx.first(add)["id"] == first + 2


def test_numbers_of_the_schema_are_wide_on_every_engine(db):
    apply(db, [Migration("m0001_wide", ["CREATE TABLE wide (number INTEGER, size REAL)"])])
    with db.transaction() as tx:
        tx.run("INSERT INTO wide (number, size) VALUES (:number, :size)", number=2**63 - 1, size=0.1)
    assert db.first("SELECT number, size FROM wide") == {"number": 2**63 - 1, "size": 0.1}


def test_only_types_change_on_the_way_to_postgresql():
    ours = "CREATE TABLE a (id {identity}, text TEXT DEFAULT '{}', integers INTEGER, size REAL, raw BLOB)"
    assert in_postgres_words(ours) == (
        "CREATE TABLE a (id BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, text TEXT COLLATE \"C\" DEFAULT '{}',"
        " integers BIGINT, size DOUBLE PRECISION, raw BYTEA)"
    )
