"""The states of a release: what leads from one to another, what stops it, and what two operators at once get."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from releases.world import AVERY, BAD, BAILEY, PLAN, ground_of

from releaseapp import clock
from releaseapp.connections.service import marks_of
from releaseapp.errors import Conflict, Invalid, PreconditionFailed
from releaseapp.operations.models import Kind
from releaseapp.operations.service import begin, find_operation
from releaseapp.releases import machine, promoting, service
from releaseapp.releases.machine import Verb
from releaseapp.releases.models import HookAnswer, Loss, Status, Verdict
from releaseapp.releases.promoting import Wish
from releaseapp.releases.service import abandon, confirm_roles, finish, note, perform, promote, roll_back, start
from releaseapp.releases.starting import read_moment
from releaseapp.releases.working import Refused

DOCS = Path(__file__).parent.parent.parent / "docs" / "releases.md"


def kinds(ground, release):
    return [entry.kind.value for entry in service.list_entries(ground.db, release.id)]


def sentences(ground, release):
    return [entry.sentence for entry in service.list_entries(ground.db, release.id)]


def test_a_release_goes_from_start_to_finish_and_every_step_is_written_down(ground, world):
    release = perform(ground, start(ground, AVERY, PLAN))
    assert (release.status, release.who, release.roles) == (Status.STARTED, AVERY.name, world.matrix)
    release = perform(ground, promote(ground, BAILEY, Wish("http://x")))
    assert release.status is Status.PROMOTED
    release = perform(ground, finish(ground, AVERY, Wish(note="All quiet.")))
    assert release.status is Status.FINISHED
    assert kinds(ground, release) == [
        "begun", "checked", "snapshot", "connections", "roles_frozen", "health", "connections", "promoted",
        "connections", "note", "finished",
    ]  # fmt: skip
    assert service.find_open(ground.db) is None
    events = [
        row["type"] for row in ground.db.all("SELECT type FROM events WHERE subject = :id ORDER BY id", id=release.id)
    ]
    assert events.count("release.noted") == 8
    assert {"release.started", "release.promoted", "release.finished"} <= set(events)


def test_an_error_of_the_checks_stops_the_start_until_a_reason_is_given_and_written_down(ground, world):
    world.findings = [BAD]
    with pytest.raises(Refused, match=r"2 MB are left\. Make room\."):
        perform(ground, start(ground, AVERY, PLAN))
    stopped = service.find_open(ground.db)
    assert (stopped.status, stopped.snapshot, world.snapshots) == (Status.STARTING, None, 0)
    again = perform(ground, start(ground, AVERY, msgspec.structs.replace(PLAN, despite="The disk grows tonight.")))
    assert (again.id, again.status) == (stopped.id, Status.STARTED)
    assert "Goes on despite 1 error: The disk grows tonight." in sentences(ground, again)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"version": "one two"}, "/version"),
        ({"why": "  "}, "/why"),
        ({"window_starts_at": "2031-01-01T02:00:00.000Z", "window_ends_at": "2031-01-01T01:00:00.000Z"}, "/window_end"),
        ({"window_ends_at": "2001-01-01T02:00:00.000Z"}, "/window_end"),
    ],
)
def test_a_plan_that_cannot_be_names_its_field_and_begins_nothing(ground, change, field):
    with pytest.raises(Invalid) as told:
        start(ground, AVERY, msgspec.structs.replace(PLAN, **change))
    assert [fault.pointer for fault in told.value.faults] == [field]
    assert service.find_open(ground.db) is None


def test_times_are_read_as_people_write_them():
    assert read_moment("2031-01-31 08:00", "x") == "2031-01-31T08:00:00.000Z"
    assert read_moment("2031-01-31T08:00+02:00", "x") == "2031-01-31T06:00:00.000Z"
    assert read_moment(" ", "x") is None
    with pytest.raises(Invalid, match="2030-01-31T08:00Z"):
        read_moment("tomorrow", "x")


def test_one_release_is_open_at_a_time(ground, started):
    with pytest.raises(Conflict, match=r"release of 0\.2\.0 is open .*Froze the role matrix"):
        start(ground, BAILEY, msgspec.structs.replace(PLAN, version="0.3.0"))
    with pytest.raises(Conflict, match="start is not possible"):
        start(ground, BAILEY, PLAN)


def test_of_two_operators_one_wins_and_the_other_hears_what_happened(ground, started):
    begun = promote(ground, AVERY, Wish())
    with pytest.raises(Conflict, match="Another operator is at work on the release"):
        promote(ground, BAILEY, Wish())
    with pytest.raises(Conflict, match="at work"):
        abandon(ground.db, BAILEY, "no")
    perform(ground, begun)
    with pytest.raises(
        Conflict, match=r"is promoted, so promote is not possible.*Avery Owner .*Promoted: 0\.2\.0 answers"
    ):
        promote(ground, BAILEY, Wish())


@pytest.mark.parametrize("verdict", ["busy", "stormy"])
def test_a_gate_that_is_not_calm_refuses_and_says_whether_waiting_may_help(ground, world, started, verdict):
    world.verdict = Verdict(verdict, ["40 closes a minute, 2 are usual."], {"closes": 40})
    with pytest.raises(Refused, match="40 closes a minute") as told:
        perform(ground, promote(ground, AVERY, Wish()))
    assert told.value.waits is (verdict == "busy")
    assert service.find_open(ground.db).status is Status.STARTED
    release = perform(ground, promote(ground, AVERY, Wish(despite="A load test runs.")))
    assert release.status is Status.PROMOTED
    assert any("The reason: A load test runs." in one for one in sentences(ground, release))


def test_another_version_than_announced_is_not_promoted(ground, world, started):
    world.health = msgspec.structs.replace(world.health, version="0.1.0")
    with pytest.raises(Refused, match=r"0\.1\.0 still answers, and 0\.2\.0 was announced: start the new version"):
        perform(ground, promote(ground, AVERY, Wish()))


def test_what_cannot_be_reached_is_not_promoted_whatever_the_reason(ground, world, started):
    world.health = msgspec.structs.replace(world.health, reached=False, faults=["Connection refused."])
    with pytest.raises(Refused, match=r"cannot be reached\. Connection refused"):
        perform(ground, promote(ground, AVERY, Wish(despite="It will come.")))


def test_a_role_matrix_that_differs_must_be_confirmed_as_it_is(ground, world, started):
    world.matrix = {"viewer": ["agents.view", "agents.edit"]}
    with pytest.raises(Refused, match=r"nobody has confirmed it: Viewers may now POST to /agents\."):
        perform(ground, promote(ground, AVERY, Wish()))
    shown = service.roles_now(ground, service.find_open(ground.db))
    world.matrix = {"viewer": ["agents.view", "agents.edit", "agents.delete"]}
    with pytest.raises(PreconditionFailed):
        confirm_roles(ground, BAILEY, shown.digest)
    release = confirm_roles(ground, BAILEY)
    assert release.roles_confirmed_by == BAILEY.name
    assert perform(ground, promote(ground, AVERY, Wish())).status is Status.PROMOTED


def test_the_hook_is_called_behind_a_calm_gate_alone_and_its_failure_holds_up_the_finish(db, settings, world):
    ground = ground_of(db, replace(settings, release_hook_url="https://cdn.example.com/clear"), world)
    perform(ground, start(ground, AVERY, PLAN))
    release = perform(ground, promote(ground, AVERY, Wish()))
    calm, world.verdict = world.verdict, Verdict("stormy", ["Many closes."], {})
    with pytest.raises(Refused, match="Many closes"):
        perform(ground, finish(ground, AVERY, Wish()))
    with pytest.raises(Refused, match="The hook was not called"):
        perform(ground, service.call_hook_again(ground, AVERY))
    assert world.hooked == []
    world.verdict = calm
    world.answers = [HookAnswer(500, "The hook answered 500.", 0.1), HookAnswer(200, "The hook answered 200.", 0.1)]
    with pytest.raises(Refused, match="answered 500"):
        perform(ground, finish(ground, AVERY, Wish()))
    assert service.find_open(db).status is Status.PROMOTED
    perform(ground, service.call_hook_again(ground, AVERY))
    assert perform(ground, finish(ground, AVERY, Wish())).status is Status.FINISHED
    assert [one[0] for one in world.hooked] == [release.id, release.id], (
        "a repeat is known by its id; none is sent twice"
    )
    assert world.hooked[0][1]["to_version"] == "0.2.0"


def test_a_rollback_puts_the_snapshot_of_the_release_back_and_tells_how_long_writes_waited(ground, world, promoted):
    release = perform(ground, roll_back(ground, BAILEY, "Pages are slow."))
    assert (release.status, world.put_back) == (Status.ROLLED_BACK, [promoted.snapshot])
    told = sentences(ground, release)
    assert f"Rolls back to the snapshot {promoted.snapshot}: Pages are slow." in told
    assert any("writes waited 0.25 s" in one and "kept as 20261124T020000Z-before00" in one for one in told)
    assert "start 0.1.0" in told[-1]


def test_a_snapshot_that_cannot_be_put_back_leaves_the_release_where_it_is(ground, world, promoted):
    world.loss = Loss(possible=False, sentences=["It was made by a newer version."])
    with pytest.raises(Refused, match="newer version"):
        perform(ground, roll_back(ground, AVERY, ""))
    assert (service.find_open(ground.db).status, world.put_back) == (Status.PROMOTED, [])


def test_a_rollback_that_is_refused_has_changed_nothing_and_the_release_stands_where_it_stood(ground, world, promoted):
    def refuse():
        raise Conflict("The disk is full.")

    world.meanwhile = refuse
    with pytest.raises(Refused, match=r"nothing has changed\. The disk is full\."):
        perform(ground, roll_back(ground, AVERY, ""))
    assert service.find_open(ground.db).status is Status.PROMOTED
    assert perform(ground, finish(ground, AVERY, Wish())).status is Status.FINISHED


def test_a_rollback_that_broke_in_the_middle_can_only_be_done_again_or_abandoned(ground, world, promoted):
    def break_down():
        raise RuntimeError("It broke.")

    world.meanwhile = break_down
    with pytest.raises(RuntimeError):
        perform(ground, roll_back(ground, AVERY, ""))
    assert service.find_open(ground.db).status is Status.ROLLING_BACK
    with pytest.raises(Conflict, match="rolling back, so finish is not possible"):
        finish(ground, AVERY, Wish())
    world.meanwhile = lambda: None
    assert perform(ground, roll_back(ground, AVERY, "")).status is Status.ROLLED_BACK


def test_a_release_is_abandoned_with_a_reason_and_notes_may_come_later(ground, started):
    with pytest.raises(Invalid):
        abandon(ground.db, AVERY, " ")
    assert abandon(ground.db, AVERY, "The build is broken.").status is Status.ABANDONED
    note(ground.db, BAILEY, "Next week.", started.id)
    assert sentences(ground, started)[-2:] == ["Abandoned: The build is broken.", "Next week."]
    assert [label for _at, label in marks_of(ground.db, "")] == ["started", "abandoned"]
    with pytest.raises(Conflict, match=r"No release is open.*Next week\."):
        promote(ground, AVERY, Wish())


def test_who_slept_while_others_went_on_does_not_go_on(ground, world, started, monkeypatch):
    begun = promote(ground, AVERY, Wish())
    ask, real = ground.connections, clock.now

    def sleep():
        now = real()
        monkeypatch.setattr(clock, "now", lambda: now.replace(year=now.year + 1))
        abandon(ground.db, BAILEY, "Nobody answers.")
        return ask("", "")

    sleepy = begun.operation, ground_of(ground.db, ground.settings, world, connections=lambda _a, _b: sleep())
    with pytest.raises(Conflict, match="somebody else went on"):
        from releaseapp.releases.promoting import _promote

        class Report:
            def tell(self, *_words):
                pass

        _promote(sleepy[1], AVERY, started, Wish(), Report())
    assert find_operation(ground.db, begun.operation.id).status == "interrupted"


def test_an_operation_whose_process_is_gone_from_this_host_makes_room_after_two_beats(db, monkeypatch):
    dead = begin(db, Kind.RELEASE, None)
    host = dead.process.rpartition(":")[0]
    with db.transaction() as tx:
        tx.run("UPDATE operations SET process = :process", process=f"{host}:{2**22 + 5}")
    assert find_operation(db, dead.id).status == "running", "containers may share a name"
    later = clock.now() + timedelta(seconds=15)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert find_operation(db, dead.id).status == "interrupted"


def test_every_state_but_an_end_leads_on_and_the_documentation_has_the_whole_machine():
    for status in Status:
        verbs = set(machine.verbs_at(status)) - {Verb.NOTE, Verb.HOOK}
        assert bool(verbs) is (status not in {Status.FINISHED, Status.ROLLED_BACK, Status.ABANDONED})
    assert machine.as_markdown() in DOCS.read_text()


def test_busy_connections_are_waited_for_and_the_log_says_it_once(ground, world, started, monkeypatch):
    monkeypatch.setattr(promoting, "PAUSE_SECONDS", 0.0)
    verdicts = [Verdict("busy", ["A few closes."], {}), Verdict("busy", [], {}), world.verdict]
    patient = ground_of(ground.db, ground.settings, world, connections=lambda _a, _b: verdicts.pop(0))
    release = perform(patient, promote(patient, AVERY, Wish(patience=60)))
    assert release.status is Status.PROMOTED
    assert kinds(ground, release).count("connections") == 2, "before, and since the start"
