"""Work on the server that takes long: it is written down, one at a time, and ended whatever happens."""

import threading

import pytest
from running import until_over

from releaseapp import clock
from releaseapp.errors import Busy, Conflict
from releaseapp.operations import service
from releaseapp.operations.models import Kind, Status


def events_of(db, operation):
    rows = db.all("SELECT type FROM events WHERE subject = :id ORDER BY id", id=operation.id)
    return [row["type"] for row in rows]


def test_an_operation_tells_what_it_is_at_and_how_it_ended(db):
    seen = []

    def work(report):
        report.tell("Copies.", 0.5)
        seen.extend(service.list_at_work(db))
        return "Copied 3 files.", {"files": 3}

    ended = service.perform(db, Kind.SNAPSHOT, None, work)
    assert (seen[0].sentence, seen[0].progress, seen[0].status) == ("Copies.", 0.5, Status.RUNNING)
    assert service.find_operation(db, ended.id) == ended
    assert (ended.status, ended.sentence, ended.result) == (Status.DONE, "Copied 3 files.", {"files": 3})
    assert service.list_at_work(db) == []
    assert events_of(db, ended) == ["operation.started", "operation.progressed", "operation.finished"]


def test_what_fails_says_why_and_what_breaks_says_no_secret(db):
    def refuse(_report):
        raise Busy("The disk is full.")

    def break_down(_report):
        raise RuntimeError("a key: 12345")

    with pytest.raises(Busy):
        service.perform(db, Kind.SNAPSHOT, None, refuse)
    assert service.newest_of(db, Kind.SNAPSHOT).sentence == "The disk is full."
    with pytest.raises(RuntimeError):
        service.perform(db, Kind.SNAPSHOT, None, break_down)
    newest = service.newest_of(db, Kind.SNAPSHOT)
    assert newest.status is Status.FAILED
    assert "12345" not in newest.sentence


def test_one_at_a_time_is_at_work_on_the_data_and_checks_beside_it(db):
    first = service.begin(db, Kind.SNAPSHOT, None)
    with pytest.raises(Conflict, match=r"At work since .*: snapshot"):
        service.begin(db, Kind.RESTORE, None)
    service.perform(db, Kind.CHECK, None, lambda _report: ("Well.", {}))
    service.carry_out(db, first, lambda _report: ("Made.", {}))
    service.begin(db, Kind.RESTORE, None)


def test_an_operation_whose_process_died_is_interrupted_and_makes_room(db, monkeypatch):
    dead = service.begin(db, Kind.SNAPSHOT, None)
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now.replace(year=now.year + 1))
    assert service.list_at_work(db) == []
    assert service.newest_of(db, Kind.SNAPSHOT).status is Status.INTERRUPTED
    service.perform(db, Kind.RESTORE, None, lambda _report: ("Put back.", {}))
    found = service.find_operation(db, dead.id)
    assert found.status is Status.INTERRUPTED
    assert found.finished_at is not None
    assert events_of(db, dead) == ["operation.started", "operation.finished"]


def test_a_page_need_not_wait_for_an_operation(db):
    go = threading.Event()
    ended = threading.Event()

    def work(_report):
        go.wait(10)
        return "Made.", {}

    db.on_commit(lambda: ended.set() if not service.list_at_work(db) else None)
    begun = service.start_in_thread(db, Kind.SNAPSHOT, None, work)
    assert [one.id for one in service.list_at_work(db)] == [begun.id]
    go.set()
    assert ended.wait(10)
    assert service.find_operation(db, begun.id).status is Status.DONE


def test_what_is_begun_in_a_transaction_goes_on_after_its_commit_and_not_at_all_without(db):
    did = threading.Event()

    def work(_report):
        did.set()
        return "Made.", {}

    with db.transaction():
        begun = service.start_in_thread(db, Kind.SNAPSHOT, None, work)
        assert not did.wait(0.05)
    assert did.wait(10)
    until_over(begun.id)
    did.clear()

    def begin_and_give_up():
        with db.transaction():
            service.start_in_thread(db, Kind.SNAPSHOT, None, work)
            raise Busy("Not now.")

    with pytest.raises(Busy):
        begin_and_give_up()
    assert not did.wait(0.05)
    assert service.list_at_work(db) == []
