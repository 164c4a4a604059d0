"""What a server forgets in time, in batches small enough to stall nobody."""

from releaseapp import clock
from releaseapp.db.api import Database
from releaseapp.events.queries import delete_events_before
from releaseapp.settings import Settings

_BATCH = 500
_A_DAY = 24 * 3600


def tidy(db: Database, settings: Settings) -> int:
    """Forgets a batch of the events that are past their time; returns how many."""
    with db.transaction() as tx:
        return delete_events_before(tx, clock.later_text(-settings.event_keep_days * _A_DAY), _BATCH)
