"""Accounts, workspaces, agents, tasks, memory, and the log of events."""

STATEMENTS = [
    """
    CREATE TABLE accounts (
        id TEXT PRIMARY KEY,
        email TEXT NOT NULL UNIQUE,
        name TEXT NOT NULL,
        password_hash TEXT NOT NULL,
        is_operator INTEGER NOT NULL DEFAULT 0,
        is_disabled INTEGER NOT NULL DEFAULT 0,
        must_change_password INTEGER NOT NULL DEFAULT 0,
        token_version INTEGER NOT NULL DEFAULT 1,
        last_workspace_id TEXT,
        created_at TEXT NOT NULL,
        updated_at TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE sessions (
        id TEXT PRIMARY KEY,
        account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
        user_agent TEXT NOT NULL,
        address TEXT NOT NULL,
        created_at TEXT NOT NULL,
        last_seen_at TEXT NOT NULL,
        expires_at TEXT NOT NULL,
        ended_at TEXT
    )
    """,
    "CREATE INDEX sessions_by_account ON sessions (account_id, id)",
    "CREATE INDEX sessions_by_end ON sessions (expires_at)",
    """
    CREATE TABLE sign_in_attempts (
        id TEXT PRIMARY KEY,
        bucket TEXT NOT NULL,
        at TEXT NOT NULL
    )
    """,
    "CREATE INDEX sign_in_attempts_by_bucket ON sign_in_attempts (bucket, at)",
    "CREATE INDEX sign_in_attempts_by_time ON sign_in_attempts (at)",
    """
    CREATE TABLE workspaces (
        id TEXT PRIMARY KEY,
        slug TEXT NOT NULL UNIQUE,
        name TEXT NOT NULL,
        description TEXT NOT NULL,
        role_matrix TEXT NOT NULL,
        revision INTEGER NOT NULL,
        created_at TEXT NOT NULL,
        updated_at TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE memberships (
        workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
        account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
        role TEXT NOT NULL,
        created_at TEXT NOT NULL,
        updated_at TEXT NOT NULL,
        PRIMARY KEY (workspace_id, account_id)
    )
    """,
    "CREATE INDEX memberships_by_account ON memberships (account_id)",
    """
    CREATE TABLE api_tokens (
        id TEXT PRIMARY KEY,
        account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
        workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
        name TEXT NOT NULL,
        role TEXT NOT NULL,
        token_hash TEXT NOT NULL UNIQUE,
        created_at TEXT NOT NULL,
        expires_at TEXT NOT NULL,
        last_used_at TEXT,
        revoked_at TEXT
    )
    """,
    "CREATE INDEX api_tokens_by_account ON api_tokens (account_id, id)",
    """
    CREATE TABLE agents (
        id TEXT PRIMARY KEY,
        workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
        name TEXT NOT NULL,
        description TEXT NOT NULL,
        status TEXT NOT NULL,
        runtime TEXT NOT NULL,
        instructions TEXT NOT NULL,
        tags TEXT NOT NULL,
        limits TEXT NOT NULL,
        tasks_completed INTEGER NOT NULL DEFAULT 0,
        memory_items INTEGER NOT NULL DEFAULT 0,
        last_active TEXT,
        revision INTEGER NOT NULL,
        created_at TEXT NOT NULL,
        updated_at TEXT NOT NULL
    )
    """,
    "CREATE INDEX agents_by_workspace ON agents (workspace_id, id)",
    "CREATE INDEX agents_by_status ON agents (workspace_id, status, id)",
    """
    CREATE TABLE tasks (
        id TEXT PRIMARY KEY,
        agent_id TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
        workspace_id TEXT NOT NULL,
        title TEXT NOT NULL,
        input TEXT NOT NULL,
        status TEXT NOT NULL,
        output TEXT,
        error TEXT,
        attempts INTEGER NOT NULL DEFAULT 0,
        usage TEXT NOT NULL,
        log_lines INTEGER NOT NULL DEFAULT 0,
        requested_by TEXT,
        lease_owner TEXT,
        lease_expires_at TEXT,
        created_at TEXT NOT NULL,
        started_at TEXT,
        finished_at TEXT
    )
    """,
    "CREATE INDEX tasks_by_agent ON tasks (agent_id, id)",
    "CREATE INDEX tasks_by_status ON tasks (status, id)",
    "CREATE INDEX tasks_by_workspace ON tasks (workspace_id, id)",
    "CREATE INDEX tasks_by_workspace_and_status ON tasks (workspace_id, status, id)",
    "CREATE INDEX tasks_by_lease ON tasks (status, lease_expires_at)",
    """
    CREATE TABLE task_log_lines (
        task_id TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
        seq INTEGER NOT NULL,
        at TEXT NOT NULL,
        text TEXT NOT NULL,
        PRIMARY KEY (task_id, seq)
    )
    """,
    """
    CREATE TABLE memory_items (
        id TEXT PRIMARY KEY,
        agent_id TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
        workspace_id TEXT NOT NULL,
        key TEXT NOT NULL,
        value TEXT NOT NULL,
        type TEXT NOT NULL,
        revision INTEGER NOT NULL,
        created_at TEXT NOT NULL,
        updated_at TEXT NOT NULL,
        UNIQUE (agent_id, key)
    )
    """,
    "CREATE INDEX memory_items_by_agent ON memory_items (agent_id, id)",
    """
    CREATE TABLE events (
        id {identity},
        workspace_id TEXT,
        type TEXT NOT NULL,
        subject TEXT NOT NULL,
        actor TEXT,
        at TEXT NOT NULL,
        data TEXT NOT NULL
    )
    """,
    "CREATE INDEX events_by_workspace ON events (workspace_id, id)",
    """
    CREATE TABLE idempotency_keys (
        account_id TEXT NOT NULL,
        key TEXT NOT NULL,
        fingerprint TEXT NOT NULL,
        owner TEXT,
        status INTEGER,
        headers TEXT,
        body TEXT,
        created_at TEXT NOT NULL,
        PRIMARY KEY (account_id, key)
    )
    """,
    "CREATE INDEX idempotency_keys_by_time ON idempotency_keys (created_at)",
    """
    CREATE TABLE workers (
        id TEXT PRIMARY KEY,
        kind TEXT NOT NULL,
        host TEXT NOT NULL,
        process INTEGER NOT NULL,
        started_at TEXT NOT NULL,
        heartbeat_at TEXT NOT NULL
    )
    """,
    "CREATE INDEX workers_by_heartbeat ON workers (heartbeat_at)",
]
