"""What happened in a workspace, as far as a member may see it."""

from releaseapp.db.api import Reader
from releaseapp.errors import Invalid
from releaseapp.events.models import Event, EventType, permission_for
from releaseapp.events.queries import list_workspace_events
from releaseapp.web.paging import FIRST, Cursor
from releaseapp.workspaces.models import Membership

_LATEST = 2**62


def list_activity(db: Reader, membership: Membership, page: Cursor) -> list[Event]:
    """Up to one more than a page of events, newest first; lines of streamed logs are left to their task."""
    if page.before != FIRST and not page.before.isdigit():
        raise Invalid.at("/cursor", "cursor is not one that this list gave; begin again without it.")
    before = _LATEST if page.before == FIRST else int(page.before)
    return list_workspace_events(db, membership.workspace_id, visible_types(membership), before, page.limit + 1)


def visible_types(membership: Membership) -> list[str]:
    """The types of event that a member's role covers."""
    return [
        event_type
        for event_type in EventType
        if event_type is not EventType.TASK_STREAM and permission_for(event_type) in membership.permissions
    ]
