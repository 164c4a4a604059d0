"""The rules of maintenance."""

from datetime import timedelta

import pytest
from databases import migrated, postgres, target  # noqa: F401 - fixtures

from releaseapp import clock
from releaseapp.errors import Conflict, Invalid, UnderMaintenance
from releaseapp.events.queries import list_events_after
from releaseapp.maintenance.service import (
    begin_maintenance,
    check_writable,
    end_maintenance,
    find_maintenance,
    lapse,
    retry_after,
    sentence_of,
)


def told(db):
    return [(event.type, event.data) for event in list_events_after(db, 0, 100)]


@pytest.fixture
def later(monkeypatch):
    def pass_time(**span):
        true_now = clock.now
        monkeypatch.setattr(clock, "now", lambda: true_now() + timedelta(**span))

    return pass_time


def test_it_begins_is_found_and_ends_each_with_its_event(db):
    assert find_maintenance(db) is None
    begun = begin_maintenance(db, "acc_1", "  A new   disk ")
    assert (begun.why, begun.until, begun.by) == ("A new disk", None, "acc_1")
    assert find_maintenance(db) == begun
    end_maintenance(db, "acc_1")
    assert find_maintenance(db) is None
    assert told(db) == [
        ("maintenance.began", {"why": "A new disk", "until": None}),
        ("maintenance.ended", {"how": "ended"}),
    ]


def test_ending_what_is_not_there_is_refused(db):
    with pytest.raises(Conflict, match="There is no maintenance"):
        end_maintenance(db, None)


def test_said_anew_it_keeps_when_it_began(db):
    first = begin_maintenance(db, None, "A new disk")
    again = begin_maintenance(db, None, "Two new disks", "2h")
    assert again.at == first.at
    assert find_maintenance(db) == again


def test_it_lapses_by_itself_and_everybody_is_told_once(db, later):
    begin_maintenance(db, None, "A new disk", "30m")
    later(minutes=29)
    assert find_maintenance(db) is not None
    assert not lapse(db)
    later(minutes=2)
    assert find_maintenance(db) is None
    check_writable(db)
    assert lapse(db)
    assert not lapse(db)
    assert told(db)[-1] == ("maintenance.ended", {"how": "lapsed"})
    with pytest.raises(Conflict):
        end_maintenance(db, None)


def test_whoever_would_write_hears_why_until_when_and_when_to_come_again(db):
    begun = begin_maintenance(db, None, "A new disk", "10 min")
    with pytest.raises(UnderMaintenance, match=r"A new disk\. It ends by .* UTC\. Everything can be read") as caught:
        check_writable(db)
    assert 590 <= caught.value.retry_after <= 600
    assert retry_after(begin_maintenance(db, None, "A new disk", "5h")) == 3600
    assert retry_after(begin_maintenance(db, None, "A new disk")) == 60
    assert sentence_of(begun).startswith("A new disk. ")


@pytest.mark.parametrize(
    ("until", "sentence"),
    [
        ("tomorrow", "must be a time such as"),
        ("2026-11-24 18:00", "must be a time such as"),
        ("2020-01-01T00:00:00Z", "must lie ahead"),
        ("0m", "must lie ahead"),
        ("9999h", "7 days ahead at most"),
        ("99999999999999999999m", "must be a time such as"),
        ("9999-12-31T23:59:59.999-23:59", "7 days ahead at most"),
    ],
)
def test_a_time_that_cannot_be_is_refused_at_its_field(db, until, sentence):
    with pytest.raises(Invalid, match=sentence) as caught:
        begin_maintenance(db, None, "A new disk", until)
    assert [fault.pointer for fault in caught.value.faults] == ["/until"]
    assert find_maintenance(db) is None


@pytest.mark.parametrize("why", ["", "   ", "x" * 301, "a\x00b"])
def test_why_must_be_a_sentence_that_can_be_read(db, why):
    with pytest.raises(Invalid) as caught:
        begin_maintenance(db, None, why)
    assert [fault.pointer for fault in caught.value.faults] == ["/why"]


def test_a_time_with_a_zone_is_kept_as_utc(db):
    local = (clock.now() + timedelta(hours=1)).astimezone(tz=None).isoformat()
    until = begin_maintenance(db, None, "A new disk", local).until
    assert until is not None
    assert until.endswith("Z")
    assert len(until) == 24
