"""The statements on tasks and their logs."""

import msgspec

from releaseapp.agents.tasks.models import ListedTask, LogLine, Task, TaskStatus
from releaseapp.db.api import Reader, Row, Transaction

_TASK = """
    id, agent_id, workspace_id, title, input, status, output, error, attempts, usage, log_lines, requested_by,
    created_at, started_at, finished_at
"""

_LISTED = ", ".join([*(f"t.{name.strip()}" for name in _TASK.split(",")), "g.name AS agent"])


def insert_task(tx: Transaction, task: Task) -> None:
    """Adds a task."""
    tx.run(
        """
        INSERT INTO tasks (id, agent_id, workspace_id, title, input, status, attempts, usage, log_lines,
                           requested_by, created_at)
        VALUES (:id, :agent_id, :workspace_id, :title, :input, :status, :attempts, :usage, :log_lines,
                :requested_by, :created_at)
        """,
        **msgspec.structs.asdict(msgspec.structs.replace(task, input=_text(task.input), usage=_text(task.usage))),
    )


def find_task(db: Reader, agent_id: str, task_id: str) -> Task | None:
    """One task of an agent, without its log."""
    row = db.first(f"SELECT {_TASK} FROM tasks WHERE id = :id AND agent_id = :agent_id", id=task_id, agent_id=agent_id)
    return _task(row) if row else None


def find_task_anywhere(db: Reader, task_id: str) -> Task | None:
    """One task by id alone, for workers."""
    row = db.first(f"SELECT {_TASK} FROM tasks WHERE id = :id", id=task_id)
    return _task(row) if row else None


def list_tasks(db: Reader, agent_id: str, before: str, limit: int, *, status: str | None = None) -> list[Task]:
    """An agent's tasks with an id below ``before``, newest first, maybe of one status."""
    rows = db.all(
        f"""
        SELECT {_TASK} FROM tasks
        WHERE agent_id = :agent_id AND id < :before AND (CAST(:status AS TEXT) IS NULL OR status = :status)
        ORDER BY id DESC LIMIT :limit
        """,
        agent_id=agent_id,
        before=before,
        limit=limit,
        status=status,
    )
    return [_task(row) for row in rows]


def list_workspace_tasks(db: Reader, workspace_id: str, before: str, limit: int) -> list[ListedTask]:
    """A workspace's tasks with an id below ``before``, newest first."""
    rows = db.all(
        f"""
        SELECT {_LISTED} FROM tasks t JOIN agents g ON g.id = t.agent_id
        WHERE t.workspace_id = :workspace_id AND t.id < :before
        ORDER BY t.id DESC LIMIT :limit
        """,
        workspace_id=workspace_id,
        before=before,
        limit=limit,
    )
    return [ListedTask(_task(row), row["agent"]) for row in rows]


def list_workspace_tasks_of_status(db: Reader, workspace_id: str, status: TaskStatus, limit: int) -> list[ListedTask]:
    """A workspace's newest tasks of one status."""
    rows = db.all(
        f"""
        SELECT {_LISTED} FROM tasks t JOIN agents g ON g.id = t.agent_id
        WHERE t.workspace_id = :workspace_id AND t.status = :status
        ORDER BY t.id DESC LIMIT :limit
        """,
        workspace_id=workspace_id,
        status=status.value,
        limit=limit,
    )
    return [ListedTask(_task(row), row["agent"]) for row in rows]


def count_workspace_tasks(db: Reader, workspace_id: str, since_id: str) -> dict[TaskStatus, int]:
    """How many of a workspace's tasks with an id from ``since_id`` on stand where."""
    rows = db.all(
        """
        SELECT status, COUNT(*) AS number FROM tasks WHERE workspace_id = :workspace_id AND id >= :since_id
        GROUP BY status
        """,
        workspace_id=workspace_id,
        since_id=since_id,
    )
    found = {TaskStatus(row["status"]): int(row["number"]) for row in rows}
    return {status: found.get(status, 0) for status in TaskStatus}


def count_tasks(db: Reader, agent_id: str) -> int:
    """How many tasks an agent has, of any status."""
    row = db.first("SELECT COUNT(*) AS number FROM tasks WHERE agent_id = :agent_id", agent_id=agent_id)
    return int(row["number"]) if row else 0


def list_unfinished_tasks(db: Reader, agent_id: str) -> list[Task]:
    """An agent's tasks that are pending or running."""
    rows = db.all(
        f"SELECT {_TASK} FROM tasks WHERE agent_id = :agent_id AND status IN ('pending', 'running') ORDER BY id",
        agent_id=agent_id,
    )
    return [_task(row) for row in rows]


def count_unfinished_tasks(db: Reader) -> dict[TaskStatus, int]:
    """How many tasks of the whole server are pending and running."""
    rows = db.all("SELECT status, COUNT(*) AS number FROM tasks WHERE status IN ('pending', 'running') GROUP BY status")
    found = {TaskStatus(row["status"]): int(row["number"]) for row in rows}
    return {status: found.get(status, 0) for status in (TaskStatus.PENDING, TaskStatus.RUNNING)}


def list_lapsed_tasks(db: Reader, now: str, limit: int) -> list[str]:
    """Ids of running tasks whose lease lapsed, longest ago first."""
    rows = db.all(
        """
        SELECT id FROM tasks WHERE status = 'running' AND lease_expires_at < :now
        ORDER BY lease_expires_at LIMIT :limit
        """,
        now=now,
        limit=limit,
    )
    return [row["id"] for row in rows]


def list_pending_tasks(db: Reader, limit: int) -> list[str]:
    """Ids of tasks that wait to be taken up, oldest first; those of inactive agents are not to be."""
    rows = db.all(
        """
        SELECT tasks.id FROM tasks JOIN agents ON agents.id = tasks.agent_id
        WHERE tasks.status = 'pending' AND agents.status <> 'inactive'
        ORDER BY tasks.id LIMIT :limit
        """,
        limit=limit,
    )
    return [row["id"] for row in rows]


def is_claimed(db: Reader, task_id: str, attempt: int) -> bool:
    """Whether a task runs in the given attempt."""
    row = db.first(
        "SELECT 1 AS yes FROM tasks WHERE id = :id AND status = 'running' AND attempts = :attempt",
        id=task_id,
        attempt=attempt,
    )
    return row is not None


def release_task(tx: Transaction, task_id: str, attempt: int) -> int:
    """Puts a running task back to waiting when it is still in the given attempt; returns how many that was."""
    return tx.run(
        """
        UPDATE tasks SET status = 'pending', lease_owner = NULL, lease_expires_at = NULL
        WHERE id = :id AND status = 'running' AND attempts = :attempt
        """,
        id=task_id,
        attempt=attempt,
    )


def claim_task(tx: Transaction, task_id: str, owner: str, now: str, lease_expires_at: str) -> int:
    """Takes a task that waits or whose lease lapsed, as a new attempt; returns how many (none of an inactive agent)."""
    return tx.run(
        """
        UPDATE tasks SET status = 'running', attempts = attempts + 1, lease_owner = :owner,
               lease_expires_at = :lease_expires_at, started_at = COALESCE(started_at, :now)
        WHERE id = :id AND (
            (status = 'running' AND lease_expires_at < :now)
            OR (status = 'pending' AND EXISTS (
                SELECT 1 FROM agents WHERE agents.id = tasks.agent_id AND agents.status <> 'inactive'
            ))
        )
        """,
        id=task_id,
        owner=owner,
        now=now,
        lease_expires_at=lease_expires_at,
    )


def extend_lease(tx: Transaction, task_id: str, attempt: int, lease_expires_at: str, new_lines: int = 0) -> int:
    """Keeps the claim of one attempt alive and counts its new log lines; 0 when the claim was lost."""
    return tx.run(
        """
        UPDATE tasks SET lease_expires_at = :lease_expires_at, log_lines = log_lines + :new_lines
        WHERE id = :id AND status = 'running' AND attempts = :attempt
        """,
        id=task_id,
        attempt=attempt,
        lease_expires_at=lease_expires_at,
        new_lines=new_lines,
    )


def end_task(tx: Transaction, task: Task, from_status: TaskStatus) -> int:
    """Writes a task's outcome if it still stands at ``from_status`` in the same attempt; 0 when it does not."""
    return tx.run(
        """
        UPDATE tasks SET status = :status, output = :output, error = :error, usage = :usage,
               finished_at = :finished_at, lease_owner = NULL, lease_expires_at = NULL
        WHERE id = :id AND status = :from_status AND attempts = :attempts
        """,
        id=task.id,
        status=task.status.value,
        output=_text(task.output),
        error=task.error,
        usage=_text(task.usage),
        finished_at=task.finished_at,
        from_status=from_status.value,
        attempts=task.attempts,
    )


def insert_log_line(tx: Transaction, task_id: str, line: LogLine) -> None:
    """Adds a line to a task's log."""
    tx.run(
        "INSERT INTO task_log_lines (task_id, seq, at, text) VALUES (:task_id, :seq, :at, :text)",
        task_id=task_id,
        seq=line.seq,
        at=line.at,
        text=line.text,
    )


def list_log_lines(db: Reader, task_id: str, after: int, limit: int) -> list[LogLine]:
    """The lines of a task's log behind ``after``, in order."""
    rows = db.all(
        "SELECT seq, at, text FROM task_log_lines WHERE task_id = :task_id AND seq > :after ORDER BY seq LIMIT :limit",
        task_id=task_id,
        after=after,
        limit=limit,
    )
    return [LogLine(**row) for row in rows]


def insert_worker(tx: Transaction, worker_id: str, host: str, process: int, now: str) -> None:
    """Puts a worker on the list."""
    tx.run(
        """
        INSERT INTO workers (id, kind, host, process, started_at, heartbeat_at)
        VALUES (:id, 'tasks', :host, :process, :now, :now)
        """,
        id=worker_id,
        host=host,
        process=process,
        now=now,
    )


def set_worker_heartbeat(tx: Transaction, worker_id: str, now: str) -> int:
    """Notes that a worker is alive; 0 when it was swept away meanwhile."""
    return tx.run("UPDATE workers SET heartbeat_at = :now WHERE id = :id", id=worker_id, now=now)


def delete_worker(tx: Transaction, worker_id: str) -> None:
    """Takes a worker off the list."""
    tx.run("DELETE FROM workers WHERE id = :id", id=worker_id)


def delete_workers_before(tx: Transaction, before: str) -> None:
    """Takes workers off the list that were not heard of since a moment."""
    tx.run("DELETE FROM workers WHERE heartbeat_at < :before", before=before)


def count_workers(db: Reader, since: str) -> int:
    """How many workers were heard of since a moment."""
    row = db.first("SELECT COUNT(*) AS number FROM workers WHERE heartbeat_at > :since", since=since)
    return int(row["number"]) if row else 0


def _task(row: Row) -> Task:
    return Task(
        id=row["id"],
        agent_id=row["agent_id"],
        workspace_id=row["workspace_id"],
        title=row["title"],
        input=msgspec.json.decode(row["input"]),
        status=TaskStatus(row["status"]),
        output=None if row["output"] is None else msgspec.json.decode(row["output"]),
        error=row["error"],
        attempts=row["attempts"],
        usage=msgspec.json.decode(row["usage"]),
        log_lines=row["log_lines"],
        requested_by=row["requested_by"],
        created_at=row["created_at"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
    )


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()
