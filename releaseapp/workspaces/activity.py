"""What happened in a workspace, as far as a member may see it."""

from releaseapp.db.api import Reader
from releaseapp.errors import Invalid
from releaseapp.events.models import EventType, permission_for
from releaseapp.web.paging import FIRST, Cursor
from releaseapp.workspaces import queries
from releaseapp.workspaces.models import Happening, Membership

_LATEST = 10**18
_QUIET = frozenset(
    {
        EventType.EDIT_LOCKED,
        EventType.EDIT_UNLOCKED,
        EventType.QUEUE_PUBLISHED,
        EventType.RUN_PRUNED,
        EventType.RUN_RELEASED,
        EventType.RUN_RESUMED,
        EventType.RUN_STARTED,
        EventType.RUN_WAITING,
        EventType.STEP_CANCELLED,
        EventType.STEP_FAILED,
        EventType.STEP_LATE,
        EventType.STEP_RETRYING,
        EventType.STEP_SKIPPED,
        EventType.STEP_STARTED,
        EventType.STEP_STREAM,
        EventType.STEP_SUCCEEDED,
        EventType.STEP_WAITING,
        EventType.TASK_STREAM,
        EventType.VERSION_SAVED,
    }
)
"""Lines of a log, the steps of a run, a draft that is saved on and on: told live, and no news afterwards."""

_LONGEST_ID = 18


def list_activity(db: Reader, membership: Membership, page: Cursor) -> list[Happening]:
    """Up to one more than a page of events, newest first, without what is no news afterwards."""
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
        # For most types these are one; what was forced concerns agents and drafts, and is for those who see both.
        if event_type not in _QUIET
        and {permission_for(event_type), permission_for(event_type, "agt_")} <= membership.permissions
    ]
