"""What the role matrix and a change of it are."""

from enum import StrEnum
from typing import Any

import msgspec

from releaseapp.permissions import Permission, Role

Matrix = dict[str, Any]
"""Plain data, sorted: ``routes`` ("POST /workspaces/{workspace}/agents" to a permission), ``operators`` (e-mails) and
``workspaces`` by slug, each with ``name``, ``roles`` (role to permissions), ``people`` (e-mail to role) and ``tokens``
(e-mail to names of API tokens to the role they act with)."""

EVERYBODY, SIGNED_IN, PERSON, OPERATOR, NOBODY = "everybody", "signed-in", "person", "operator", "nobody"
"""Who may call a route that no role of a workspace covers: anybody; who is signed in, programs too; people alone;
operators; nobody."""

WHO = (EVERYBODY, SIGNED_IN, PERSON, OPERATOR, NOBODY)
ROLES = tuple(role.value for role in Role)
PERMISSIONS = tuple(permission.value for permission in Permission)


class Kind(StrEnum):
    """What a change is about."""

    OPERATOR = "operator"
    PERMISSION = "permission"
    PERSON = "person"
    ROUTE = "route"
    TOKEN = "token"  # noqa: S105 - the name of a kind
    WORKSPACE = "workspace"


class Way(StrEnum):
    """Whether somebody may do more, or less, or something else changed."""

    MORE = "more"
    LESS = "less"
    OTHER = "other"


class Change(msgspec.Struct, frozen=True):
    """One difference between two matrices; ``workspace`` is a slug, "" for what concerns all.

    ``routes`` are those that are opened or shut by it.
    """

    sentence: str
    kind: Kind
    way: Way
    workspace: str = ""
    routes: list[str] = []
