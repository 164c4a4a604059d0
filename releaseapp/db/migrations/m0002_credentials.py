"""Credentials, sealed, and the fingerprints of the keys that sealed them."""

STATEMENTS = [
    # What lists show comes first, what is large last: SQLite reads a row from its beginning.
    """
    CREATE TABLE credentials (
        id TEXT PRIMARY KEY,
        workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
        name TEXT NOT NULL,
        name_key TEXT NOT NULL,
        type TEXT NOT NULL,
        allowed_hosts TEXT NOT NULL,
        scopes TEXT NOT NULL,
        fields TEXT NOT NULL,
        secret_fields TEXT NOT NULL,
        revision INTEGER NOT NULL,
        last_used_at TEXT,
        last_used_by TEXT,
        created_at TEXT NOT NULL,
        updated_at TEXT NOT NULL,
        key_id TEXT NOT NULL,
        sealed TEXT NOT NULL
    )
    """,
    "CREATE UNIQUE INDEX credentials_by_name ON credentials (workspace_id, name_key)",
    "CREATE INDEX credentials_by_workspace ON credentials (workspace_id, id)",
    "CREATE INDEX credentials_by_key ON credentials (key_id, id)",
    """
    CREATE TABLE vault_keys (
        key_id TEXT PRIMARY KEY,
        first_used_at TEXT NOT NULL,
        retired_at TEXT
    )
    """,
]
