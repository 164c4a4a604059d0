"""The log of a release, held against one that was written by hand."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from releases.world import AVERY, BAD, BAILEY, PLAN, ground_of

from releaseapp import clock
from releaseapp.errors import NotFound
from releaseapp.releases.models import HookAnswer, Verdict
from releaseapp.releases.promoting import Wish
from releaseapp.releases.service import (
    confirm_roles,
    finish,
    log_as_markdown,
    note,
    perform,
    promote,
    roll_back,
    start,
)
from releaseapp.releases.working import Refused

GOLDEN = Path(__file__).parent


@pytest.fixture
def at(monkeypatch):
    """Sets the clock: ``at("02:05:00")`` of a night."""
    monkeypatch.setattr(clock, "new_id", lambda prefix: f"{prefix}_{clock.now_text()}")

    def move(time):
        hours, minutes, seconds = (int(part) for part in time.split(":"))
        moment = datetime(2026, 11, 24, tzinfo=UTC) + timedelta(hours=hours, minutes=minutes, seconds=seconds)
        monkeypatch.setattr(clock, "now", lambda: moment)

    move("01:58:00")
    return move


def test_a_release_that_finished_reads_as_if_written_by_hand(db, settings, world, at):
    ground = ground_of(db, replace(settings, release_hook_url="https://cdn.example.com/x"), world, ini="production.ini")
    plan = msgspec.structs.replace(
        PLAN, window_starts_at="2026-11-24T02:00:00.000Z", window_ends_at="2026-11-24T03:00:00.000Z"
    )
    at("02:00:05")
    world.findings = [*world.findings, BAD]
    with pytest.raises(Refused):
        perform(ground, start(ground, AVERY, plan))
    at("02:01:00")
    perform(ground, start(ground, AVERY, msgspec.structs.replace(plan, despite="The disk grows | tonight.")))
    at("02:10:00")
    world.matrix = {"viewer": ["agents.edit"]}
    confirm_roles(ground, BAILEY)
    at("02:12:00")
    figures = {"open": 11, "opens": 40, "closes": 41, "reconnect_seconds": 1.5, "came_back_share": None}
    world.verdict = Verdict("busy", ["41 closes in 12 minutes; 3 are usual."], figures)
    with pytest.raises(Refused):
        perform(ground, promote(ground, AVERY, Wish("http://x")))
    at("02:15:30")
    world.verdict = Verdict("calm", [], {"open": 12, "opens": 44, "closes": 43, "reconnect_seconds": 0.5})
    perform(ground, promote(ground, AVERY, Wish("http://x")))
    at("02:20:00")
    note(db, BAILEY, "Somebody asked why\nthe <page> | moved.")
    at("02:31:10")
    world.answers = [HookAnswer(502, "The hook answered 502.", 3.25), HookAnswer(204, "The hook answered 204.", 0.125)]
    with pytest.raises(Refused):
        perform(ground, finish(ground, AVERY, Wish()))
    at("02:32:00")
    perform(ground, finish(ground, AVERY, Wish(note="All quiet.")))
    assert log_as_markdown(db) == (GOLDEN / "finished.md").read_text()


def test_a_release_that_was_rolled_back_late_says_so_and_how_to_undo_it(ground, world, at):
    at("02:00:05")
    plan = msgspec.structs.replace(PLAN, window_ends_at="2026-11-24T02:30:00.000Z")
    release = perform(ground, start(ground, AVERY, plan))
    at("02:05:00")
    perform(ground, promote(ground, AVERY, Wish("http://x")))
    at("02:40:00")
    world.loss.sentences.append("Two runs are under way.")
    perform(ground, roll_back(ground, BAILEY, "Pages are slow."))
    assert log_as_markdown(ground.db, release.id) == (GOLDEN / "rolled_back.md").read_text()


def test_the_log_of_an_open_release_holds_the_plan_for_a_rollback(ground, started):
    told = log_as_markdown(ground.db)
    assert "- **Outcome:** Open: started." in told
    assert "releaseapp release rollback INI\npip install releaseapp==0.1.0" in told


def test_the_commands_of_the_log_can_be_pasted_whatever_the_file_is_called(db, settings, world):
    ground = ground_of(db, settings, world, ini="/srv/our server.ini")
    perform(ground, start(ground, AVERY, PLAN))
    assert "releaseapp release rollback '/srv/our server.ini'\n" in log_as_markdown(db)


def test_there_is_no_log_of_no_release(db):
    with pytest.raises(NotFound, match="no release yet"):
        log_as_markdown(db)
    with pytest.raises(NotFound, match="rel_none"):
        log_as_markdown(db, "rel_none")
