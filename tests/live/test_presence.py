"""Who is at the same agent or draft, who edits it, and how that passes from one to another."""

import json
from contextlib import contextmanager
from unittest.mock import Mock

import pytest

from releaseapp.agents import service as agents
from releaseapp.agents.schemas import AgentCreate
from releaseapp.auth import service as auth
from releaseapp.events.queries import list_events_after
from releaseapp.live.rooms import Person, Room
from releaseapp.live.subjects import Subject
from releaseapp.permissions import Permission, Role
from releaseapp.workflows import service as workflows
from releaseapp.workflows.file import WorkflowFile
from releaseapp.workflows.store import By, Store
from releaseapp.workspaces import service as workspaces

NOWHERE = "There is no such agent or draft, or you may not see it."


@pytest.fixture
def agent(world):
    """An agent of cobalt, where olga is the owner, adam an admin, anna an editor, vera a viewer."""
    workspaces.add_member(world.db, world.workspaces["cobalt"], world.people["anna"], Role.EDITOR, actor=None)
    state = agents.create_agent(world.db, world.workspaces["cobalt"], AgentCreate("Sentinel"), actor=None)
    return state.agent.id


@pytest.fixture
def draft(world, agent):
    file = WorkflowFile(world.folder / "workflows.json")
    file.ensure()
    steps = [{"id": "a", "type": "transform", "config": {"value": 1}}]
    store = Store(world.db, file)
    made = workflows.create_workflow(store, world.workspaces["cobalt"], {"name": "Digest", "steps": steps}, By(None))
    return f"{made.id}/1"


class Someone:
    """Somebody in a tab, who hears no events here."""

    def __init__(self, client, subject):
        self.client = client
        self.subject = subject

    def say(self, kind, subject=None, **more):
        self.client.client.send(json.dumps({"type": kind, "subject": subject or self.subject, **more}))

    def hears(self, kind):
        """The next message of that type; what others do meanwhile is passed over."""
        while (message := self.client.next())["type"] in {"event", "ping", "presence", "memberships"} - {kind}:
            pass
        assert message["type"] == kind, message
        return message

    def sees(self, *people, editor=None):
        """Waits until they are here, and that one edits."""
        while True:
            told = self.hears("presence")
            names = {one["name"] for one in told["people"]}
            lock = told["lock"] and told["lock"]["name"]
            if names == set(people) and lock == editor:
                assert [one["name"] for one in told["people"] if one["editing"]] == ([editor] if editor else [])
                return told

    def edits(self):
        self.say("lock")
        self.hears("lock.granted")


@pytest.fixture
def enter(server, agent):
    @contextmanager
    def open_tab(name, subject=agent):
        with server.hear(name) as client:
            someone = Someone(client, subject)
            someone.say("watch")
            yield someone

    return open_tab


def forced_events(world):
    return [event for event in list_events_after(world.db, 0, 1000) if event.type.startswith("edit.")]


def test_people_at_the_same_agent_see_one_another_come_and_go(enter, world):
    with enter("anna") as anna:
        anna.sees("Anna")
        with enter("vera") as vera:
            told = vera.sees("Anna", "Vera")
            anna.sees("Anna", "Vera")
        anna.sees("Anna")
    assert [one["id"] for one in told["people"]] == [world.people["anna"].id, world.people["vera"].id]
    assert told["people"][0]["since"] <= told["people"][1]["since"]
    assert (told["more"], told["lock"]) == (0, None)


def test_one_person_with_two_tabs_is_shown_once_until_both_are_gone(enter):
    with enter("vera") as vera, enter("anna") as first:
        with enter("anna"):
            assert len(vera.sees("Anna", "Vera")["people"]) == 2
        first.say("leave")
        vera.sees("Vera")


def test_people_at_different_things_do_not_see_one_another(enter, draft, agent):
    with enter("anna") as anna, enter("adam", draft) as adam:
        anna.sees("Anna")
        adam.sees("Adam")
        anna.say("watch", draft)
        adam.sees("Adam", "Anna")


def test_the_first_who_begins_edits_and_the_others_are_told_who(enter, world):
    with enter("anna") as anna, enter("adam") as adam:
        anna.edits()
        told = adam.sees("Anna", "Adam", editor="Anna")
        assert told["lock"]["id"] == world.people["anna"].id
        adam.say("lock")
        refused = adam.hears("lock.refused")
        assert refused["holder"] == told["lock"]
        assert refused["detail"] == "Anna is editing."
        anna.say("unlock")
        adam.sees("Anna", "Adam")
        adam.edits()
        anna.sees("Anna", "Adam", editor="Adam")


def test_a_lock_ends_with_its_socket(enter, server, frames, agent, world):
    with enter("adam") as adam:
        raw = server.upgraded("anna")
        for kind in ("watch", "lock"):
            raw.send(frames.frame(0x1, json.dumps({"type": kind, "subject": agent}).encode()))
        adam.sees("Anna", "Adam", editor="Anna")
        raw.socket.close()
        adam.sees("Adam")
        adam.edits()


def test_a_lock_ends_on_leaving_and_on_a_goodbye(enter):
    with enter("adam") as adam:
        with enter("anna") as anna:
            anna.edits()
            anna.say("leave")
            adam.sees("Adam")
            anna.say("watch")
            anna.edits()
            adam.sees("Anna", "Adam", editor="Anna")
        adam.sees("Adam")


def test_a_revoked_session_and_a_lost_membership_end_the_lock(enter, world):
    cobalt, owner = world.workspaces["cobalt"], world.identity("olga")
    with enter("olga") as olga:
        with enter("adam") as adam:
            adam.edits()
            auth.end_session(world.db, world.people["adam"].id, world.sessions["adam"])
            olga.sees("Olga")
            assert adam.client.goodbye() == 4401
        with enter("anna") as anna:
            anna.edits()
            olga.sees("Olga", "Anna", editor="Anna")
            workspaces.remove_member(world.db, cobalt, world.people["anna"].id, owner)
            olga.sees("Olga")
            assert anna.hears("watch.ended")["detail"] == NOWHERE
            anna.say("watch")
            assert anna.hears("watch.refused")["detail"] == NOWHERE


def test_a_lowered_role_loses_the_lock_and_stays_as_a_reader(enter, world):
    cobalt, owner = world.workspaces["cobalt"], world.identity("olga")
    with enter("olga") as olga, enter("anna") as anna:
        anna.edits()
        olga.say("ask")
        anna.hears("lock.asked")
        workspaces.change_role(world.db, cobalt, world.people["anna"].id, Role.VIEWER, owner)
        lost = anna.hears("lock.lost")
        assert (lost["why"], lost["by"]) == ("role", None)
        olga.hears("lock.granted")
        anna.sees("Olga", "Anna", editor="Olga")
        anna.say("lock")
        assert anna.hears("lock.refused")["detail"] == "Your role may not edit this."


def test_who_may_not_see_drafts_any_more_is_put_out_of_theirs(enter, world, draft):
    cobalt, owner = world.workspaces["cobalt"], world.identity("olga")
    with enter("olga", draft) as olga, enter("anna", draft) as anna:
        anna.edits()
        olga.sees("Olga", "Anna", editor="Anna")
        workspaces.set_permission(world.db, cobalt, Role.EDITOR, Permission.WORKFLOWS_VIEW, granted=False, actor=owner)
        anna.hears("watch.ended")
        olga.sees("Olga")
        olga.edits()
        # Nothing of what happens there reaches her any more.
        anna.say("lock", draft)
        assert anna.hears("lock.refused")["holder"] is None


def test_a_viewer_looks_and_does_not_edit(enter):
    with enter("vera") as vera:
        vera.sees("Vera")
        for kind, more in (("lock", {}), ("ask", {})):
            vera.say(kind, **more)
            assert vera.hears("lock.refused")["detail"] == "Your role may not edit this."


def test_one_asks_and_is_handed_the_lock(enter, world):
    with enter("anna") as anna, enter("adam") as adam:
        anna.edits()
        adam.say("ask")
        asked = anna.hears("lock.asked")
        assert asked["by"] == {"id": world.people["adam"].id, "name": "Adam"}
        adam.say("ask")  # impatience is not told
        anna.say("hand_over", to=asked["by"]["id"])
        adam.hears("lock.granted")
        lost = anna.hears("lock.lost")
        assert (lost["why"], lost["by"]["name"]) == ("handed_over", "Adam")
        anna.sees("Anna", "Adam", editor="Adam")


def test_one_asks_and_is_told_not_now(enter, world):
    with enter("anna") as anna, enter("adam") as adam:
        anna.edits()
        adam.say("ask")
        anna.hears("lock.asked")
        anna.say("decline", to=world.people["adam"].id)
        assert adam.hears("lock.declined")["by"]["name"] == "Anna"
        adam.say("ask")
        anna.hears("lock.asked")


def test_whoever_asked_first_follows_when_the_holder_goes(enter):
    with enter("olga") as olga, enter("adam") as adam:
        with enter("anna") as anna:
            anna.edits()
            adam.say("ask")
            anna.hears("lock.asked")
            olga.say("ask")
            anna.hears("lock.asked")
        adam.hears("lock.granted")
        # Those who still wait are the new holder's to answer.
        assert adam.hears("lock.asked")["by"]["name"] == "Olga"
        olga.sees("Olga", "Adam", editor="Adam")


def test_the_lock_is_handed_to_nobody_who_did_not_ask_or_is_gone(enter, world):
    with enter("anna") as anna, enter("vera") as vera:
        anna.edits()
        for name in ("vera", "olga"):
            anna.say("hand_over", to=world.people[name].id)
            assert "not here" in anna.hears("lock.refused")["detail"]
        with enter("adam") as adam:
            adam.say("ask")
            anna.hears("lock.asked")
        vera.sees("Vera", "Anna", editor="Anna")
        anna.say("hand_over", to=world.people["adam"].id)
        assert "not here" in anna.hears("lock.refused")["detail"]
        vera.say("hand_over", to=world.people["vera"].id)
        assert vera.hears("lock.refused")["detail"] == "You are not editing."


def test_a_lock_belongs_to_the_tab_and_moves_to_another_one_of_the_same_person(enter):
    with enter("anna") as first, enter("anna") as second:
        first.edits()
        second.say("lock")
        assert second.hears("lock.refused")["holder"]["name"] == "Anna"
        second.say("unlock")  # not this tab's
        second.say("ask")
        second.hears("lock.granted")
        assert first.hears("lock.lost")["why"] == "elsewhere"


def test_an_admin_takes_over_with_a_reason_that_is_written_down(enter, world, agent):
    with enter("anna") as anna, enter("adam") as adam:
        anna.edits()
        adam.say("force", reason="  Anna is on holiday,\n and it is\x00 urgent ")
        adam.hears("lock.granted")
        lost = anna.hears("lock.lost")
        assert lost["why"] == "forced"
        assert lost["by"]["name"] == "Adam"
        assert lost["reason"] == "Anna is on holiday, and it is urgent"
        anna.sees("Anna", "Adam", editor="Adam")
    (forced,) = [event for event in forced_events(world) if event.type == "edit.forced"]
    assert (forced.subject, forced.actor) == (agent, world.people["adam"].id)
    assert forced.workspace_id == world.workspaces["cobalt"]
    assert forced.data == {
        "name": "Sentinel",
        "from": world.people["anna"].id,
        "from_name": "Anna",
        "reason": "Anna is on holiday, and it is urgent",
    }


@pytest.mark.parametrize("reason", ["", "   ", "\x00\n"])
def test_taking_over_without_a_reason_is_refused(enter, world, reason):
    with enter("anna") as anna, enter("adam") as adam:
        anna.edits()
        adam.say("force", reason=reason)
        assert adam.hears("lock.refused")["detail"] == "Say why you take over; it is written down."
        assert adam.sees("Anna", "Adam", editor="Anna")
    assert "edit.forced" not in {event.type for event in forced_events(world)}


def test_an_editor_does_not_take_over(enter, world):
    with enter("adam") as adam, enter("anna") as anna:
        adam.edits()
        anna.say("force", reason="because")
        refused = anna.hears("lock.refused")
        assert "members" in refused["detail"]
        assert refused["holder"]["name"] == "Adam"
    assert "edit.forced" not in {event.type for event in forced_events(world)}


def test_taking_over_what_nobody_edits_is_just_beginning(enter, world):
    with enter("adam") as adam:
        adam.say("force", reason="to be sure")
        adam.hears("lock.granted")
    assert "edit.forced" not in {event.type for event in forced_events(world)}


def test_an_admin_who_was_lowered_this_moment_does_not_take_over(enter, world):
    """The server may not have been told yet: the database is asked."""
    cobalt, owner = world.workspaces["cobalt"], world.identity("olga")
    with enter("anna") as anna, enter("adam") as adam:
        anna.edits()
        workspaces.change_role(world.db, cobalt, world.people["adam"].id, Role.EDITOR, owner)
        adam.say("force", reason="I was an admin")
        assert "members" in adam.hears("lock.refused")["detail"]
        adam.sees("Anna", "Adam", editor="Anna")


def test_who_edited_is_in_the_log_of_events_once_the_server_has_stopped(enter, server, world, agent):
    with enter("anna") as anna:
        anna.edits()
        server.stop()
    assert [(event.type, event.subject, event.actor) for event in forced_events(world)] == [
        ("edit.locked", agent, world.people["anna"].id),
        ("edit.unlocked", agent, world.people["anna"].id),
    ]


def test_of_a_deleted_agent_nothing_more_is_told(enter, server, world, agent):
    with enter("anna") as anna:
        anna.edits()
        agents.delete_agent(world.db, world.workspaces["cobalt"], agent, actor=world.people["olga"].id)
        anna.say("unlock")
        anna.sees("Anna")
        server.stop()
    of_agent = [event.type for event in list_events_after(world.db, 0, 1000) if event.subject == agent]
    assert of_agent[-1] == "agent.deleted"


def test_a_viewer_hears_who_edits_an_agent_and_not_who_edits_a_draft(enter, server, world, draft):
    with server.hear("vera") as vera, enter("anna", draft) as at_draft, enter("anna") as at_agent:
        at_draft.edits()
        at_draft.say("unlock")
        at_agent.edits()
        event = vera.event()
    assert (event["type"], event["data"]) == ("edit.locked", {"name": "Sentinel"})


def test_a_foreign_thing_and_none_are_answered_alike(enter, world, draft, agent):
    foreign = agents.create_agent(world.db, world.workspaces["aurora"], AgentCreate("Secret"), actor=None).agent.id
    answers = []
    with enter("adam") as adam, enter("vera", draft) as vera:
        for subject in (foreign, "agt_0000", "wfl_0000/1", draft.replace("/1", "/2")):
            adam.say("watch", subject)
            answers.append(adam.hears("watch.refused"))
        answers.append(vera.hears("watch.refused"))
    assert {(*answer, answer["detail"]) for answer in answers} == {("type", "subject", "detail", NOWHERE)}


def test_a_published_version_and_one_in_the_bin_are_no_drafts(enter, world, draft):
    store = Store(world.db, WorkflowFile(world.folder / "workflows.json"))
    workflow = workflows.find_workflow(store, world.workspaces["cobalt"], draft.partition("/")[0])
    with enter("adam", draft) as adam:
        adam.sees("Adam")
        adam.say("leave")
        workflow = workflows.publish(store, workflow, 1, By(None))
        adam.say("watch")
        assert adam.hears("watch.refused")["detail"] == NOWHERE


def test_programs_are_not_present(server, world, agent):
    _, token = world.program_token("olga", "cobalt", Role.OWNER)
    with server.hear(token) as robot:
        someone = Someone(robot, agent)
        someone.say("watch")
        assert "programs are not" in someone.hears("watch.refused")["detail"]
        someone.say("lock")
        assert someone.hears("lock.refused")["detail"] == "Watch it first."


def test_nothing_can_be_done_at_what_one_does_not_watch(enter, agent, server):
    with enter("anna") as anna, server.hear("adam") as client:
        anna.edits()
        adam = Someone(client, agent)
        for kind, more in (("lock", {}), ("ask", {}), ("force", {"reason": "x"}), ("hand_over", {"to": "acc_1"})):
            adam.say(kind, **more)
            assert adam.hears("lock.refused") == {
                "type": "lock.refused", "subject": agent, "detail": "Watch it first.", "holder": None,
            }  # fmt: skip
        adam.say("unlock")
        adam.say("leave")
        anna.sees("Anna", editor="Anna")


@pytest.mark.parametrize(
    "text",
    [
        '{"type":"watch"}',
        '{"type":"watch","subject":7}',
        '{"type":"watch","subject":""}',
        '{"type":"watch","subject":"usr_1"}',
        '{"type":"watch","subject":"agt_1\\n"}',
        '{"type":"watch","subject":"agt_1","as":"olga"}',
        '{"type":"watch","subject":"wfl_1"}',
        '{"type":"watch","subject":"wfl_1/0"}',
        '{"type":"watch","subject":"wfl_1/99999999"}',
        '{"type":"lock"}',
        '{"type":"force","subject":"agt_1"}',
        '{"type":"force","subject":"agt_1","reason":"' + "x" * 301 + '"}',
        '{"type":"hand_over","subject":"agt_1","to":""}',
        '{"type":"hand_over","subject":"agt_1","to":["acc_1"]}',
        '{"x":' + "[" * 20_000 + "]" * 20_000 + ',"type":"lock"}',
    ],
)
def test_hostile_messages_are_none_and_count_as_strikes(server, frames, text):
    with server.upgraded("olga") as raw:
        for _ in range(10):
            raw.send(frames.frame(0x1, text.encode()))
            message = json.loads(raw.frame()[1])
            assert message["type"] == "error"
            assert message["detail"]
        assert raw.close_code() == 1008


def test_a_flood_of_messages_ends_the_connection(server, frames, agent):
    with server.upgraded("anna") as raw:
        message = frames.frame(0x1, json.dumps({"type": "lock", "subject": agent}).encode())
        raw.send(message * 60)
        kinds = []
        while (got := raw.frame())[0] == 0x81:
            kinds.append(json.loads(got[1])["type"])
        assert int.from_bytes(got[1][:2]) == 1008
    assert 20 <= kinds.count("lock.refused") < 30
    assert kinds.count("error") == 10


def test_a_connection_watches_so_many_things_and_no_more(enter, world):
    made = [
        agents.create_agent(world.db, world.workspaces["cobalt"], AgentCreate(f"A{n}"), actor=None) for n in range(8)
    ]
    with enter("anna") as anna:
        for state in made:
            anna.say("watch", state.agent.id)
        assert "at most" in anna.hears("watch.refused")["detail"]
        anna.say("leave")
        anna.say("watch", made[7].agent.id)
        while anna.hears("presence")["subject"] != made[7].agent.id:
            pass


def test_a_new_name_is_seen_at_once(enter, world):
    with enter("anna"), enter("adam") as adam:
        adam.sees("Anna", "Adam")
        auth.rename_account(world.db, world.people["anna"].id, "Anna the Second")
        adam.sees("Anna the Second", "Adam")


def test_a_crowd_is_a_number_beyond_the_first_twenty_and_the_editor_is_always_named():
    subject = Subject("agt_1", "w", "Sentinel", Permission.AGENTS_VIEW, Permission.AGENTS_EDIT)
    room = Room(subject)
    crowd = [Mock(identity=Mock(account=Person(f"acc_{n}", f"Member {n}"))) for n in range(1000)]
    for number, connection in enumerate(crowd):
        room.join(connection, f"{number:04}")
    room.holder = crowd[700]
    frame = room.frame()
    told = json.loads(frame[frame.index(b"{") :])
    assert [one["id"] for one in told["people"]] == ["acc_700", *(f"acc_{n}" for n in range(19))]
    assert told["more"] == 980
    assert len(frame) < 3000


def test_the_coming_of_many_is_told_in_one(server, world, frames, agent):
    clients = [server.upgraded("vera") for _ in range(100)]
    watch = frames.frame(0x1, json.dumps({"type": "watch", "subject": agent}).encode())
    for client in clients:
        client.send(watch)
    with server.hear("anna") as client:
        anna = Someone(client, agent)
        anna.say("watch")
        anna.sees("Vera", "Anna")
        anna.edits()
        anna.sees("Vera", "Anna", editor="Anna")
    for client in clients:
        client.socket.settimeout(5)
        told = []
        while not told or told[-1]["lock"] is None:
            _, payload = client.frame()
            message = json.loads(payload)
            told += [message] if message["type"] == "presence" else []
        assert len(told) < 12
        client.socket.close()
