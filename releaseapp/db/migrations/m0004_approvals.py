"""Whose decision an approval waits for, and when it is due."""

STATEMENTS = [
    # A row for each who may decide: "*" for everybody, a role for that one and those above it, or an e-mail. They go
    # when it is decided, so that the number in the rail is a look into few rows, however many approvals there were.
    """
    CREATE TABLE approval_waits (
        workspace_id TEXT NOT NULL,
        decider TEXT NOT NULL,
        approval_id TEXT NOT NULL REFERENCES approvals (id) ON DELETE CASCADE,
        not_by TEXT,
        PRIMARY KEY (workspace_id, decider, approval_id)
    )
    """,
    "CREATE INDEX approval_waits_by_approval ON approval_waits (approval_id)",
    """
    CREATE INDEX approvals_by_deadline ON approvals (deadline_at)
    WHERE status = 'pending' AND deadline_at IS NOT NULL
    """,
    "CREATE INDEX approvals_over ON approvals (workspace_id, id) WHERE status <> 'pending'",
]
