"""What a credential is: what may be shown of it, and what only a step gets to see."""

import hashlib
from enum import StrEnum

import msgspec

from releaseapp.credentials import hosts
from releaseapp.errors import Conflict


class CredentialType(StrEnum):
    """What a credential opens; what each is made of stands in ``types``."""

    API_KEY = "api-key"
    BASIC = "basic"
    OAUTH_TOKEN = "oauth-token"  # noqa: S105 - the name of a type
    SMTP = "smtp"
    DATABASE = "database"
    WEBHOOK_SECRET = "webhook-secret"  # noqa: S105 - the name of a type
    CUSTOM = "custom"


class VaultLocked(Conflict):
    """The vault cannot seal or open now; the sentence names the cure."""


class Breaks(Conflict):
    """It would break what uses a credential; it can be told to go ahead."""


class Credential(msgspec.Struct, frozen=True):
    """What may be shown of a credential.

    ``fields`` are those that are no secret, ``secret_fields`` the names of those
    that are; ``last_used_by`` says what used it, as ``note_use`` was told.
    """

    id: str
    workspace_id: str
    name: str
    type: CredentialType
    allowed_hosts: list[str]
    scopes: list[str]
    fields: dict[str, str]
    secret_fields: list[str]
    last_used_at: str | None
    last_used_by: str | None
    created_at: str
    updated_at: str


class CredentialState(msgspec.Struct, frozen=True):
    """A credential with the number of times that people changed it, and the key that sealed it."""

    credential: Credential
    revision: int
    key_id: str

    def etag(self, shown_beside: object) -> str:
        """Changes with everything that the JSON shows; begins with the revision."""
        beside = msgspec.json.encode([self.credential.last_used_at, self.credential.last_used_by, shown_beside])
        return f"{self.revision}.{hashlib.sha256(beside).hexdigest()[:12]}"


class Sealed(msgspec.Struct, frozen=True):
    """A credential as it is stored: with its secrets, sealed."""

    state: CredentialState
    sealed: str


class Secret(msgspec.Struct, frozen=True):
    """A credential that was opened; for the step that uses it, and nobody else.

    ``fields`` has every field of the type, those that were left out with their
    default or as empty text. ``secrets`` are the texts that must be masked
    wherever they turn up.
    """

    id: str
    name: str
    type: CredentialType
    workspace_id: str
    fields: dict[str, str]
    secrets: tuple[str, ...]
    allowed_hosts: tuple[str, ...]
    scopes: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Secret(id={self.id!r}, name={self.name!r}, type={self.type.value!r})"

    def allows(self, host: str, port: int | None) -> bool:
        """Whether it may be sent to this host and port; ``port`` is None where the address names none."""
        return hosts.allows(self.allowed_hosts, host, port)


class UserKind(StrEnum):
    """What can name a credential."""

    AGENT = "agent"
    WORKFLOW = "workflow"


class User(msgspec.Struct, frozen=True):
    """Something whose text (JSON) may name credentials: a version of a workflow, an agent."""

    kind: UserKind
    id: str
    name: str
    text: bytes


class Use(msgspec.Struct, frozen=True):
    """Something that names a credential; ``by_name`` is false where it does so by id alone."""

    kind: UserKind
    id: str
    name: str
    by_name: bool


class VaultStatus(StrEnum):
    """Ready. Rotating: some are still under the previous key. Locked: some cannot be opened. Without key: no secret."""

    READY = "ready"
    ROTATING = "rotating"
    LOCKED = "locked"
    WITHOUT_KEY = "without-key"


class VaultState(msgspec.Struct, frozen=True):
    """How the vault stands: the key that seals, how many credentials each key sealed, and a sentence when in need."""

    status: VaultStatus
    key_id: str | None
    counts: dict[str, int]
    sentence: str | None

    @property
    def takes(self) -> bool:
        """Whether credentials can be added and replaced."""
        return self.status in {VaultStatus.READY, VaultStatus.ROTATING}
