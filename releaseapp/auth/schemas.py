"""What a body or form about accounts may be."""

from typing import Annotated

import msgspec
from msgspec import Meta

from releaseapp.permissions import Role

Text = Annotated[str, Meta(min_length=1, max_length=1000)]


class SignIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """E-mail and password."""

    email: Annotated[str, Meta(min_length=1, max_length=254, pattern=r"\S")]
    password: Text


class PasswordChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The password that is, and the one that shall be."""

    current_password: Text
    new_password: Text


class AccountChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a person may change of the own account."""

    name: Annotated[str, Meta(min_length=1, max_length=120, pattern=r"\S")]


class TokenCreate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A token for a program; ``workspace`` is a slug or an id."""

    name: Annotated[str, Meta(min_length=1, max_length=120, pattern=r"\S")]
    workspace: Text
    role: Role = Role.VIEWER
    expires_in_days: Annotated[int, Meta(ge=1, le=366)] = 90
