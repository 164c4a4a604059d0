"""Nobody hears what the role does not cover, not even for a moment."""

import pytest

from releaseapp.auth import service as auth
from releaseapp.events.models import EventType
from releaseapp.permissions import Permission, Role
from releaseapp.workspaces import service as workspaces


def test_a_member_hears_what_happens_in_the_workspace(server, world):
    with server.hear("vera") as vera:
        world.happen("cobalt", EventType.AGENT_CREATED, name="Sentinel")
        event = vera.event()
    assert event["type"] == "agent.created"
    assert event["data"] == {"name": "Sentinel"}
    assert event["workspace_id"] == world.workspaces["cobalt"]
    assert event["id"] > 0


def test_nobody_hears_of_a_foreign_workspace(server, world):
    with server.hear("vera") as vera, server.hear("anna") as anna:
        world.happen("aurora", name="secret of aurora")
        world.happen("cobalt", name="of cobalt")
        world.happen("aurora", name="of aurora")
        assert vera.event()["data"]["name"] == "of cobalt"
        assert [anna.event()["data"]["name"] for _ in range(2)] == ["secret of aurora", "of aurora"]


def test_a_viewer_hears_nothing_of_memory_and_an_admin_does(server, world):
    with server.hear("vera") as vera, server.hear("adam") as adam:
        world.happen("cobalt", EventType.MEMORY_CREATED, key="k")
        world.happen("cobalt", name="after")
        assert adam.event()["type"] == "memory.created"
        assert vera.event()["data"] == {"name": "after"}


def test_an_event_of_an_unknown_type_reaches_nobody(server, world):
    with server.hear("olga") as olga:
        with world.db.transaction() as tx:
            tx.run(
                "INSERT INTO events (workspace_id, type, subject, actor, at, data) VALUES (:w, 'comet.seen', 'x', NULL, '', '{}')",
                w=world.workspaces["cobalt"],
            )
        world.happen("cobalt", name="after")
        assert olga.event()["data"] == {"name": "after"}


def test_what_concerns_an_account_reaches_its_people_and_not_its_programs(server, world):
    _, token = world.program_token("olga", "cobalt", Role.OWNER)
    with server.hear("olga") as olga, server.hear("vera") as vera, server.hear(token) as robot:
        auth.rename_account(world.db, world.people["olga"].id, "Olga the Second")
        world.happen("cobalt", name="after")
        assert olga.event()["type"] == "account.updated"
        assert olga.event()["data"] == {"name": "after"}
        assert vera.event()["data"] == {"name": "after"}
        assert robot.event()["data"] == {"name": "after"}


def test_a_lowered_role_does_not_hear_even_the_next_event(server, world):
    owner = world.identity("olga")
    with server.hear("adam") as adam:
        with world.db.transaction():
            workspaces.change_role(world.db, world.workspaces["cobalt"], world.people["adam"].id, Role.VIEWER, owner)
            world.happen("cobalt", EventType.MEMORY_CREATED, key="not for viewers")
            world.happen("cobalt", name="for everybody")
        message = adam.next()
        assert message["type"] == "memberships"
        assert [(item["slug"], item["role"]) for item in message["workspaces"]] == [("cobalt", "viewer")]
        assert adam.event()["type"] == "member.updated"
        assert adam.event()["data"] == {"name": "for everybody"}


def test_a_raised_role_hears_the_next_event(server, world):
    owner = world.identity("olga")
    with server.hear("vera") as vera:
        with world.db.transaction():
            workspaces.change_role(world.db, world.workspaces["cobalt"], world.people["vera"].id, Role.ADMIN, owner)
            world.happen("cobalt", EventType.MEMORY_CREATED, key="k")
        assert vera.next()["type"] == "memberships"
        assert vera.event()["type"] == "member.updated"
        assert vera.event()["type"] == "memory.created"


def test_a_change_of_the_role_matrix_counts_at_once(server, world):
    cobalt, owner = world.workspaces["cobalt"], world.identity("olga")
    with server.hear("adam") as adam:
        with world.db.transaction():
            workspaces.set_permission(world.db, cobalt, Role.ADMIN, Permission.MEMORY_VIEW, granted=False, actor=owner)
            world.happen("cobalt", EventType.MEMORY_CREATED, key="k")
            workspaces.set_permission(world.db, cobalt, Role.VIEWER, Permission.MEMORY_VIEW, granted=True, actor=owner)
        assert adam.next()["type"] == "memberships"
        assert adam.event()["type"] == "workspace.roles_changed"
        assert adam.event()["type"] == "workspace.roles_changed"


def test_a_new_member_hears_from_the_invitation_on(server, world):
    with server.hear("anna") as anna:
        world.happen("cobalt", name="before")
        workspaces.add_member(world.db, world.workspaces["cobalt"], world.people["anna"], Role.VIEWER, actor=None)
        world.happen("cobalt", name="after")
        message = anna.next()
        assert {item["slug"] for item in message["workspaces"]} == {"aurora", "cobalt"}
        assert anna.event()["type"] == "member.added"
        assert anna.event()["data"] == {"name": "after"}


def test_losing_one_of_two_memberships_keeps_the_other(server, world):
    workspaces.add_member(world.db, world.workspaces["aurora"], world.people["vera"], Role.VIEWER, actor=None)
    owner = world.identity("olga")
    with server.hear("vera") as vera:
        with world.db.transaction():
            workspaces.remove_member(world.db, world.workspaces["cobalt"], world.people["vera"].id, owner)
            world.happen("cobalt", name="of cobalt")
            world.happen("aurora", name="of aurora")
        message = vera.next()
        assert [item["slug"] for item in message["workspaces"]] == ["aurora"]
        assert vera.event()["data"] == {"name": "of aurora"}


@pytest.mark.parametrize("since", ["?since=0", ""])
def test_a_program_hears_one_workspace_with_its_own_role(server, world, since):
    workspaces.add_member(world.db, world.workspaces["aurora"], world.people["olga"], Role.OWNER, actor=None)
    _, token = world.program_token("olga", "cobalt", Role.VIEWER)
    with server.hear(token, since) as robot:
        world.happen("aurora", name="of aurora")
        world.happen("cobalt", EventType.MEMORY_CREATED, key="k")
        world.happen("cobalt", name="last")
        heard = []
        while not heard or heard[-1]["data"] != {"name": "last"}:
            heard.append(robot.event())
    assert {event["workspace_id"] for event in heard} == {world.workspaces["cobalt"]}
    assert not any(event["type"].startswith("memory.") for event in heard)
