"""Does tasks: threads that take them up, and one that keeps their leases, looks for lost ones, and tidies up."""

import logging
import os
import socket
import threading
from collections.abc import Callable
from typing import Any

from huey.consumer import Consumer

from releaseapp import clock
from releaseapp.agents import runtimes
from releaseapp.agents import service as agents
from releaseapp.agents.tasks import service, upkeep
from releaseapp.agents.tasks.context import TaskContext
from releaseapp.agents.tasks.queue import TaskQueue
from releaseapp.agents.tasks.service import LeaseLost
from releaseapp.db.api import Database
from releaseapp.errors import AppError
from releaseapp.settings import Settings

log = logging.getLogger(__name__)

Observe = Callable[[str, float], None]
"""Is told how a task ended (completed, failed, lost) and after how many seconds."""

_POLL_SECONDS = 0.01
_SLOWEST_POLL_SECONDS = 0.02
_SWEPT_AT_ONCE = 100


class _Consumer(Consumer):
    """Huey's threads without its signal handlers: signals belong to whoever runs the process."""

    def _set_signal_handlers(self) -> None:
        pass


class Worker:
    """Does the tasks of a database, with ``settings.worker_threads`` threads."""

    def __init__(self, db: Database, queue: TaskQueue, settings: Settings, observe: Observe | None = None) -> None:
        self.id = clock.new_id("wrk")
        self._db = db
        self._queue = queue
        self._settings = settings
        self._observe = observe or (lambda _outcome, _seconds: None)
        self._held: dict[str, TaskContext] = {}
        self._idle = threading.Condition()
        self._stop = threading.Event()
        self._consumer: _Consumer | None = None
        self._keeper = threading.Thread(target=self._keep, name="worker keeper", daemon=True)

    def start(self) -> None:
        """Begins to take up tasks; returns at once. Does nothing when there are no threads to do it with."""
        if not self._settings.worker_threads:
            return
        self._queue.deliver_to(self.perform)
        self._consumer = _Consumer(
            self._queue.huey,
            workers=self._settings.worker_threads,
            periodic=False,
            initial_delay=_POLL_SECONDS,
            backoff=1.1,
            max_delay=_SLOWEST_POLL_SECONDS,
            scheduler_interval=60,
            check_worker_health=False,
        )
        service.announce_worker(self._db, self.id, socket.gethostname(), os.getpid())
        self._consumer.start()
        self._keeper.start()

    def stop(self, grace_seconds: float = 10) -> None:
        """Takes up nothing more, lets what runs finish within the grace time, and hands over the rest at once."""
        if self._consumer is None:
            return
        self._consumer.stop_flag.set()
        with self._idle:
            self._idle.wait_for(lambda: not self._held, timeout=grace_seconds)
            left = list(self._held.values())
        for context in left:
            context.abandoned.set()
            service.hand_over(self._db, context.task)
            self._queue.wake(context.task.id)
        for _, thread in self._consumer.worker_threads:
            thread.join(timeout=1)
        self._stop.set()
        self._keeper.join()
        service.retire_worker(self._db, self.id)

    def perform(self, task_id: str) -> None:
        """Takes up one task, when it is there to be taken, and brings it to its end."""
        lease, attempts = self._settings.task_lease_seconds, self._settings.task_max_attempts
        task = service.claim_task(self._db, task_id, self.id, lease, attempts)
        if task is None:
            return
        state = agents.find_agent(self._db, task.workspace_id, task.agent_id)
        if state is None:
            return
        context = TaskContext(self._db, task, state.agent, lease)
        with self._idle:
            self._held[task.id] = context
        try:
            outcome = self._attempt(context)
        finally:
            with self._idle:
                self._held.pop(task.id, None)
                self._idle.notify_all()
        self._observe(outcome, context.seconds)

    def _attempt(self, context: TaskContext) -> str:
        """Runs the agent's runtime; returns how it ended."""
        task = context.task
        try:
            if task.attempts > 1:
                context.log(f"Taken up again: attempt {task.attempts}.")
            output = runtimes.run(context.agent.runtime, context)
            service.complete_task(self._db, task, output, context.usage())
        except LeaseLost:
            log.info("task %s is no longer this worker's to do", task.id)
            return "lost"
        except AppError as error:
            return self._fail(context, str(error))
        except Exception as error:
            log.exception("task %s broke its runtime", task.id)
            return self._fail(context, f"The runtime broke ({type(error).__name__}); the server's log says more.")
        return "completed"

    def _fail(self, context: TaskContext, reason: str) -> str:
        try:
            service.fail_task(self._db, context.task, reason, context.usage())
        except LeaseLost:
            return "lost"
        return "failed"

    def _keep(self) -> None:
        """Until the end: says that this worker lives, keeps its leases, finds tasks that nobody does, tidies up."""
        pause = self._settings.task_lease_seconds / 3
        self._guarded(self.sweep)
        while not self._stop.wait(pause):
            self._guarded(self._heartbeat)
            self._guarded(self.sweep)
            self._guarded(self._tidy)
        self._db.close_thread()

    def _guarded(self, duty: Callable[[], Any]) -> None:
        # One duty that fails (a busy database, say) must not end the others, nor the thread.
        try:
            duty()
        except Exception:
            log.exception("%s failed; it is tried again soon", duty.__name__)

    def _heartbeat(self) -> None:
        service.announce_worker(self._db, self.id, socket.gethostname(), os.getpid())
        for context in list(self._held.values()):
            try:
                service.extend_lease(self._db, context.task, self._settings.task_lease_seconds)
            except LeaseLost:
                context.abandoned.set()

    def sweep(self) -> None:
        """Wakes workers for tasks whose worker died, and, when the queue is empty, for those it has lost."""
        for task_id in service.lapsed_tasks(self._db, _SWEPT_AT_ONCE):
            self._queue.wake(task_id)
        if not self._queue.depth():
            for task_id in service.pending_tasks(self._db, _SWEPT_AT_ONCE):
                self._queue.wake(task_id)

    def _tidy(self) -> None:
        upkeep.tidy(self._db, self._settings)
