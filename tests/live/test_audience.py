"""The rule of who hears what, without sockets."""

from types import SimpleNamespace

from releaseapp.auth.models import Account
from releaseapp.events.models import Event
from releaseapp.live.audience import Audience, tell
from releaseapp.live.connection import Connection
from releaseapp.permissions import DEFAULT_MATRIX, Role
from releaseapp.workspaces.models import Identity, Membership


def identity(name, *memberships, program=None, operator=False):
    account = Account(name, f"{name}@example.com", name, operator, False, False, None, "", "")
    held = {w: Membership(w, w, w, role, DEFAULT_MATRIX[role]) for w, role in memberships}
    return Identity(account, f"ses_{name}", held, program)


class Listener:
    def __init__(self, who: Identity) -> None:
        self.identity = who

    def __repr__(self) -> str:
        return self.identity.account.name


def seated(audience, name, *memberships, program=None, operator=False):
    one = Listener(identity(name, *memberships, program=program, operator=operator))
    audience.join(one)
    return one


def event(number, event_type, workspace="a", subject="thing", actor=None):
    return tell(Event(number, workspace, event_type, subject, actor, "", {}), b"<%d>" % number)


def heard(audience, *batch):
    """What each listener hears, by name."""
    words = {}
    for data, frames, listeners in audience.deliveries(batch):
        assert data.count(b"<") == frames
        for one in listeners:
            words[repr(one)] = words.get(repr(one), b"") + data
    return words


def test_each_hears_what_its_role_covers_in_order():
    audience = Audience()
    seated(audience, "viewer", ("a", Role.VIEWER))
    seated(audience, "admin", ("a", Role.ADMIN), ("b", Role.VIEWER))
    seated(audience, "stranger", ("b", Role.OWNER))
    batch = [
        event(1, "agent.updated"),
        event(2, "memory.created"),
        event(3, "agent.updated", "b"),
        event(4, "task.created"),
    ]
    assert heard(audience, *batch) == {"viewer": b"<1><4>", "admin": b"<1><2><3><4>", "stranger": b"<3>"}


def test_private_events_keep_their_place_among_the_others():
    audience = Audience()
    seated(audience, "me", ("a", Role.VIEWER))
    seated(audience, "robot", ("a", Role.VIEWER), program="robot")
    batch = [event(1, "agent.updated"), event(2, "account.updated", None, "me"), event(3, "agent.updated")]
    assert heard(audience, *batch) == {"me": b"<1><2><3>", "robot": b"<1><3>"}


def test_people_with_the_same_role_are_one_group():
    audience = Audience()
    for number in range(50):
        seated(audience, f"viewer {number}", ("a", Role.VIEWER))
    assert [len(listeners) for _, _, listeners in audience.deliveries([event(1, "agent.updated")])] == [50]


def test_whoever_left_hears_nothing_and_leaves_nothing_behind():
    audience = Audience()
    one = seated(audience, "one", ("a", Role.VIEWER), ("b", Role.ADMIN))
    other = seated(audience, "other", ("a", Role.VIEWER))
    audience.leave(one)
    audience.leave(one)
    assert heard(audience, event(1, "agent.updated"), event(2, "agent.updated", "b")) == {"other": b"<1>"}
    audience.leave(other)
    assert [audience._groups, audience._rooms, audience._by_account, audience._seats] == [{}, {}, {}, {}]


def test_an_event_of_the_server_without_account_or_workspace_reaches_nobody():
    audience = Audience()
    seated(audience, "owner", ("a", Role.OWNER))
    assert heard(audience, event(1, "agent.updated", None)) == {}


def test_a_connection_that_is_finished_never_writes_again():
    written = []
    sock = SimpleNamespace(fileno=lambda: 0, shutdown=print)
    connection = Connection(sock, lambda _, data: written.append(data) or len(data), identity("one"), 10)
    assert connection.write(b"before")
    connection.finish()
    assert not connection.write(b"after")
    connection.end(4401, "", patience=1)
    assert written == [b"before"]


def test_what_concerns_the_server_is_heard_by_operators_and_not_by_their_programs():
    audience = Audience()
    seated(audience, "operator", operator=True)
    seated(audience, "program", operator=True, program="ci")
    seated(audience, "owner", ("a", Role.OWNER))
    gone = seated(audience, "gone", operator=True)
    audience.leave(gone)
    batch = [event(1, "snapshot.made", None, actor="owner"), event(2, "release.started", None, subject="owner")]
    assert heard(audience, *batch) == {"operator": b"<1><2>"}
