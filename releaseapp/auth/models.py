"""What an account, a session and a token are."""

import msgspec

from releaseapp.errors import NotAllowed

TOKEN_COOKIE = "token"  # noqa: S105 - the name of the cookie that holds a browser's token
MINIMAL_PASSWORD_LENGTH = 10
LONGEST_PASSWORD_BYTES = 72
"""bcrypt reads no further."""
DEMO_PASSWORD = "password123"  # noqa: S105 - public, and shouted about where it still works

PASSWORD_DUE = (
    "The password of this account has to be changed before anything else: POST current_password and new_password to"  # noqa: S105
    " /auth/password, or sign in with a browser."
)


class Account(msgspec.Struct, frozen=True):
    """A person with access to this server. ``email`` is lower-case."""

    id: str
    email: str
    name: str
    is_operator: bool
    is_disabled: bool
    must_change_password: bool
    last_workspace_id: str | None
    created_at: str
    updated_at: str


class Newcomer(msgspec.Struct, frozen=True):
    """Who shall have an account; ``must_change_password`` at the first sign-in."""

    email: str
    name: str
    is_operator: bool = False
    must_change_password: bool = False


class Secrets(msgspec.Struct, frozen=True):
    """What sign-in needs to know of an account, and nobody else."""

    account_id: str
    email: str
    name: str
    password_hash: str
    password_mark: str | None
    token_version: int
    is_disabled: bool


class KeptPassword(msgspec.Struct, frozen=True):
    """What is kept of a password: a slow hash, and a mark (see ``marks``)."""

    password_hash: str
    password_mark: str


class Session(msgspec.Struct, frozen=True):
    """One sign-in; its id is the ``jti`` of the token that was given for it."""

    id: str
    account_id: str
    user_agent: str
    address: str
    created_at: str
    last_seen_at: str
    expires_at: str
    ended_at: str | None


class ApiToken(msgspec.Struct, frozen=True):
    """A token for a program: one workspace, a role not above its maker's, an end."""

    id: str
    account_id: str
    workspace_id: str
    name: str
    role: str
    created_at: str
    expires_at: str
    last_used_at: str | None
    revoked_at: str | None


class Claims(msgspec.Struct, frozen=True):
    """What a session token says, after its signature and times were checked (RFC 7519)."""

    sub: str
    jti: str
    ver: int
    exp: int


class SignedIn(msgspec.Struct, frozen=True):
    """The outcome of a sign-in: the token is given to the caller once and kept nowhere."""

    token: str
    expires_at: str
    account: Account
    session: Session


class PasswordDue(NotAllowed):
    """The person has to change the password before anything else."""
