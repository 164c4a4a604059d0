"""What happened in a workspace, as far as a member may see it."""

from releaseapp.db.api import Reader
from releaseapp.errors import Invalid
from releaseapp.events.models import EventType, permission_for
from releaseapp.web.paging import FIRST, Cursor
from releaseapp.workspaces import queries
from releaseapp.workspaces.models import Happening, Membership

_LATEST = 10**18
_LONGEST_ID = 18


def list_activity(db: Reader, membership: Membership, page: Cursor) -> list[Happening]:
    """Up to one more than a page of events, newest first; lines of streamed logs are left to their task."""
    digits = page.before.isascii() and page.before.isdigit() and len(page.before) <= _LONGEST_ID
    if page.before != FIRST and not digits:
        raise Invalid.at("/cursor", "cursor is not one that this list gave; begin again without it.")
    before = _LATEST if page.before == FIRST else int(page.before)
    return queries.list_happenings(db, membership.workspace_id, visible_types(membership), before, page.limit + 1)


def visible_types(membership: Membership) -> list[str]:
    """The types of event that a member's role covers."""
    return [
        event_type
        for event_type in EventType
        if event_type is not EventType.TASK_STREAM and permission_for(event_type) in membership.permissions
    ]
