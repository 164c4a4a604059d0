"""Everybody who is signed in hears that maintenance begins and ends, whatever the role and the workspace."""

from releaseapp.auth.models import Account
from releaseapp.events.models import Event
from releaseapp.live.audience import Audience, tell
from releaseapp.permissions import DEFAULT_MATRIX, Role
from releaseapp.workspaces.models import Identity, Membership


class Listener:
    def __init__(self, name, workspace, role, *, operator=False, program=None):
        account = Account(name, f"{name}@example.com", name, operator, False, False, None, "", "")
        held = {workspace: Membership(workspace, workspace, workspace, role, DEFAULT_MATRIX[role])}
        self.identity = Identity(account, f"ses_{name}", held, program)
        self.name = name


def heard_by(event_type):
    audience = Audience()
    audience.join(Listener("viewer", "a", Role.VIEWER))
    audience.join(Listener("owner", "b", Role.OWNER))
    audience.join(Listener("operator", "b", Role.VIEWER, operator=True))
    audience.join(Listener("robot", "a", Role.VIEWER, program="robot"))
    told = tell(Event(1, None, event_type, "server", "acc", "", {}), b"x")
    return sorted(one.name for _, _, listeners in audience.deliveries([told]) for one in listeners)


def test_maintenance_is_heard_by_everybody_once():
    for event_type in ("maintenance.began", "maintenance.ended"):
        assert heard_by(event_type) == ["operator", "owner", "robot", "viewer"]


def test_other_matters_of_the_server_are_still_heard_by_operators_alone():
    assert heard_by("snapshot.made") == ["operator"]
