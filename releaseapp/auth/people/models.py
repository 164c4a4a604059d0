"""An account as operators see it."""

import msgspec


class Person(msgspec.Struct, frozen=True):
    """An account with what tells how it stands; never what opens it.

    ``roles`` by the slug of the workspace; ``sessions`` and ``api_tokens`` count those that are good now;
    ``password_changed_at`` is when the account was made, where nothing better is known.
    """

    id: str
    email: str
    name: str
    is_operator: bool
    is_disabled: bool
    must_change_password: bool
    created_at: str
    last_sign_in_at: str | None
    password_changed_at: str
    hash_cost: int
    sessions: int
    api_tokens: int
    roles: dict[str, str]


class PasswordKept(msgspec.Struct, frozen=True):
    """What is kept of an account's password, for whoever looks for bad ones."""

    account_id: str
    email: str
    must_change_password: bool
    password_hash: str
    password_mark: str | None
    password_changed_at: str
