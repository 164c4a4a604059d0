"""Connections: one a thread, none left over, and what becomes of one that broke."""

import subprocess
import sys
import threading
from contextlib import suppress

import pytest

from releaseapp.db import connect
from releaseapp.db.migrate import migrate
from releaseapp.errors import Busy

only_postgresql = pytest.mark.parametrize(
    "target", [pytest.param("postgresql", marks=pytest.mark.xdist_group("postgresql"))], indirect=True
)
only_sqlite = pytest.mark.parametrize("target", ["sqlite"], indirect=True)


def in_a_thread(work):
    found = []
    thread = threading.Thread(target=lambda: found.append(work()))
    thread.start()
    thread.join(30)
    return found[0]


def open_sessions(db):
    return len(db._sessions)


def test_each_thread_has_its_own_connection_and_keeps_it(db):
    def look():
        return db._session(), db._session()

    mine, theirs = look(), in_a_thread(look)
    assert mine[0] is mine[1]
    assert theirs[0] is theirs[1]
    assert mine[0] is not theirs[0]


def test_the_connections_of_threads_that_ended_are_closed(db):
    db.all("SELECT * FROM things")
    before = open_sessions(db)
    for _ in range(20):
        in_a_thread(lambda: db.all("SELECT * FROM things"))
    assert open_sessions(db) == before


def test_a_thread_may_close_its_connection_and_go_on_with_a_new_one(db):
    first = db._session()
    db.close_thread()
    db.close_thread()
    assert db.all("SELECT * FROM things") == []
    assert db._session() is not first


def test_a_connection_is_not_closed_within_a_transaction(db):
    with db.transaction(), pytest.raises(RuntimeError, match="open in this thread"):
        db.close_thread()


def test_a_closed_database_refuses_everything_in_every_thread(db):
    going, closed, found = threading.Event(), threading.Event(), []

    def use():
        db.all("SELECT * FROM things")
        going.set()
        closed.wait(30)
        try:
            db.all("SELECT * FROM things")
        except Exception as error:
            found.append(error)

    thread = threading.Thread(target=use)
    thread.start()
    assert going.wait(30)
    db.close()
    closed.set()
    thread.join(30)
    assert len(found) == 1
    with pytest.raises(RuntimeError, match="was closed"):
        db.all("SELECT * FROM things")
    db.close()


@only_sqlite
def test_sqlite_is_opened_as_agreed(target):
    db = connect(target)
    settings = {
        name: next(iter(db.first(f"PRAGMA {name}").values()))
        for name in ("journal_mode", "synchronous", "foreign_keys")
    }
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    db.close()
    quick = connect(target, synchronous="NORMAL")
    assert quick.first("PRAGMA synchronous") == {"synchronous": 1}
    quick.close()


@only_sqlite
def test_a_full_disk_undoes_the_whole_and_the_database_goes_on(db):
    add = "INSERT INTO things (id, note) VALUES (:id, :note)"
    pages = db.first("PRAGMA page_count")["page_count"]
    db.all(f"PRAGMA max_page_count = {pages + 5}")
    with pytest.raises(RuntimeError, match="failed") as refused, db.transaction() as tx:
        tx.run(add, id="small", note="x")
        for number in range(100):
            with suppress(Busy, RuntimeError):
                tx.run(add, id=str(number), note="x" * 4000)
    assert "full" in str(refused.value.__cause__)
    assert db.all("SELECT id FROM things") == []
    with db.transaction() as tx:
        tx.run(add, id="small", note="x")
    assert db.all("SELECT id FROM things") == [{"id": "small"}]


@only_sqlite
def test_who_uses_sqlite_never_loads_the_driver_of_postgresql(target):
    program = "import sys, releaseapp.db as d; from releaseapp.db.migrate import migrate; migrate(d.connect(sys.argv[1])); print('psycopg' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", program, target], capture_output=True, text=True, check=True)
    assert found.stdout == "False\n"


@only_postgresql
def test_a_connection_that_broke_is_replaced(db, other):
    def break_all():
        other.all(
            "SELECT pg_terminate_backend(pid, 5000) AS done FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    db.all("SELECT * FROM things")
    break_all()
    assert db.all("SELECT * FROM things") == []
    break_all()
    with db.transaction() as tx:
        tx.run("INSERT INTO things (id) VALUES ('a')")
    with pytest.raises(Exception, match=r"terminat|closed"), db.transaction() as tx:
        tx.run("INSERT INTO things (id) VALUES ('b')")
        break_all()
        tx.run("INSERT INTO things (id) VALUES ('c')")
    assert db.all("SELECT id FROM things") == [{"id": "a"}]


@only_postgresql
def test_a_watcher_whose_connection_broke_hears_again(db, other):
    rang = threading.Event()
    with db.watch(rang.set):
        other.all(
            "SELECT pg_terminate_backend(pid, 5000) AS done FROM pg_stat_activity"
            " WHERE datname = current_database() AND query LIKE 'LISTEN%'"
        )
        # It calls when it is back, for something may have been missed.
        assert rang.wait(20)
        rang.clear()
        with other.transaction() as tx:
            tx.run("INSERT INTO things (id) VALUES ('a')")
        assert rang.wait(20)


@only_postgresql
def test_a_statement_that_was_prepared_outlives_a_change_of_its_table(db, other):
    # The server refuses a prepared statement whose columns have changed, again and again.
    for _ in range(10):
        db.all("SELECT * FROM things")
        with db.transaction() as tx:
            tx.all("SELECT * FROM parts")
    with other.transaction() as tx:
        tx.run("ALTER TABLE things ADD COLUMN colour TEXT")
        tx.run("ALTER TABLE parts ADD COLUMN colour TEXT")
        tx.run("INSERT INTO things (id) VALUES ('a')")
    assert db.first("SELECT * FROM things")["colour"] is None
    for _ in range(10):
        with db.transaction() as tx:
            tx.all("SELECT * FROM parts")
    with other.transaction() as tx:
        tx.run("ALTER TABLE parts ADD COLUMN size BIGINT")
    with pytest.raises(Busy), db.transaction() as tx:
        tx.all("SELECT * FROM parts")
    with db.transaction() as tx:
        assert tx.all("SELECT * FROM parts") == []


@only_postgresql
def test_texts_are_compared_as_on_sqlite_byte_by_byte(target):
    db = connect(target)
    migrate(db)
    found = db.all(
        """
        SELECT table_name, column_name FROM information_schema.columns
        WHERE table_schema = current_schema() AND data_type = 'text' AND collation_name IS DISTINCT FROM 'C'
          AND table_name <> 'applied_migrations'
        """
    )
    assert found == []
    db.close()
