"""Runs with their steps, logs and approvals; queues; limits and retention."""

STATEMENTS = [
    """
    CREATE TABLE run_definitions (
        digest TEXT PRIMARY KEY,
        definition TEXT NOT NULL
    )
    """,
    # What lists show comes first, what is large last: SQLite reads a row from its beginning.
    """
    CREATE TABLE runs (
        id TEXT PRIMARY KEY,
        workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
        workflow_id TEXT NOT NULL,
        workflow_name TEXT NOT NULL,
        version INTEGER NOT NULL,
        status TEXT NOT NULL,
        trigger_type TEXT NOT NULL,
        error TEXT,
        failed_step TEXT,
        attempt INTEGER NOT NULL DEFAULT 1,
        first_run TEXT NOT NULL,
        retry_of TEXT,
        parent TEXT,
        parent_step TEXT,
        depth INTEGER NOT NULL DEFAULT 0,
        is_test INTEGER NOT NULL DEFAULT 0,
        recovered INTEGER NOT NULL DEFAULT 0,
        steps_total INTEGER NOT NULL,
        steps_done INTEGER NOT NULL DEFAULT 0,
        log_lines INTEGER NOT NULL DEFAULT 0,
        bytes INTEGER NOT NULL DEFAULT 0,
        created_at TEXT NOT NULL,
        started_at TEXT,
        finished_at TEXT,
        epoch INTEGER NOT NULL DEFAULT 0,
        lease_owner TEXT,
        lease_expires_at TEXT,
        turn INTEGER,
        held_by TEXT,
        wake_at TEXT,
        takeovers INTEGER NOT NULL DEFAULT 0,
        definition TEXT NOT NULL,
        trigger_data TEXT NOT NULL,
        pins TEXT,
        inputs TEXT NOT NULL,
        output TEXT
    )
    """,
    "CREATE INDEX runs_by_workspace ON runs (workspace_id, id)",
    "CREATE INDEX runs_by_workspace_and_status ON runs (workspace_id, status, id)",
    "CREATE INDEX runs_by_workflow ON runs (workflow_id, id)",
    "CREATE INDEX runs_by_workflow_and_status ON runs (workflow_id, status, id)",
    "CREATE INDEX runs_by_trigger ON runs (workspace_id, trigger_type, id)",
    """
    CREATE INDEX runs_by_turn ON runs (turn)
    WHERE turn IS NOT NULL AND held_by IS NULL AND lease_owner IS NULL
    """,
    "CREATE INDEX runs_by_holder ON runs (held_by, turn) WHERE held_by IS NOT NULL",
    "CREATE INDEX runs_by_wake ON runs (wake_at) WHERE wake_at IS NOT NULL",
    "CREATE INDEX runs_by_lease ON runs (lease_expires_at) WHERE lease_expires_at IS NOT NULL",
    "CREATE INDEX runs_by_parent ON runs (parent, id) WHERE parent IS NOT NULL",
    "CREATE INDEX runs_by_first_run ON runs (first_run, attempt) WHERE attempt > 1",
    "CREATE INDEX runs_by_definition ON runs (definition)",
    "CREATE INDEX runs_by_end ON runs (workspace_id, finished_at) WHERE finished_at IS NOT NULL",
    """
    CREATE TABLE run_steps (
        run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
        step_id TEXT NOT NULL,
        item INTEGER NOT NULL,
        attempt INTEGER NOT NULL,
        type TEXT NOT NULL,
        status TEXT NOT NULL,
        error TEXT,
        waits_for TEXT,
        wake_at TEXT,
        takeovers INTEGER NOT NULL DEFAULT 0,
        log_lines INTEGER NOT NULL DEFAULT 0,
        reused INTEGER NOT NULL DEFAULT 0,
        started_at TEXT NOT NULL,
        finished_at TEXT,
        late TEXT,
        input TEXT,
        output TEXT,
        PRIMARY KEY (run_id, step_id, item, attempt)
    )
    """,
    "CREATE INDEX run_steps_by_wait ON run_steps (waits_for) WHERE waits_for IS NOT NULL",
    """
    CREATE TABLE run_log_lines (
        run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
        seq INTEGER NOT NULL,
        step_id TEXT NOT NULL,
        item INTEGER NOT NULL,
        attempt INTEGER NOT NULL,
        at TEXT NOT NULL,
        text TEXT NOT NULL,
        PRIMARY KEY (run_id, seq)
    )
    """,
    "CREATE INDEX run_log_lines_by_step ON run_log_lines (run_id, step_id, item, seq)",
    # Where each workspace stands in the fair queue: the turn that its newest run in the queue was given.
    """
    CREATE TABLE run_turns (
        workspace_id TEXT PRIMARY KEY,
        turn INTEGER NOT NULL
    )
    """,
    # How many runs of a workspace or a workflow may be at work at once, where that is not the setting's number.
    """
    CREATE TABLE run_limits (
        scope TEXT PRIMARY KEY,
        at_once INTEGER NOT NULL,
        updated_at TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE run_retention (
        workspace_id TEXT PRIMARY KEY REFERENCES workspaces (id) ON DELETE CASCADE,
        keep_days INTEGER,
        keep_runs INTEGER,
        keep_bytes INTEGER,
        updated_at TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE approvals (
        id TEXT PRIMARY KEY,
        workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
        run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
        step_id TEXT NOT NULL,
        item INTEGER NOT NULL,
        workflow_id TEXT NOT NULL,
        workflow_name TEXT NOT NULL,
        title TEXT NOT NULL,
        description TEXT NOT NULL,
        form TEXT NOT NULL,
        deciders TEXT NOT NULL,
        not_the_requester INTEGER NOT NULL DEFAULT 0,
        requested_by TEXT,
        status TEXT NOT NULL,
        deadline_at TEXT,
        decided_by TEXT,
        decided_at TEXT,
        comment TEXT NOT NULL DEFAULT '',
        answers TEXT,
        created_at TEXT NOT NULL
    )
    """,
    "CREATE INDEX approvals_by_status ON approvals (workspace_id, status, id)",
    "CREATE INDEX approvals_by_workspace ON approvals (workspace_id, id)",
    "CREATE INDEX approvals_by_run ON approvals (run_id, id)",
    """
    CREATE TABLE queue_messages (
        id TEXT PRIMARY KEY,
        workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
        queue TEXT NOT NULL,
        message TEXT NOT NULL,
        published_by TEXT,
        created_at TEXT NOT NULL
    )
    """,
    "CREATE INDEX queue_messages_by_queue ON queue_messages (workspace_id, queue, id)",
]
