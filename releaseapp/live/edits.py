"""Writes down who edited what: for the activity log, not for the lock, which lives with its socket alone."""

import logging
from collections import deque
from functools import partial

import gevent
import msgspec

from releaseapp.db.api import Database
from releaseapp.errors import Busy
from releaseapp.events.models import EventType
from releaseapp.events.service import append
from releaseapp.live.subjects import Subject, is_deleted
from releaseapp.live.threads import Threads

log = logging.getLogger(__name__)


class Edit(msgspec.Struct, frozen=True):
    """One event of editing, by an account."""

    type: EventType
    subject: Subject
    actor: str
    data: dict[str, str] = {}


class Edits:
    """Appends in the order in which it was told, many in one transaction. Belongs to the hub's thread."""

    def __init__(self, db: Database, threads: Threads) -> None:
        self._db = db
        self._threads = threads
        self._noted: deque[Edit] = deque()
        self._writer: gevent.Greenlet[[], None] | None = None

    def note(self, edit: Edit) -> None:
        """Will be written soon; returns at once."""
        self._noted.append(edit)
        if self._writer is None:
            self._writer = gevent.spawn(self._write)

    def flush(self) -> None:
        """Returns when everything noted so far has been written."""
        if self._writer is not None:
            self._writer.join()

    def _write(self) -> None:
        try:
            while self._noted:
                batch = list(self._noted)
                self._noted.clear()
                try:
                    self._threads.run(partial(self.append, batch))
                except Busy as error:
                    # The lock itself does not depend on it.
                    log.warning("%d events of editing are not in the log: %s", len(batch), error)
        finally:
            self._writer = None

    def append(self, batch: list[Edit]) -> None:
        """Appends at once, unless what was edited is deleted; raises Busy. Runs in a native thread."""
        with self._db.transaction() as tx:
            for edit in batch:
                if is_deleted(tx, edit.subject):
                    continue
                append(
                    tx,
                    edit.type,
                    edit.subject.id,
                    workspace_id=edit.subject.workspace_id,
                    actor=edit.actor,
                    data={"name": edit.subject.name, **edit.data},
                )
