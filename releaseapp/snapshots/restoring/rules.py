"""What happens to each table when a snapshot is put back: said here once, as data.

A table that is not named here holds people's data: it becomes what it was, row for row.
"""

KEPT = frozenset(
    {
        # What operators did with this server, and what it says of itself.
        "connection_samples",
        "operations",
        "release_entries",
        "releases",
        "server_state",
        # Who works here, and who tries to get in, are facts of now.
        "sign_in_attempts",
        "workers",
        # A request that was answered is not done again because its program repeats it.
        "idempotency_keys",
        # Somebody who is signed in stays so, and a session that was ended stays ended.
        "sessions",
    }
)
"""Tables that belong to the server: they stay as they are now."""

JOINED = frozenset({"accounts", "vault_keys"})
"""Tables of which nothing that is there now goes: rows that only the snapshot has are added."""

OF_SIGNING_IN = frozenset({"is_disabled", "is_operator", "must_change_password", "password_hash", "token_version"})
"""What an account's row says of signing in, which stays as it is now; every other column is put back."""

OF_SIGNING_IN_PREFIXES = ("password_", "hash_", "failed_")
"""Columns of accounts with such names are of signing in, too."""

EVENTS = "events"
"""Put back but for what happened since to the server itself and to accounts, which stays in the log."""

LEDGERS = frozenset({"_sqlite_migrations", "migration_checksums", "applied_migrations"})
"""Which migrations were applied: the schema's own, put back only with an older schema."""


def is_of_signing_in(column: str) -> bool:
    """Whether a column of accounts says how, and whether, somebody may sign in."""
    return column in OF_SIGNING_IN or column.startswith(OF_SIGNING_IN_PREFIXES)
