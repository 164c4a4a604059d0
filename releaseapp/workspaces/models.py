"""What a workspace, a membership and an identity are."""

from collections.abc import Mapping
from functools import lru_cache

import msgspec

from releaseapp.auth.models import Account
from releaseapp.events.models import Event
from releaseapp.permissions import Permission, Role, RoleMatrix


class Workspace(msgspec.Struct, frozen=True):
    """A team's place. ``revision`` counts changes made by people."""

    id: str
    slug: str
    name: str
    description: str
    revision: int
    created_at: str
    updated_at: str


class Membership(msgspec.Struct, frozen=True):
    """What one account may do in one workspace."""

    workspace_id: str
    slug: str
    name: str
    role: Role
    permissions: frozenset[Permission]


class Member(msgspec.Struct, frozen=True):
    """A person of a workspace, as its people see them."""

    id: str
    email: str
    name: str
    role: Role
    since: str


class Happening(Event, frozen=True):
    """An event with the name of whoever did it; None for the server itself, and for an account that is gone."""

    actor_name: str | None


class Identity(msgspec.Struct, frozen=True):
    """Who is calling, and what they may do where; detached from any request, so that live channels can hold it.

    ``session_id`` is the session or, for a program, the API token; ``last_use``
    is when it was last noted to be in use.
    """

    account: Account
    session_id: str
    memberships: Mapping[str, Membership]
    token_name: str | None = None
    last_use: str | None = None

    def allows(self, workspace_id: str, permission: Permission) -> bool:
        """Whether the caller has the permission in the workspace."""
        membership = self.memberships.get(workspace_id)
        return membership is not None and permission in membership.permissions


@lru_cache(maxsize=1024)
def parse_matrix(text: str) -> RoleMatrix:
    """A role matrix out of its JSON column; permissions that this version does not know are left out."""
    stored = msgspec.json.decode(text, type=dict[str, list[str]])
    known = set(Permission)
    matrix = {role: frozenset(Permission(name) for name in stored.get(role, ()) if name in known) for role in Role}
    # The owner keeps everything, also what a newer version has added since the matrix was written.
    return {**matrix, Role.OWNER: frozenset(Permission)}


def matrix_text(matrix: RoleMatrix) -> str:
    """A role matrix for its JSON column."""
    return msgspec.json.encode({role.value: sorted(matrix[role]) for role in Role}).decode()
