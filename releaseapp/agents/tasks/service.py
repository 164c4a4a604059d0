"""What can be done with tasks: by people (give, cancel) and by workers (claim, log, end)."""

from collections.abc import Callable
from typing import Any

import msgspec

from releaseapp import clock
from releaseapp.agents import queries as agent_queries
from releaseapp.agents.models import Agent, AgentStatus
from releaseapp.agents.tasks import queries
from releaseapp.agents.tasks.models import ListedTask, LogLine, Task, TaskStatus
from releaseapp.db.api import Database, Reader, Transaction
from releaseapp.errors import Conflict, Invalid, NotFound
from releaseapp.events.models import EventType
from releaseapp.events.service import append

LARGEST_INPUT_BYTES = 262_144
LOG_LINES_SHOWN = 1000
_LONGEST_LINE = 4000
_SILENCE_SECONDS = 15
_FORGOTTEN_SECONDS = 3600

Wake = Callable[[str], None]
"""Tells the workers that a task may be taken up; it may be lost, for a sweep makes it good."""


class LeaseLost(Exception):
    """The task was cancelled, deleted, or taken up by another worker: this one must stop."""


def find_task(db: Reader, agent_id: str, task_id: str) -> Task | None:
    """One task of an agent with the first lines of its log, or None."""
    task = queries.find_task(db, agent_id, task_id)
    if task is None:
        return None
    return msgspec.structs.replace(task, log=queries.list_log_lines(db, task_id, 0, LOG_LINES_SHOWN))


def find_task_anywhere(db: Reader, task_id: str) -> Task | None:
    """One task by id alone, without its log: for a run that waits for it."""
    return queries.find_task_anywhere(db, task_id)


def list_log(db: Reader, task_id: str, after: int, limit: int) -> list[LogLine]:
    """The lines of a task's log behind ``after``."""
    return queries.list_log_lines(db, task_id, after, limit)


def list_tasks(db: Reader, agent_id: str, before: str, limit: int, *, status: TaskStatus | None = None) -> list[Task]:
    """An agent's tasks, newest first, maybe of one status."""
    return queries.list_tasks(db, agent_id, before, limit, status=status)


def list_workspace_tasks(db: Reader, workspace_id: str, before: str, limit: int) -> list[ListedTask]:
    """A workspace's tasks, newest first."""
    return queries.list_workspace_tasks(db, workspace_id, before, limit)


def list_running_tasks(db: Reader, workspace_id: str, limit: int) -> list[ListedTask]:
    """A workspace's tasks that run now."""
    return queries.list_workspace_tasks_of_status(db, workspace_id, TaskStatus.RUNNING, limit)


def count_workspace_tasks(db: Reader, workspace_id: str, seconds: int) -> dict[TaskStatus, int]:
    """How the tasks stand that a workspace was given in the last ``seconds``."""
    since = clock.first_id_at("tsk", clock.parse(clock.later_text(-seconds)))
    return queries.count_workspace_tasks(db, workspace_id, since)


def count_tasks(db: Reader, agent_id: str) -> int:
    """How many tasks an agent has."""
    return queries.count_tasks(db, agent_id)


def give_task(db: Database, wake: Wake, agent: Agent, title: str, task_input: Any, *, actor: str | None) -> Task:
    """Adds a task and wakes a worker once it is committed.

    Raises Conflict when the agent is inactive, Invalid when the input is too large, NotFound when the agent is gone.
    """
    with db.transaction() as tx:
        return give_task_in(tx, wake, agent, title, task_input, actor=actor)


def give_task_in(
    tx: Transaction, wake: Wake, agent: Agent, title: str, task_input: Any, *, actor: str | None = None
) -> Task:
    """As :func:`give_task`, as a part of what else ``tx`` does; what it raises, it raises before it writes."""
    if len(msgspec.json.encode(task_input)) > LARGEST_INPUT_BYTES:
        raise Invalid.at("/input", f"input must be at most {LARGEST_INPUT_BYTES:,} bytes of JSON.")
    state = agent_queries.find_agent(tx, agent.workspace_id, agent.id)
    if state is None:
        raise NotFound("There is no such agent.")
    if state.agent.status is AgentStatus.INACTIVE:
        raise Conflict(f"{agent.name} is inactive and takes no tasks; make it active or learning first.")
    now = clock.now()
    task = Task(
        id=clock.new_id("tsk", now),
        agent_id=agent.id,
        workspace_id=agent.workspace_id,
        title=title.strip(),
        input=task_input,
        status=TaskStatus.PENDING,
        output=None,
        error=None,
        attempts=0,
        usage={},
        log_lines=0,
        requested_by=actor,
        created_at=clock.text(now),
        started_at=None,
        finished_at=None,
    )
    queries.insert_task(tx, task)
    _record(tx, EventType.TASK_CREATED, task, actor=actor)
    tx.after_commit(lambda: wake(task.id))
    return msgspec.structs.replace(task, log=[])


def cancel_task(db: Database, agent_id: str, task_id: str, *, actor: str | None) -> Task:
    """Ends a task that is not over: its worker stops at its next step, and what it brings is dropped.

    Raises NotFound, and Conflict when the task is over.
    """
    with db.transaction() as tx:
        task = queries.find_task(tx, agent_id, task_id)
        if task is None:
            raise NotFound("There is no such task.")
        if task.is_over:
            raise Conflict(f"The task is {task.status} already.")
        return _end(tx, task, TaskStatus.CANCELLED, EventType.TASK_CANCELLED, error="Cancelled.", actor=actor)


def cancel_tasks_of(db: Database, agent_id: str, *, actor: str) -> None:
    """Cancels everything that an agent has not finished."""
    with db.transaction() as tx:
        for task in queries.list_unfinished_tasks(tx, agent_id):
            _end(tx, task, TaskStatus.CANCELLED, EventType.TASK_CANCELLED, error="The agent was deleted.", actor=actor)


def count_unfinished_tasks(db: Reader) -> dict[TaskStatus, int]:
    """How many tasks of the whole server wait and run."""
    return queries.count_unfinished_tasks(db)


def worker_is_alive(db: Reader, lease_seconds: int) -> bool:
    """Whether any worker was heard of lately."""
    return queries.count_workers(db, clock.later_text(-max(_SILENCE_SECONDS, lease_seconds))) > 0


def announce_worker(db: Database, worker_id: str, host: str, process: int) -> None:
    """Says that a worker lives; workers that were silent for long are struck off."""
    now = clock.now_text()
    with db.transaction() as tx:
        if not queries.set_worker_heartbeat(tx, worker_id, now):
            queries.insert_worker(tx, worker_id, host, process, now)
        queries.delete_workers_before(tx, clock.later_text(-_FORGOTTEN_SECONDS))


def retire_worker(db: Database, worker_id: str) -> None:
    """Takes a worker off the list: it has stopped."""
    with db.transaction() as tx:
        queries.delete_worker(tx, worker_id)


def lapsed_tasks(db: Reader, limit: int) -> list[str]:
    """Ids of running tasks whose worker was not heard of in time."""
    return queries.list_lapsed_tasks(db, clock.now_text(), limit)


def pending_tasks(db: Reader, limit: int) -> list[str]:
    """Ids of tasks that wait to be taken up, oldest first."""
    return queries.list_pending_tasks(db, limit)


def claim_task(db: Database, task_id: str, owner: str, lease_seconds: int, max_attempts: int) -> Task | None:
    """Takes a task for one attempt; None when there is nothing to take.

    A task whose workers died ``max_attempts`` times fails instead, for it may be what killed them.
    """
    now = clock.now_text()
    with db.transaction() as tx:
        before = queries.find_task_anywhere(tx, task_id)
        if before is None or not queries.claim_task(tx, task_id, owner, now, clock.later_text(lease_seconds)):
            return None
        task = msgspec.structs.replace(
            before, status=TaskStatus.RUNNING, attempts=before.attempts + 1, started_at=before.started_at or now
        )
        died = before.status is TaskStatus.RUNNING
        if died and before.attempts >= max_attempts:
            reason = f"Its worker died {before.attempts} times while doing it."
            _end(tx, task, TaskStatus.FAILED, EventType.TASK_FAILED, error=reason, actor=None)
            return None
        again = before.attempts > 0
        _record(tx, EventType.TASK_RECOVERED if again else EventType.TASK_STARTED, task, actor=None)
        return task


def extend_lease(db: Database, task: Task, lease_seconds: int) -> None:
    """Keeps a claim alive; raises LeaseLost when it was lost."""
    with db.transaction() as tx:
        if not queries.extend_lease(tx, task.id, task.attempts, clock.later_text(lease_seconds)):
            raise LeaseLost


def still_claimed(db: Reader, task: Task) -> bool:
    """Whether the task is still being done in this very attempt."""
    return queries.is_claimed(db, task.id, task.attempts)


def hand_over(db: Database, task: Task) -> None:
    """Gives up a claim without blame: the task waits to be taken up by another worker."""
    with db.transaction() as tx:
        queries.release_task(tx, task.id, task.attempts)


def append_log(db: Database, task: Task, text: str, lease_seconds: int) -> LogLine:
    """Adds a line to the log of a task that is being done, and tells watchers; raises LeaseLost."""
    with db.transaction() as tx:
        if not queries.extend_lease(tx, task.id, task.attempts, clock.later_text(lease_seconds), new_lines=1):
            raise LeaseLost
        current = queries.find_task_anywhere(tx, task.id)
        if current is None:
            raise LeaseLost
        line = LogLine(current.log_lines, clock.now_text(), text[:_LONGEST_LINE])
        queries.insert_log_line(tx, task.id, line)
        append(
            tx,
            EventType.TASK_STREAM,
            task.id,
            workspace_id=task.workspace_id,
            data={"task_id": task.id, "agent_id": task.agent_id, "seq": line.seq, "at": line.at, "text": line.text},
        )
    return line


def complete_task(db: Database, task: Task, output: Any, usage: dict[str, Any]) -> Task:
    """Records the outcome of an attempt; raises LeaseLost when it is too late."""
    done = msgspec.structs.replace(task, output=output, usage=usage)
    with db.transaction() as tx:
        agent_queries.count_task_done(tx, task.agent_id, clock.now_text(), completed=True)
        return _end(tx, done, TaskStatus.COMPLETED, EventType.TASK_COMPLETED, error=None, actor=None)


def fail_task(db: Database, task: Task, reason: str, usage: dict[str, Any]) -> Task:
    """Records that an attempt failed; raises LeaseLost when it is too late."""
    failed = msgspec.structs.replace(task, usage=usage)
    with db.transaction() as tx:
        agent_queries.count_task_done(tx, task.agent_id, clock.now_text(), completed=False)
        return _end(tx, failed, TaskStatus.FAILED, EventType.TASK_FAILED, error=reason, actor=None)


def _end(
    tx: Transaction, task: Task, status: TaskStatus, event_type: EventType, *, error: str | None, actor: str | None
) -> Task:
    ended = msgspec.structs.replace(task, status=status, error=error, finished_at=clock.now_text())
    if not queries.end_task(tx, ended, task.status):
        raise LeaseLost
    _record(tx, event_type, ended, actor=actor)
    return ended


def _record(tx: Transaction, event_type: EventType, task: Task, *, actor: str | None) -> None:
    append(
        tx,
        event_type,
        task.id,
        workspace_id=task.workspace_id,
        actor=actor,
        data={
            "agent_id": task.agent_id,
            "title": task.title,
            "status": task.status,
            "attempts": task.attempts,
            **({"error": task.error[:300]} if task.error else {}),
        },
    )
