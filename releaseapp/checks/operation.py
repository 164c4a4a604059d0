"""Checks of how the server is run: its addresses, its people, its snapshots, its workers."""

from datetime import timedelta
from urllib.parse import urlsplit

from releaseapp import clock
from releaseapp.agents.tasks.service import worker_is_alive
from releaseapp.checks.models import Found
from releaseapp.checks.place import Place
from releaseapp.events.queries import last_event_id

_OLD_SNAPSHOT_HOURS = 48


def address_is_known(place: Place) -> Found:
    """In production people come by https, and pages of other origins are kept out."""
    url, production = place.settings.public_url, not place.settings.development
    if not url:
        return Found(
            ok=not production,
            sentence="public_url is empty: whatever host a request names is believed.",
            cure="Set public_url to where people reach the server." if production else "",
        )
    secure = urlsplit(url).scheme == "https" or not production
    return Found(
        ok=secure,
        sentence=f"People reach the server at {url}.",
        cure="" if secure else "Serve it by https: cookies are Secure in production, and do not travel otherwise.",
    )


def snapshot_is_fresh(place: Place) -> Found:
    """There is a snapshot of late; and what would be lost without."""
    if place.newest_snapshot is None:
        return Found(ok=False, sentence="There is no snapshot.", cure="Make one: releaseapp snapshot create INI.")
    newest = place.newest_snapshot.manifest
    since = last_event_id(place.db) - newest.last_event_id
    fresh = newest.made_at >= clock.text(clock.now() - timedelta(hours=_OLD_SNAPSHOT_HOURS))
    return Found(
        ok=fresh,
        sentence=f"The newest snapshot is of {newest.made_at}; {max(since, 0):,} events happened since.",
        cure="" if fresh else "Make one: releaseapp snapshot create INI; snapshot_every_hours does so by itself.",
    )


def snapshots_are_verified(place: Place) -> Found:
    """The newest snapshot was found whole."""
    well = place.newest_snapshot is not None and place.newest_snapshot.verified_at is not None
    return Found(
        ok=well,
        sentence="The newest snapshot was found whole." if well else "The newest snapshot was not looked at yet.",
        cure="" if well else "Look at it: releaseapp snapshot verify INI.",
    )


def worker_lives(place: Place) -> Found:
    """Somebody does the work."""
    alive = worker_is_alive(place.db, place.settings.task_lease_seconds)
    return Found(
        ok=alive,
        sentence="A worker is alive." if alive else "No worker was heard of lately.",
        cure="" if alive else "Start the server, or releaseapp worker INI.",
    )
