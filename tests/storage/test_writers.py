"""Many threads and many processes at once."""

import threading
import time

import pytest
from databases import outputs, process

from releaseapp.db import connect
from releaseapp.db.migrate import migrate
from releaseapp.errors import Busy

COUNT = """
import sys
from releaseapp.db import connect
db = connect(sys.argv[1], synchronous="NORMAL", busy_timeout=30)
for _ in range(int(sys.argv[2])):
    with db.transaction() as tx:
        number = tx.first("SELECT number FROM things")["number"]
        tx.run("UPDATE things SET number = :number", number=number + 1)
db.close()
"""
TELL = """
import sys
from releaseapp.db import connect
from releaseapp.events.models import EventType
from releaseapp.events.service import append
db = connect(sys.argv[1], synchronous="NORMAL", busy_timeout=30)
for number in range(int(sys.argv[3])):
    with db.transaction() as tx:
        append(tx, EventType.AGENT_UPDATED, sys.argv[2], workspace_id="w", data={"number": number})
        append(tx, EventType.AGENT_UPDATED, sys.argv[2], workspace_id="w", data={"number": number})
db.close()
"""


def together(work, number):
    """Runs ``work`` in so many threads, and raises what any of them raised."""
    errors = []

    def guarded():
        try:
            work()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []


def test_threads_that_read_then_write_lose_nothing(db):
    with db.transaction() as tx:
        tx.run("INSERT INTO things (id, number) VALUES ('a', 0)")

    def count():
        for _ in range(50):
            with db.transaction() as tx:
                number = tx.first("SELECT number FROM things")["number"]
                tx.run("UPDATE things SET number = :number", number=number + 1)

    together(count, 6)
    assert db.first("SELECT number FROM things") == {"number": 300}


def test_processes_that_read_then_write_lose_nothing(db, target):
    with db.transaction() as tx:
        tx.run("INSERT INTO things (id, number) VALUES ('a', 0)")
    outputs([process(COUNT, target, 150) for _ in range(3)])
    assert db.first("SELECT number FROM things") == {"number": 450}


def test_a_reader_is_not_kept_waiting_by_a_writer(db, other):
    with db.transaction() as tx:
        tx.run("INSERT INTO things (id, number) VALUES ('a', 1)")
    with db.transaction() as tx:
        tx.run("UPDATE things SET number = 2")
        began = time.monotonic()
        assert other.first("SELECT number FROM things") == {"number": 1}
        assert time.monotonic() - began < 0.15
    assert other.first("SELECT number FROM things") == {"number": 2}


def test_who_waits_too_long_for_the_turn_hears_that_the_database_is_busy(db, other):
    with db.transaction():
        began = time.monotonic()
        with pytest.raises(Busy), other.transaction():
            pytest.fail("two at once")
        assert 0.15 < time.monotonic() - began < 2
    with other.transaction() as tx:
        tx.run("INSERT INTO things (id) VALUES ('a')")
    assert db.first("SELECT id FROM things") == {"id": "a"}


def test_a_thread_that_waits_too_long_for_another_hears_it_too(other):
    holding, done = threading.Event(), threading.Event()

    def hold():
        with other.transaction():
            holding.set()
            done.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        assert holding.wait(30)
        with pytest.raises(Busy), other.transaction():
            pytest.fail("two at once")
    finally:
        done.set()
        thread.join()
    with other.transaction():
        pass


def test_who_reads_events_in_the_order_of_their_ids_misses_none_while_many_write(target):
    db = connect(target)
    migrate(db)
    writers = [process(TELL, target, f"writer {number}", 100) for number in range(3)]
    seen, last = [], 0
    deadline = time.monotonic() + 60
    while len(seen) < 600 and time.monotonic() < deadline:
        rows = db.all("SELECT id, subject, data FROM events WHERE id > :last ORDER BY id", last=last)
        seen += rows
        last = seen[-1]["id"] if seen else 0
    outputs(writers)
    assert seen == db.all("SELECT id, subject, data FROM events ORDER BY id")
    assert len(seen) == 600
    for first, second in zip(seen[::2], seen[1::2], strict=True):
        assert (first["subject"], first["data"]) == (second["subject"], second["data"])
    db.close()


def test_a_process_that_writes_without_a_pause_leaves_room_for_another(db, target, other):
    with db.transaction() as tx:
        tx.run("INSERT INTO things (id, number) VALUES ('a', 0)")
    hog = process(COUNT.replace("range(int(sys.argv[2]))", "iter(int, 1)"), target)
    try:
        deadline = time.monotonic() + 30
        while not db.first("SELECT number FROM things")["number"]:
            assert time.monotonic() < deadline
        patient = connect(target, busy_timeout=5)
        for _ in range(20):
            with patient.transaction() as tx:
                tx.run("UPDATE things SET size = 1")
        patient.close()
    finally:
        hog.kill()
        hog.communicate()
