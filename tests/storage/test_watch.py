"""Hearing that another process has committed."""

import sqlite3
import threading

import pytest
from databases import outputs, process

from releaseapp.db import connect

WRITE = """
import sys
from releaseapp.db import connect
db = connect(sys.argv[1])
with db.transaction() as tx:
    tx.run("INSERT INTO things (id) VALUES ('a')")
db.close()
"""


class Bell:
    """Counts how often it rang; can be waited for."""

    def __init__(self):
        self.times = 0
        self.rang = threading.Event()

    def __call__(self):
        self.times += 1
        self.rang.set()

    def heard(self, seconds=10):
        """Whether it rang since the last time this was asked, or does so soon."""
        heard = self.rang.wait(seconds)
        self.rang.clear()
        return heard


def insert(db, name):
    with db.transaction() as tx:
        tx.run("INSERT INTO things (id) VALUES (:id)", id=name)


def test_a_commit_of_another_process_wakes_the_watcher(db, target):
    bell = Bell()
    with db.watch(bell):
        outputs([process(WRITE, target)])
        assert bell.heard()
    assert db.first("SELECT id FROM things") == {"id": "a"}


def test_the_first_commit_in_the_block_is_heard_and_each_later_one(db, other):
    bell = Bell()
    with db.watch(bell):
        for number in range(5):
            insert(other, str(number))
            assert bell.heard()


def test_a_commit_of_the_same_object_is_heard_too(db):
    bell = Bell()
    with db.watch(bell):
        insert(db, "a")
        assert bell.heard()


def test_several_may_watch(db, other):
    bells = [Bell(), Bell()]
    with db.watch(bells[0]), other.watch(bells[1]):
        insert(other, "a")
        assert [bell.heard() for bell in bells] == [True, True]


def test_a_rollback_and_a_read_wake_nobody(db, other):
    bell = Bell()
    with db.watch(bell):
        with pytest.raises(LookupError), other.transaction() as tx:
            tx.run("INSERT INTO things (id) VALUES ('a')")
            raise LookupError
        with other.transaction() as tx:
            tx.first("SELECT id FROM things")
        other.all("SELECT id FROM things")
        assert not bell.heard(0.15)


def test_after_the_block_nothing_is_heard_and_no_thread_is_left(db, other):
    bell = Bell()
    before = threading.active_count()
    with db.watch(bell):
        pass
    times = bell.times
    assert threading.active_count() == before
    insert(other, "a")
    assert not bell.heard(0.1)
    assert bell.times == times


def test_a_watcher_that_fails_is_called_again_the_next_time(db, other, caplog):
    bell = Bell()

    def failing():
        bell()
        raise LookupError

    with db.watch(failing):
        for name in "ab":
            insert(other, name)
            assert bell.heard()
    assert "LookupError" in caplog.text


def test_what_cannot_be_opened_cannot_be_watched(tmp_path):
    with pytest.raises(sqlite3.OperationalError), connect(tmp_path / "no folder" / "data.db").watch(print):
        pass
