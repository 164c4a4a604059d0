"""Samples of connections: what is written, what is not, and what becomes of old ones; on every engine."""

from datetime import timedelta

import pytest
from running import Clock

from releaseapp import clock
from releaseapp.connections.keeping import look_after
from releaseapp.connections.queries import insert_sample
from releaseapp.connections.sampler import Sampler
from releaseapp.connections.service import Sample, list_samples
from releaseapp.db import connect
from releaseapp.db.migrate import migrate
from releaseapp.live.counters import Counters, rounded_milliseconds

START, END = "2000", "2999"


@pytest.fixture
def database(target):
    database = connect(target)
    migrate(database)
    yield database
    database.close()


@pytest.fixture
def time(monkeypatch):
    moving = Clock(monkeypatch)
    started = clock.now()
    monkeypatch.setattr(clock, "monotonic", lambda: (moving.now() - started).total_seconds())  # noqa: PLW0108 - it asks anew
    return moving


def test_a_sample_has_what_changed_since_the_one_before(database, time):
    counters = Counters()
    sampler = Sampler(database, counters, "a:1")
    for session in ("s1", "s2", "s3"):
        counters.count_open(session)
    counters.refused[401] += 2
    sampler.sample()
    time.pass_time(10)
    counters.count_closed(1006, "s1")
    time.pass_time(2)
    counters.count_open("s1", returning=True)
    counters.count_closed(1001, "s2")
    sampler.sample()
    first, second = list_samples(database, START, END)
    assert (first.open, first.opened, first.closed, first.refused) == (3, 3, {}, {"401": 2})
    assert (second.open, second.opened, second.closed) == (2, 1, {"1006": 1, "1001": 1})
    assert set(second.reconnects) <= {"2000", "2100"}
    assert sum(second.reconnects.values()) == 1
    assert second.seconds == pytest.approx(12, abs=0.1)


def test_while_nothing_changes_one_sample_a_minute_is_written(database, time):
    sampler = Sampler(database, Counters(), "a:1")
    written = 0
    for _ in range(60):
        written += sampler.sample() is not None
        time.pass_time(10)
    assert 9 <= written <= 11
    assert len(list_samples(database, START, END)) == written


def test_what_could_not_be_written_is_told_with_the_next_sample(database, time, monkeypatch):
    from releaseapp.errors import Busy

    counters = Counters()
    sampler = Sampler(database, counters, "a:1")
    counters.count_open("s")

    def busy():
        raise Busy("The database is busy.")

    with monkeypatch.context() as patched:
        patched.setattr(database, "transaction", busy)
        with pytest.raises(Busy):
            sampler.sample()
    counters.count_open("t")
    sampler.sample()
    assert [one.opened for one in list_samples(database, START, END)] == [2]


def test_who_lost_its_connection_to_a_process_that_stopped_is_met_by_the_next(database, time):
    old, new = Counters(), Counters()
    first, second = Sampler(database, old, "a:1"), Sampler(database, new, "a:2")
    for n in range(3):
        old.count_open(f"s{n}")
    first.sample()
    old.left_at = clock.now_text()
    for n in range(3):
        old.count_closed(1012, f"s{n}")
    time.pass_time(4)
    for n in range(4):
        # The fourth comes from a page that was opened anew: no more come back than were sent away.
        new.count_open(f"s{n}", returning=True)
    second.sample()
    assert list_samples(database, START, END)[-1].reconnects == {}
    first.sample()
    time.pass_time(10)
    second.sample()
    last = list_samples(database, START, END)[-1]
    assert sum(last.reconnects.values()) == 3
    assert {int(key) for key in last.reconnects} <= {4000, 4100}


def test_a_page_that_is_left_and_opened_again_has_not_reconnected():
    counters = Counters()
    counters.count_open("s")
    counters.count_closed(1001, "s")
    counters.count_open("s", returning=True)
    assert not counters.reconnects


def test_old_samples_are_merged_by_the_minute_and_lose_no_count(database, time):
    start = clock.now().replace(second=0, microsecond=0) - timedelta(hours=3)
    with database.transaction() as tx:
        for n in range(600):
            moment = clock.text(start + timedelta(seconds=n * 10))
            insert_sample(tx, Sample("a:1", "x", moment, 10.0, n, 2, {"1006": 1}, {}, {"800": 1}))
    assert look_after(database) > 400
    found = list_samples(database, START, END)
    assert len(found) <= 102
    assert sum(one.opened for one in found) == 1200
    assert sum(one.closed["1006"] for one in found) == 600
    assert sum(one.reconnects["800"] for one in found) == 600
    assert sum(one.seconds for one in found) == pytest.approx(6000)
    assert found[-1].open == 599
    assert look_after(database) == 0


def test_samples_of_more_than_a_month_ago_go(database, time):
    with database.transaction() as tx:
        for days in (40, 31, 29):
            insert_sample(tx, Sample("a:1", "x", clock.later_text(-days * 86_400), 10.0, 1, 0, {}, {}, {}))
    look_after(database)
    assert len(list_samples(database, START, END)) == 1


@pytest.mark.parametrize(("seconds", "rounded"), [(0, 1), (0.0994, 99), (0.1234, 130), (1.234, 1300), (99.1, 100_000)])
def test_times_are_rounded_up_to_two_digits(seconds, rounded):
    assert rounded_milliseconds(seconds) == rounded
