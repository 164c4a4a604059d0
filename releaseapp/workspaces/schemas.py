"""What a body or form about workspaces may be."""

from typing import Annotated

import msgspec
from msgspec import Meta

from releaseapp.permissions import Role


class MemberInvite(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An account, by e-mail, and the role it shall have."""

    email: Annotated[str, Meta(min_length=1, max_length=254, pattern=r"\S")]
    role: Role = Role.VIEWER


class MemberChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The role that a member shall have."""

    role: Role
