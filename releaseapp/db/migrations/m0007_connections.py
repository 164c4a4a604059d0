"""How the live connections of each process went, sampled."""

STATEMENTS = [
    """
    CREATE TABLE connection_samples (
        id {identity},
        process TEXT NOT NULL,
        process_started_at TEXT NOT NULL,
        at TEXT NOT NULL,
        seconds REAL NOT NULL,
        open INTEGER NOT NULL,
        opened INTEGER NOT NULL,
        closed TEXT NOT NULL,
        refused TEXT NOT NULL,
        reconnects TEXT NOT NULL,
        left_at TEXT,
        merged INTEGER NOT NULL DEFAULT 0
    )
    """,
    "CREATE INDEX connection_samples_by_time ON connection_samples (at)",
    "CREATE INDEX connection_samples_fine ON connection_samples (at) WHERE merged = 0",
]
