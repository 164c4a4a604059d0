"""Disk that is not needed any more is given back."""

import os
import sqlite3

import pytest

from releaseapp.db import connect

LARGE = "x" * 3000
FEW = 50


@pytest.fixture
def path(tmp_path):
    return tmp_path / "data.db"


def fill(db, number):
    with db.transaction() as tx:
        for n in range(number):
            tx.run("INSERT INTO things (id, note) VALUES (:id, :note)", id=f"{n:05}", note=LARGE)


def empty(db):
    with db.transaction() as tx:
        tx.run("DELETE FROM things WHERE id > '00010'")


def table(db):
    with db.transaction() as tx:
        tx.run("CREATE TABLE things (id TEXT PRIMARY KEY, note TEXT)")


def give_all_back(db):
    given = []
    while some := db.give_back_space(FEW):
        given.append(some)
    return given


def test_space_is_given_back_some_pages_at_a_time(db):
    fill(db, 500)
    empty(db)
    given = give_all_back(db)
    if db.engine == "postgresql":
        assert given == []
        return
    assert len(given) > 5
    assert max(given) == FEW * 4096
    assert db.first("SELECT COUNT(*) AS number FROM things") == {"number": 11}
    assert db.first("PRAGMA freelist_count") == {"freelist_count": 0}


def test_the_file_gets_shorter_while_others_have_it_open(path):
    db, other = connect(path), connect(path)
    table(db)
    fill(db, 500)
    assert other.first("SELECT COUNT(*) AS number FROM things") == {"number": 500}
    empty(db)
    db.first("PRAGMA wal_checkpoint(TRUNCATE)")
    before = os.path.getsize(path)
    assert before > 1_400_000
    given = sum(give_all_back(db))
    assert os.path.getsize(path) == before - given < 150_000
    assert other.first("SELECT COUNT(*) AS number FROM things") == {"number": 11}
    assert db.first("PRAGMA integrity_check") == {"integrity_check": "ok"}
    db.close()
    other.close()


def test_space_is_not_given_back_inside_a_transaction(db):
    if db.engine == "postgresql":
        pytest.skip("PostgreSQL gives back by itself")
    with pytest.raises(RuntimeError, match="transaction is open"), db.transaction():
        db.give_back_space(1)


def test_a_file_that_was_not_made_for_it_keeps_its_size_until_it_is_converted(path):
    with sqlite3.connect(path) as plain:
        plain.execute("CREATE TABLE things (id TEXT PRIMARY KEY, note TEXT)")
    plain.close()
    db = connect(path)
    fill(db, 500)
    empty(db)
    assert db.give_back_space(FEW) == 0
    db.close()
    with sqlite3.connect(path, isolation_level=None) as stopped:
        # What docs/retention.md has people do.
        stopped.executescript("PRAGMA auto_vacuum = INCREMENTAL; VACUUM")
    stopped.close()
    db = connect(path)
    assert os.path.getsize(path) < 150_000
    fill_more(db)
    assert sum(give_all_back(db)) > 0
    db.close()


def fill_more(db):
    with db.transaction() as tx:
        for n in range(500):
            tx.run("INSERT INTO things (id, note) VALUES (:id, :note)", id=f"more {n:05}", note=LARGE)
    empty(db)
