"""Releases: what is open, what came before, notes, and the end of one that leads nowhere. The verbs are beside this."""

from releaseapp import clock
from releaseapp.db.api import Database, Reader
from releaseapp.errors import Conflict, Invalid, NotFound
from releaseapp.releases import journal, queries
from releaseapp.releases.finishing import call_hook_again, finish, hook_is_answered
from releaseapp.releases.journal import Line
from releaseapp.releases.log import Log, build_log
from releaseapp.releases.machine import Verb, require
from releaseapp.releases.markdown import as_markdown
from releaseapp.releases.models import Entry, EntryKind, Release, Status, Who
from releaseapp.releases.promoting import promote
from releaseapp.releases.roles import confirm_roles, roles_now
from releaseapp.releases.rolling_back import roll_back, what_is_lost
from releaseapp.releases.starting import start
from releaseapp.releases.texts import refuse_long
from releaseapp.releases.working import NONE_OPEN, perform, perform_in_thread, refuse_while_another, what_happened

__all__ = [
    "abandon",
    "call_hook_again",
    "confirm_roles",
    "find_newest",
    "find_open",
    "find_release",
    "finish",
    "get_release",
    "hook_is_answered",
    "list_entries",
    "list_releases",
    "log_as_markdown",
    "log_of",
    "note",
    "perform",
    "perform_in_thread",
    "promote",
    "roles_now",
    "roll_back",
    "start",
    "what_is_lost",
]

NEWEST = "\U0010ffff"


def find_open(db: Reader) -> Release | None:
    """The release that is not over; there is one at most."""
    return queries.find_open(db)


def find_newest(db: Reader) -> Release | None:
    """The release that was begun last, over or not."""
    return queries.find_newest(db)


def find_release(db: Reader, release_id: str) -> Release | None:
    """One release."""
    return queries.find_release(db, release_id)


def get_release(db: Reader, release_id: str | None) -> Release:
    """The release of that id, or the newest; raises NotFound."""
    found = queries.find_release(db, release_id) if release_id else find_newest(db)
    if found is None:
        raise NotFound(f"There is no release {release_id}." if release_id else "There has been no release yet.")
    return found


def list_releases(db: Reader, before: str = NEWEST, limit: int = 50) -> list[Release]:
    """Those before an id, newest first, without their role matrices."""
    return queries.list_releases(db, before, limit)


def list_entries(db: Reader, release_id: str, after: int = 0) -> list[Entry]:
    """The lines of a release's log after a number, in order."""
    return queries.list_entries(db, release_id, after)


def note(db: Database, who: Who, text: str, release_id: str | None = None) -> Release:
    """Writes a note into the log of a release, or of the newest; raises Invalid for an empty one, NotFound."""
    _sentence(text, "text")
    with db.transaction() as tx:
        release = get_release(tx, release_id)
        journal.write(tx, release, who, Line(EntryKind.NOTE, text.strip()))
    return release


def abandon(db: Database, who: Who, why: str) -> Release:
    """Ends the open release where it is, and puts nothing back; raises Invalid without a reason, Conflict."""
    _sentence(why, "why")
    with db.transaction() as tx:
        refuse_while_another(tx)
        release = queries.find_open(tx)
        if release is None:
            raise Conflict(NONE_OPEN)
        require(Verb.ABANDON, release, what_happened(tx, release.id))
        line = Line(EntryKind.ABANDONED, f"Abandoned: {why.strip()}", {"from": release.status})
        return journal.move(db, release, who, line, status=Status.ABANDONED, finished_at=clock.now_text())


def _sentence(text: str, field: str) -> None:
    if not text.strip():
        raise Invalid.at(f"/{field}", "Say it in a sentence; it stands in the log.")
    refuse_long(**{field: text})


def log_of(db: Reader, release_id: str | None = None) -> Log:
    """The log of a release, or of the newest, as parts that a page shows; raises NotFound."""
    release = get_release(db, release_id)
    return build_log(release, queries.list_entries(db, release.id, 0))


def log_as_markdown(db: Reader, release_id: str | None = None) -> str:
    """The log of a release, or of the newest, as Markdown; raises NotFound."""
    return as_markdown(log_of(db, release_id))
