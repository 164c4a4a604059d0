"""States and answers at the edges: what a release says and does when things are not as one would think."""

from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest
from releases.world import AVERY, BAILEY, PLAN, ground_of

from releaseapp import clock
from releaseapp.cli.ini import own_address
from releaseapp.errors import Conflict
from releaseapp.operations.models import Kind
from releaseapp.operations.service import begin, find_operation
from releaseapp.releases import service
from releaseapp.releases.models import Status, Verdict
from releaseapp.releases.promoting import Wish
from releaseapp.releases.service import finish, list_entries, perform, promote, roll_back, start
from releaseapp.releases.working import Refused


def test_a_verb_that_is_impossible_is_a_409_whose_body_says_409_and_where_the_release_stands(app, settings, world):
    registry = app.app.registry
    registry.release_ground = ground_of(registry.db, settings, world)
    avery = app.as_program("avery.owner@example.com")
    perform(registry.release_ground, start(registry.release_ground, AVERY, PLAN))
    told = avery.post_json("/release/finish", {}, status=409).json
    assert (told["status"], told["stands"]) == (409, "started")


def test_a_hook_is_not_called_while_connections_storm_not_even_after_the_finish(db, settings, world):
    ground = ground_of(db, replace(settings, release_hook_url="https://cdn.example.com/clear"), world)
    perform(ground, start(ground, AVERY, PLAN))
    perform(ground, promote(ground, AVERY, Wish()))
    calm, world.verdict = world.verdict, Verdict("stormy", ["Many closes."], {})
    perform(ground, finish(ground, AVERY, Wish(despite="A load test runs.")))
    with pytest.raises(Refused, match=r"The hook was not called\. Connections are stormy"):
        perform(ground, service.call_hook_again(ground, AVERY))
    assert world.hooked == []
    world.verdict = calm
    perform(ground, service.call_hook_again(ground, AVERY))
    assert len(world.hooked) == 1


def test_the_gate_of_a_hook_after_the_finish_looks_at_the_time_just_before(db, settings, world, monkeypatch):
    looked = []
    ground = ground_of(
        db,
        replace(settings, release_hook_url="https://cdn.example.com/clear"),
        world,
        connections=lambda since, until: looked.append((since, until)) or world.verdict,
    )
    perform(ground, start(ground, AVERY, PLAN))
    perform(ground, promote(ground, AVERY, Wish()))
    world.answers *= 2
    perform(ground, finish(ground, AVERY, Wish()))
    later = clock.now() + timedelta(days=40)
    monkeypatch.setattr(clock, "now", lambda: later)
    perform(ground, service.call_hook_again(ground, AVERY))
    since, until = looked[-1]
    assert clock.parse(until) - clock.parse(since) == timedelta(minutes=10)


def test_a_rollback_puts_back_what_somebody_restored_by_hand_and_then_changed(ground, world, promoted):
    """A refused rollback, a restore by hand, more work: the next rollback must not take that restore for its own."""

    def refuse():
        raise Conflict("The disk is full.")

    world.meanwhile = refuse
    with pytest.raises(Refused):
        perform(ground, roll_back(ground, AVERY, ""))
    world.meanwhile = lambda: None
    by_hand = msgspec.structs.replace(ground, was_put_back=lambda _name, _since: "kept-by-hand")
    assert perform(by_hand, roll_back(by_hand, BAILEY, "")).status is Status.ROLLED_BACK
    assert world.put_back == [promoted.snapshot]


def test_what_has_no_version_is_not_said_to_answer_as_none(ground, world, started):
    world.health = msgspec.structs.replace(world.health, version=None)
    release = perform(ground, promote(ground, AVERY, Wish(despite="It is a proxy's page.")))
    assert list_entries(ground.db, release.id)[-1].sentence == "Promoted: what answers tells no version."


@pytest.mark.parametrize(
    ("host", "address"),
    [("::1", "http://[::1]:7001"), ("::", "http://127.0.0.1:7001"), ("10.0.0.7", "http://10.0.0.7:7001")],
)
def test_the_address_of_the_ini_can_be_asked_whatever_it_is(tmp_path, host, address):
    ini = tmp_path / "server.ini"
    ini.write_text(f"[server:main]\nuse = egg:releaseapp\nhost = {host}\nport = 7001\n")
    assert own_address(ini) == address


def test_an_operation_that_died_makes_room_though_the_clock_went_back(db, monkeypatch):
    dead, alive = (begin(db, kind, None) for kind in (Kind.RELEASE, Kind.CHECK))
    host = dead.process.rpartition(":")[0]
    with db.transaction() as tx:
        tx.run("UPDATE operations SET process = :process WHERE id = :id", process=f"{host}:{2**22 + 5}", id=dead.id)
    earlier = clock.now() - timedelta(hours=1)
    monkeypatch.setattr(clock, "now", lambda: earlier)
    assert find_operation(db, dead.id).status == "interrupted"
    assert find_operation(db, alive.id).status == "running"
