"""Does tasks: threads that take them up, and one that keeps their leases, looks for lost ones, and tidies up."""

import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from releaseapp import clock
from releaseapp.agents import runtimes
from releaseapp.agents import service as agents
from releaseapp.agents.tasks import service, upkeep
from releaseapp.agents.tasks.context import TaskContext
from releaseapp.agents.tasks.models import Task
from releaseapp.agents.tasks.service import LeaseLost
from releaseapp.db.api import Database
from releaseapp.errors import AppError, Busy
from releaseapp.maintenance.service import find_maintenance, lapse
from releaseapp.settings import Settings
from releaseapp.wakeups import Hands, Wakeups

log = logging.getLogger(__name__)

Observe = Callable[[str, float], None]
"""Is told how a task ended (completed, failed, lost) and after how many seconds."""

_SWEPT_AT_ONCE = 100
_LONGEST_PAUSE_SECONDS = 5
_LAST_BREATH_SECONDS = 1


class Worker:
    """Does the tasks of a database, with ``settings.worker_threads`` threads.

    Lives in any process: it takes no signals, and its threads are native ones,
    also beside a gevent hub. One worker object is started once.
    """

    def __init__(self, db: Database, queue: Wakeups, settings: Settings, observe: Observe | None = None) -> None:
        self.id = clock.new_id("wrk")
        self._db = db
        self._queue = queue
        self._settings = settings
        self._observe = observe or (lambda _outcome, _seconds: None)
        self._held: dict[str, TaskContext] = {}
        self._claiming = 0
        self._idle = threading.Condition()
        self._stopping = threading.Event()
        self._stopped = threading.Event()
        self._hands: Hands | None = None
        self._keeper = threading.Thread(target=self._keep, name="worker keeper", daemon=True)

    def start(self) -> None:
        """Begins to take up tasks; returns at once. Does nothing when there are no threads to do it with."""
        if not self._settings.worker_threads:
            return
        service.announce_worker(self._db, self.id, socket.gethostname(), os.getpid())
        self._hands = self._queue.hands(self._settings.worker_threads, self._take_up, self._db.close_thread)
        self._hands.start()
        self._keeper.start()

    def stop(self, grace_seconds: float = 10) -> None:
        """Takes up nothing more, lets what runs finish within the grace time, and hands over the rest at once."""
        if self._hands is None:
            return
        with self._idle:
            self._stopping.set()
        self._hands.stop_taking()
        with self._idle:
            self._idle.wait_for(lambda: not self._held and not self._claiming, timeout=grace_seconds)
            # What is just being claimed is held in a moment, and must not be left behind.
            self._idle.wait_for(lambda: not self._claiming, timeout=_LAST_BREATH_SECONDS)
            left = list(self._held.values())
        for context in left:
            context.abandoned.set()
            self._guarded(partial(self._hand_over, context.task), "handing a task over")
        self._stopped.set()
        self._hands.join(_LAST_BREATH_SECONDS)
        self._keeper.join()
        self._guarded(lambda: service.retire_worker(self._db, self.id), "signing off")

    def sweep(self) -> None:
        """Wakes workers for tasks that nobody does: lost from the queue, or left by a worker that died."""
        idle = service.lapsed_tasks(self._db, _SWEPT_AT_ONCE) + service.pending_tasks(self._db, _SWEPT_AT_ONCE)
        if idle:
            waiting = self._queue.waiting()
            for task_id in idle:
                if task_id not in waiting:
                    self._queue.wake(task_id)

    def _take_up(self, task_id: str) -> None:
        """Takes up one task, when it is there to be taken, and brings it to its end."""
        with self._idle:
            stopping = self._stopping.is_set()
            self._claiming += not stopping
        if stopping:
            self._queue.wake(task_id)
            return
        with self._holding(task_id) as context:
            if context is not None:
                self._observe(self._attempt(context), context.seconds)

    def _claim(self, task_id: str) -> TaskContext | None:
        """The task, when it is there to be taken; during maintenance none is. A sweep finds it afterwards."""
        lease, attempts = self._settings.task_lease_seconds, self._settings.task_max_attempts
        try:
            if find_maintenance(self._db) is not None:
                return None
            task = service.claim_task(self._db, task_id, self.id, lease, attempts)
            state = agents.find_agent(self._db, task.workspace_id, task.agent_id) if task else None
        except Busy:
            log.warning("task %s could not be taken up, for the database is busy; a sweep will find it", task_id)
            return None
        return TaskContext(self._db, task, state.agent, lease) if task and state else None

    @contextmanager
    def _holding(self, task_id: str) -> Iterator[TaskContext | None]:
        """Claims the task, and has the keeper look after the claim meanwhile."""
        context = None
        try:
            context = self._claim(task_id)
        finally:
            with self._idle:
                self._claiming -= 1
                if context is not None:
                    self._held[task_id] = context
                self._idle.notify_all()
        if context is None:
            yield None
            return
        try:
            yield context
        finally:
            with self._idle:
                # After a hand-over the same worker may hold the task in a later attempt.
                if self._held.get(context.task.id) is context:
                    del self._held[context.task.id]
                self._idle.notify_all()

    def _attempt(self, context: TaskContext) -> str:
        """Does the task and records the outcome; returns how it ended."""
        task = context.task
        try:
            failure = self._failure(context)
        except LeaseLost:
            log.info("task %s is no longer this worker's to do", task.id)
            return "lost"
        except Busy:
            # Nothing can be recorded now. The claim lapses, and the task is taken up again.
            log.warning("task %s is given up, for the database is busy; it will be taken up again", task.id)
            return "lost"
        return "failed" if failure else "completed"

    def _failure(self, context: TaskContext) -> bool:
        """Runs the agent's runtime and records what came of it; whether it failed."""
        task = context.task
        try:
            if task.attempts > 1:
                context.log(f"Taken up again: attempt {task.attempts}.")
            output = runtimes.run(context.agent.runtime, context)
            context.check_alive()
        except (LeaseLost, Busy):
            raise
        except AppError as error:
            reason = str(error)
        except Exception as error:
            log.exception("task %s broke its runtime", task.id)
            reason = f"The runtime broke ({type(error).__name__}); the server's log says more."
        else:
            service.complete_task(self._db, task, output, context.usage())
            return False
        service.fail_task(self._db, task, reason, context.usage())
        return True

    def _hand_over(self, task: Task) -> None:
        service.hand_over(self._db, task)
        self._queue.wake(task.id)

    def _keep(self) -> None:
        """Until the end: says that this worker lives, keeps its claims, finds tasks that nobody does, tidies up."""
        pause = min(self._settings.task_lease_seconds / 3, _LONGEST_PAUSE_SECONDS)
        self._guarded(self.sweep, "the sweep")
        while not self._stopped.wait(pause):
            self._guarded(self._keep_claims, "keeping claims")
            self._guarded(self._announce, "the heartbeat")
            self._guarded(lambda: lapse(self._db), "looking whether maintenance is over")
            self._guarded(self.sweep, "the sweep")
            self._guarded(lambda: upkeep.tidy(self._db, self._settings), "tidying up")
            if self._hands is not None and not self._stopping.is_set():
                self._guarded(self._hands.check_worker_health, "looking after threads")
        self._db.close_thread()

    def _guarded(self, duty: Callable[[], object], name: str) -> None:
        # One duty that fails (a busy database, say) must not end the others, nor the thread.
        try:
            duty()
        except Exception:
            log.exception("%s failed", name)

    def _announce(self) -> None:
        service.announce_worker(self._db, self.id, socket.gethostname(), os.getpid())

    def _keep_claims(self) -> None:
        with self._idle:
            held = list(self._held.values())
        for context in held:
            try:
                service.extend_lease(self._db, context.task, self._settings.task_lease_seconds)
            except LeaseLost:
                context.abandoned.set()
            except Busy:
                log.warning("the claim on task %s could not be kept this time", context.task.id)
