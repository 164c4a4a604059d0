"""What a process does in the background: agents' tasks and runs. Composes the two kinds of worker."""

import threading
from collections.abc import Callable

import msgspec

from releaseapp import clock
from releaseapp.agents.tasks.worker import Observe, Worker
from releaseapp.credentials.vault import Vault
from releaseapp.db.api import Database
from releaseapp.outbound import open_outbound
from releaseapp.runs.machine.kit import Kit
from releaseapp.runs.machine.worker import RunWorker
from releaseapp.runs.retention.service import prune_some
from releaseapp.settings import Settings
from releaseapp.wakeups import Wakeups
from releaseapp.workflows.store import Store


class Ground(msgspec.Struct, frozen=True):
    """What workers stand on: where things are kept, and the queues of their wake-up calls."""

    db: Database
    store: Store
    settings: Settings
    vault: Vault
    task_wakeups: Wakeups
    run_wakeups: Wakeups


class Workers:
    """The worker of tasks and the worker of runs of one process, which begin and end together."""

    def __init__(self, ground: Ground, observe: Observe | None = None) -> None:
        self.tasks = Worker(ground.db, ground.task_wakeups, ground.settings, observe)
        kit = Kit(
            db=ground.db,
            store=ground.store,
            settings=ground.settings,
            wake=ground.run_wakeups.wake,
            vault=ground.vault,
            outbound=open_outbound(ground.settings),
            wake_task=ground.task_wakeups.wake,
        )
        self._outbound = kit.outbound
        self.runs = RunWorker(kit, ground.run_wakeups, lambda: prune_some(ground.db, ground.settings, clock.now_text()))

    def start(self) -> None:
        """Begins to work; returns at once."""
        self.tasks.start()
        self.runs.start()

    def stop(self, grace_seconds: float = 10) -> None:
        """Takes up nothing more, lets what is in hand end within the grace time, and gives back the rest."""
        stops: tuple[Callable[[float], None], ...] = (self.tasks.stop, self.runs.stop)
        threads = [threading.Thread(target=stop, args=(grace_seconds,)) for stop in stops]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self._outbound.close()
