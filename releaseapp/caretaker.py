"""Does what is due by the clock: snapshots, and the drill that puts the newest one back aside."""

import logging
import threading
from collections.abc import Callable
from datetime import timedelta

from releaseapp import clock
from releaseapp.errors import AppError
from releaseapp.operations import service as operations
from releaseapp.operations.models import Kind
from releaseapp.snapshots.archive import clear_left_behind
from releaseapp.snapshots.models import Reason
from releaseapp.snapshots.restoring.work import drilling
from releaseapp.snapshots.service import Snapshots, prune_snapshots
from releaseapp.snapshots.shelf import newest_in_folder
from releaseapp.snapshots.work import making, pruning
from releaseapp.workflows.pending import settle

log = logging.getLogger(__name__)

_LOOK_SECONDS = 60.0
_AGAIN_HOURS = 1
"""After one that failed."""


class Caretaker:
    """A thread that looks every minute. Any number of processes may have one: the journal lets one of them do it."""

    def __init__(self, snapshots: Snapshots) -> None:
        self._snapshots = snapshots
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._keep_looking, name="caretaker", daemon=True)

    def start(self) -> None:
        """Begins to look; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Begins nothing more; what is at work ends with the process, and is begun anew by the next."""
        self._stopping.set()

    def look(self) -> list[Kind]:
        """Does what is due now; gives what that was."""
        s = self._snapshots
        # A restore may have died between its commit and the file.
        settle(s.db, s.file)
        clear_left_behind(s.settings.snapshots)
        done = []
        if self._do(Kind.SNAPSHOT, self._snapshot_is_due, lambda report: making(s, report, Reason.SCHEDULE)):
            done.append(Kind.SNAPSHOT)
            if self._prune():
                done.append(Kind.PRUNE)
        if self._do(Kind.DRILL, self._drill_is_due, lambda report: drilling(s, report)):
            done.append(Kind.DRILL)
        return done

    def _snapshot_is_due(self) -> bool:
        hours = self._snapshots.settings.snapshot_every_hours
        if not hours or not self._is_past(Kind.SNAPSHOT, _AGAIN_HOURS):
            return False
        newest = newest_in_folder(self._snapshots.settings)
        return newest is None or newest.manifest.made_at <= _ago(hours)

    def _drill_is_due(self) -> bool:
        hours = self._snapshots.settings.drill_every_hours
        if not hours or not self._is_past(Kind.DRILL, hours):
            return False
        return newest_in_folder(self._snapshots.settings) is not None

    def _prune(self) -> bool:
        # Not by _do: what is old is asked of the bucket, too, and nobody waits for that in the turn to write.
        s = self._snapshots
        try:
            if not prune_snapshots(s, dry_run=True):
                return False
            operations.perform(s.db, Kind.PRUNE, None, lambda report: pruning(s, report))
        except (AppError, OSError) as error:
            log.warning("old snapshots could not be deleted: %s", error)
            return False
        return True

    def _is_past(self, kind: Kind, hours: int) -> bool:
        """Whether none of that kind was begun for so long."""
        newest = operations.newest_of(self._snapshots.db, kind)
        return newest is None or newest.started_at <= _ago(hours)

    def _do(self, kind: Kind, is_due: Callable[[], bool], work: operations.Work) -> bool:
        """Whether it was due and is done; what fails is written down by the journal, and tried again later."""
        db = self._snapshots.db
        try:
            # Most looks find nothing, and need no turn to write for that.
            if not is_due():
                return False
            with db.transaction():
                # In the turn to write, so that of two that both found it due the second sees what the first began.
                if not is_due():
                    return False
                operation = operations.begin(db, kind, None)
            operations.carry_out(db, operation, work)
        except (AppError, OSError) as error:
            log.warning("the %s that was due could not be done: %s", kind, error)
            return False
        return True

    def _keep_looking(self) -> None:
        while not self._stopping.wait(_LOOK_SECONDS):
            try:
                self.look()
            except Exception:
                log.exception("what is due could not be looked at; again in a minute")
        self._snapshots.db.close_thread()


def _ago(hours: int) -> str:
    return clock.text(clock.now() - timedelta(hours=hours))
