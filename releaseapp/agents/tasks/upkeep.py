"""What a server forgets in time, in batches small enough to stall nobody."""

from releaseapp import clock
from releaseapp.db.api import Database
from releaseapp.events.queries import delete_events_before
from releaseapp.settings import Settings
from releaseapp.web.idempotency import KEPT_SECONDS
from releaseapp.web.queries import delete_idempotency_keys

_BATCH = 500
_BATCHES_AT_ONCE = 10
_A_DAY = 24 * 3600


def tidy(db: Database, settings: Settings) -> int:
    """Forgets old idempotency keys, and some of the events that are past their time; returns how many events."""
    with db.transaction() as tx:
        delete_idempotency_keys(tx, before=clock.later_text(-KEPT_SECONDS))
    before = clock.later_text(-settings.event_keep_days * _A_DAY)
    forgotten = 0
    for _ in range(_BATCHES_AT_ONCE):
        # A transaction each, so that others get their turn in between.
        with db.transaction() as tx:
            batch = delete_events_before(tx, before, _BATCH)
        forgotten += batch
        if batch < _BATCH:
            break
    return forgotten
