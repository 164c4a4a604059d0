"""Appending to and reading from the log of everything that happened."""

from collections.abc import Mapping

import msgspec

from releaseapp import clock
from releaseapp.db.api import Transaction
from releaseapp.events import queries
from releaseapp.events.models import Event, EventType


def append(
    tx: Transaction,
    event_type: EventType,
    subject: str,
    *,
    workspace_id: str | None = None,
    actor: str | None = None,
    data: Mapping[str, object] | None = None,
) -> None:
    """Records that something happened, in the transaction that makes it happen.

    ``data`` must be small and JSON; it is shown to everybody who may see the
    event, so no secret belongs in it.
    """
    event = Event(
        id=0,
        workspace_id=workspace_id,
        type=event_type.value,
        subject=subject,
        actor=actor,
        at=clock.now_text(),
        data={},
    )
    queries.insert_event(tx, event, msgspec.json.encode(data or {}).decode())
