"""Drives runs: threads that take them up, and one that keeps their leases, watches the clock, and finds lost ones."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from releaseapp import clock
from releaseapp.credentials import service as credentials
from releaseapp.errors import Busy
from releaseapp.maintenance.service import find_maintenance, lapse
from releaseapp.runs.approvals import service as approvals
from releaseapp.runs.machine import queries, turns
from releaseapp.runs.machine.driver import Driver, Lost, Nudge, Stop
from releaseapp.runs.machine.kit import ANY, Kit
from releaseapp.runs.machine.state import Claimed
from releaseapp.wakeups import Hands, Wakeups
from releaseapp.workspaces.service import get_workspace

log = logging.getLogger(__name__)

_TICK_SECONDS = 0.25
_SWEEP_SECONDS = 2.0
_LAST_BREATH_SECONDS = 2.0
_LEASES_IN_ONE = 3
_UPKEEP_SECONDS = 60.0
_EXPIRED_AT_ONCE = 100


class RunWorker:
    """Drives the runs of a database, ``settings.run_threads`` of them at once. One worker object is started once.

    ``upkeep`` is called every minute, in a thread of its own: it may take a second.
    """

    def __init__(self, kit: Kit, wakeups: Wakeups, upkeep: Callable[[], object] = lambda: None) -> None:
        self.id = clock.new_id("wrk")
        self._kit = kit
        self._wakeups = wakeups
        self._upkeep = upkeep
        self._held: dict[str, Driver] = {}
        self._at_rest: set[Driver] = set()
        self._idle = threading.Condition()
        self._stopping = threading.Event()
        self._stopped = threading.Event()
        self._hands: Hands | None = None
        self._keeper = threading.Thread(target=self._keep, name="run keeper", daemon=True)
        self._housekeeper = threading.Thread(target=self._keep_house, name="run housekeeper", daemon=True)

    def start(self) -> None:
        """Begins to take up runs; returns at once. Does nothing when there are no threads to do it with."""
        threads = self._kit.settings.run_threads
        if not threads:
            return
        self._hands = self._wakeups.hands(threads, self._woken, self._kit.db.close_thread)
        self._hands.start()
        self._keeper.start()
        self._housekeeper.start()

    def stop(self, grace_seconds: float = 10) -> None:
        """Takes up nothing more, lets steps at work end within the grace time, and gives back what is not over."""
        if self._hands is None:
            return
        self._stopping.set()
        self._hands.stop_taking()
        self._tell_all(Stop(now=False))
        with self._idle:
            done = self._idle.wait_for(lambda: not self._held, timeout=grace_seconds)
        if not done:
            self._tell_all(Stop(now=True))
            with self._idle:
                self._idle.wait_for(lambda: not self._held, timeout=_LAST_BREATH_SECONDS)
        self._stopped.set()
        self._hands.join(_LAST_BREATH_SECONDS)
        self._keeper.join()
        self._housekeeper.join(_LAST_BREATH_SECONDS)

    def work_off(self) -> int:
        """Takes up runs until there is none to take; how many. For the thread that calls it."""
        count = 0
        while not self._stopping.is_set() and (run := self._claim()) is not None:
            self._drive(run)
            count += 1
        return count

    def tick(self) -> None:
        """Brings back what is due; wakes threads for it. During maintenance nothing is due."""
        if self._rests():
            return
        # Before the runs that wait for them: whoever looks then finds them ended.
        for run_id in approvals.expire_due(self._kit.db, clock.now_text(), _EXPIRED_AT_ONCE):
            self._kit.wake(run_id)
        if turns.wake_due(self._kit):
            self._kit.wake(ANY)

    def sweep(self) -> None:
        """Brings back what was left behind; wakes threads for whatever is in the queue."""
        turns.sweep(self._kit)
        if queries.find_next(self._kit.db) is not None:
            self._kit.wake(ANY)

    def _woken(self, run_id: str) -> None:
        with self._idle:
            driver = self._held.get(run_id)
        if driver is not None:
            driver.tell(Nudge())
        self.work_off()

    def _rests(self) -> bool:
        """Whether maintenance lasts; then runs in hand begin no further step, and are given back."""
        lapse(self._kit.db)
        lasts = find_maintenance(self._kit.db) is not None
        if lasts:
            drivers = set(self._drivers())
            for driver in drivers - self._at_rest:
                driver.tell(Stop(now=False))
            self._at_rest = drivers
        return lasts

    def _claim(self) -> Claimed | None:
        try:
            if find_maintenance(self._kit.db) is not None:
                return None
            return turns.claim_next(self._kit, self.id)
        except Busy:
            log.warning("no run could be taken up, for the database is busy; a sweep will try again")
            return None

    def _drive(self, run: Claimed) -> None:
        """Drives a run as far as it will go. Whatever goes wrong, its lease lapses, and it is taken over."""
        try:
            driver = self._driver_of(run)
            with self._holding(driver):
                driver.drive()
        except Busy:
            log.warning("run %s is given up, for the database is busy; it will be taken up again", run.id)
        except Exception:
            log.exception("run %s broke its worker", run.id)

    def _driver_of(self, run: Claimed) -> Driver:
        workspace = get_workspace(self._kit.db, run.workspace_id)
        secrets = tuple(
            text
            for secret in credentials.secrets_of_workspace(self._kit.db, self._kit.vault, run.workspace_id)
            for text in secret.secrets
        )
        return Driver(self._kit, run, {"slug": workspace.slug, "name": workspace.name}, secrets)

    @contextmanager
    def _holding(self, driver: Driver) -> Iterator[None]:
        """Has the keeper look after the run meanwhile."""
        with self._idle:
            self._held[driver.run.id] = driver
        if self._stopping.is_set():
            driver.tell(Stop(now=False))
        try:
            yield
        finally:
            with self._idle:
                if self._held.get(driver.run.id) is driver:
                    del self._held[driver.run.id]
                self._idle.notify_all()

    def _tell_all(self, message: Stop) -> None:
        with self._idle:
            drivers = list(self._held.values())
        for driver in drivers:
            driver.tell(message)

    # ── the keeper ───────────────────────────────────────────────────────────

    def _keep(self) -> None:
        """Until the end: keeps the leases, and brings back what is due or lost."""
        lease_pause = self._kit.settings.run_lease_seconds / _LEASES_IN_ONE
        next_lease = next_sweep = clock.monotonic()
        while not self._stopped.wait(_TICK_SECONDS):
            now = clock.monotonic()
            self._guarded(self._look_after_held, "looking after runs")
            if now >= next_lease:
                next_lease = now + lease_pause
                self._guarded(self._keep_leases, "keeping leases")
            if self._stopping.is_set():
                continue
            self._guarded(self.tick, "waking what is due")
            if now >= next_sweep:
                next_sweep = now + _SWEEP_SECONDS
                # First our own: a clock that was put forward makes live leases look lapsed.
                self._guarded(self._keep_leases, "keeping leases")
                self._guarded(self.sweep, "the sweep of runs")
                if self._hands is not None:
                    self._guarded(self._hands.check_worker_health, "looking after threads")
        self._kit.db.close_thread()

    def _keep_house(self) -> None:
        while not self._stopped.wait(_UPKEEP_SECONDS):
            self._guarded(self._upkeep, "tidying up")
        self._kit.db.close_thread()

    def _guarded(self, duty: Callable[[], object], name: str) -> None:
        # One duty that fails (a busy database, say) must not end the others, nor the thread.
        try:
            duty()
        except Exception:
            log.exception("%s failed", name)

    def _drivers(self) -> list[Driver]:
        with self._idle:
            return list(self._held.values())

    def _look_after_held(self) -> None:
        """Tells drivers what other processes did to their runs: cancelled them, or brought what they wait for."""
        for driver in self._drivers():
            if clock.monotonic() - driver.since < _TICK_SECONDS:
                continue
            row = queries.check_lease(self._kit.db, driver.run.id, driver.run.epoch)
            if row is None:
                driver.tell(Lost())
            elif row["turn"] is not None:
                driver.tell(Nudge())

    def _keep_leases(self) -> None:
        until = clock.later_text(self._kit.settings.run_lease_seconds)
        for driver in self._drivers():
            with suppress(Busy), self._kit.db.transaction() as tx:
                queries.extend_lease(tx, driver.run.id, driver.run.epoch, until)
