"""What operators do with the server: work that takes long, releases, and what the server says of itself."""

STATEMENTS = [
    """
    CREATE TABLE operations (
        id TEXT PRIMARY KEY,
        kind TEXT NOT NULL,
        status TEXT NOT NULL,
        actor TEXT,
        process TEXT NOT NULL,
        started_at TEXT NOT NULL,
        beat_at TEXT NOT NULL,
        finished_at TEXT,
        progress REAL,
        sentence TEXT NOT NULL,
        result TEXT NOT NULL
    )
    """,
    "CREATE INDEX operations_by_kind ON operations (kind, id)",
    "CREATE INDEX operations_at_work ON operations (id) WHERE finished_at IS NULL",
    """
    CREATE TABLE releases (
        id TEXT PRIMARY KEY,
        status TEXT NOT NULL,
        from_version TEXT NOT NULL,
        to_version TEXT NOT NULL,
        why TEXT NOT NULL,
        actor TEXT,
        window_starts_at TEXT,
        window_ends_at TEXT,
        snapshot TEXT,
        roles TEXT NOT NULL,
        roles_confirmed_by TEXT,
        roles_confirmed_at TEXT,
        started_at TEXT NOT NULL,
        promoted_at TEXT,
        finished_at TEXT
    )
    """,
    "CREATE INDEX releases_open ON releases (id) WHERE finished_at IS NULL",
    """
    CREATE TABLE release_entries (
        id {identity},
        release_id TEXT NOT NULL REFERENCES releases (id) ON DELETE CASCADE,
        at TEXT NOT NULL,
        actor TEXT,
        kind TEXT NOT NULL,
        sentence TEXT NOT NULL,
        data TEXT NOT NULL
    )
    """,
    "CREATE INDEX release_entries_by_release ON release_entries (release_id, id)",
    """
    CREATE TABLE server_state (
        name TEXT PRIMARY KEY,
        value TEXT NOT NULL,
        updated_at TEXT NOT NULL
    )
    """,
]
