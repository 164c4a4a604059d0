"""What releases ask of a database, asked of each engine; and two operators in two processes, at the same moment."""

import threading
from dataclasses import replace

from databases import migrated, postgres, target  # noqa: F401 - fixtures
from releases.world import AVERY, BAILEY, PLAN, ground_of

from releaseapp.db import connect
from releaseapp.errors import Conflict
from releaseapp.releases.models import HookAnswer, Status
from releaseapp.releases.promoting import Wish
from releaseapp.releases.service import (
    confirm_roles,
    find_newest,
    finish,
    list_releases,
    log_as_markdown,
    note,
    perform,
    promote,
    roll_back,
    start,
)


def test_releases_are_kept_alike_on_every_engine(db, settings, world):
    ground = ground_of(db, settings, world)
    first = perform(ground, start(ground, AVERY, PLAN))
    confirm_roles(ground, BAILEY)
    perform(ground, promote(ground, AVERY, Wish()))
    note(db, BAILEY, "A note with ünicode 🎉 and 'quotes' :name")
    perform(ground, finish(ground, AVERY, Wish()))
    second = perform(ground, start(ground, AVERY, PLAN))
    perform(ground, roll_back(ground, AVERY, ""))
    assert [one.id for one in list_releases(db)] == [second.id, first.id]
    assert [one.id for one in list_releases(db, second.id, 1)] == [first.id]
    assert find_newest(db).roles == world.matrix
    assert list_releases(db)[0].roles == {}
    assert "A note with ünicode 🎉 and 'quotes' :name" in log_as_markdown(db, first.id)


def test_of_two_who_start_at_the_same_moment_one_wins(target, db, settings, world):  # noqa: F811 - the fixture
    others = [connect(target, busy_timeout=20) for _ in range(4)]
    gate = threading.Barrier(len(others))
    won, lost = [], []

    def begin(database):
        ground = ground_of(database, settings, world)
        gate.wait(10)
        try:
            won.append(perform(ground, start(ground, AVERY, PLAN)))
        except Conflict as error:
            lost.append(str(error))
        database.close_thread()

    threads = [threading.Thread(target=begin, args=(one,)) for one in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    for one in others:
        one.close()
    assert (len(won), len(lost), world.snapshots) == (1, 3, 1)
    assert all("at work on the release" in one or "start is not possible" in one for one in lost)
    assert len(list_releases(db)) == 1


def test_a_hook_that_answers_what_a_database_cannot_keep_does_not_hold_up_the_finish(db, settings, world):
    ground = ground_of(db, replace(settings, release_hook_url="https://cdn.example.com/clear"), world)
    world.answers = [HookAnswer(200, "The hook answered 200: \x00.", 0.1)]
    perform(ground, start(ground, AVERY, PLAN))
    perform(ground, promote(ground, AVERY, Wish()))
    assert perform(ground, finish(ground, AVERY, Wish())).status is Status.FINISHED
