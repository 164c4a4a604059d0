"""Does what is due by the clock: snapshots, and the drill that puts the newest one back aside."""

import logging
import threading
from datetime import timedelta

from releaseapp import clock
from releaseapp.errors import AppError
from releaseapp.operations import service as operations
from releaseapp.operations.models import Kind
from releaseapp.snapshots.models import Reason
from releaseapp.snapshots.restoring.work import drilling
from releaseapp.snapshots.service import Snapshots, list_snapshots, prune_snapshots
from releaseapp.snapshots.work import making
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
        # A restore may have died between its commit and the file.
        settle(self._snapshots.db, self._snapshots.file)
        done = []
        for kind, is_due in ((Kind.SNAPSHOT, self._snapshot_is_due), (Kind.DRILL, self._drill_is_due)):
            if is_due() and self._do(kind):
                done.append(kind)
        return done

    def _snapshot_is_due(self) -> bool:
        hours = self._snapshots.settings.snapshot_every_hours
        if not hours or not self._is_past(Kind.SNAPSHOT, _AGAIN_HOURS):
            return False
        newest = next((one.manifest.made_at for one in list_snapshots(self._snapshots)), "")
        return newest <= _ago(hours)

    def _drill_is_due(self) -> bool:
        hours = self._snapshots.settings.drill_every_hours
        return bool(hours) and self._is_past(Kind.DRILL, hours) and bool(list_snapshots(self._snapshots))

    def _is_past(self, kind: Kind, hours: int) -> bool:
        """Whether none of that kind was begun for so long."""
        newest = operations.newest_of(self._snapshots.db, kind)
        return newest is None or newest.started_at <= _ago(hours)

    def _do(self, kind: Kind) -> bool:
        s = self._snapshots
        try:
            if kind is Kind.SNAPSHOT:
                operations.perform(s.db, kind, None, lambda report: making(s, report, Reason.SCHEDULE))
                prune_snapshots(s)
            else:
                operations.perform(s.db, kind, None, lambda report: drilling(s, report))
        except AppError as error:
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
