"""What a body about credentials may be. None of them shows its fields when it is printed."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from releaseapp.credentials.models import CredentialType

LARGEST_BODY_BYTES = 4_194_304
"""Beyond what is ever accepted, so that a secret that is too large is refused by its name."""

Name = Annotated[str, Meta(min_length=1, max_length=120, pattern=r"\S", description="What steps call it")]
Host = Annotated[str, Meta(min_length=1, max_length=260, pattern=r"\S")]
Hosts = Annotated[list[Host], Meta(max_length=50, description="Where it may be sent: api.example.com, *.example.com")]
Scope = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"\S")]
Scopes = Annotated[list[Scope], Meta(max_length=50, description="What it may do there, for people to read")]
FieldName = Annotated[str, Meta(min_length=1, max_length=64)]
FieldNames = Annotated[list[FieldName], Meta(max_length=50, description="Of a custom credential: the fields to show")]


class CredentialCreate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A new credential. ``fields`` are those of its type."""

    name: Name
    type: CredentialType
    fields: dict[str, Any]
    allowed_hosts: Hosts = []
    scopes: Scopes = []
    public: FieldNames = []

    def __repr__(self) -> str:
        return f"CredentialCreate(name={self.name!r}, type={self.type.value!r})"


class CredentialChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to change of a credential; what is left out stays. ``fields`` replaces all of them."""

    name: Name | UnsetType = UNSET
    allowed_hosts: Hosts | UnsetType = UNSET
    scopes: Scopes | UnsetType = UNSET
    fields: dict[str, Any] | UnsetType = UNSET
    public: FieldNames | UnsetType = UNSET

    def __repr__(self) -> str:
        return "CredentialChange(…)"


class CredentialTest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a test may need: an address to send the credential to, among its allowed hosts."""

    url: Annotated[str, Meta(max_length=2000)] = ""
