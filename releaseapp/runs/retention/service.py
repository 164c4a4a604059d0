"""What of a workspace's runs is kept: what people say of it, and the passes that forget the rest."""

from collections.abc import Iterator

from releaseapp import clock
from releaseapp.db.api import Database, Reader, Transaction
from releaseapp.events.models import EventType
from releaseapp.events.service import append
from releaseapp.runs.retention import queries
from releaseapp.runs.retention.forgetting import forget, give_back_space
from releaseapp.runs.retention.models import (
    BYTES_OF_MEGABYTE,
    Bounds,
    Candidate,
    Keep,
    Place,
    Plan,
    Pruned,
    Reason,
    Retention,
)
from releaseapp.settings import Settings
from releaseapp.workspaces.service import get_workspace_by_slug

__all__ = ["give_back_space"]

_SECONDS_A_CALL = 1.0
_SECONDS_A_DAY = 86_400
_AT_ONCE = 200
_SIZES_AT_ONCE = 5000
_LAST = Place("9999")
"""Behind every run."""


def default_keep(settings: Settings) -> Keep:
    """What holds where a workspace says nothing."""
    return Keep(settings.run_keep_days, settings.run_keep_count, settings.run_keep_megabytes * BYTES_OF_MEGABYTE)


def keep_of(db: Reader, settings: Settings, workspace_id: str) -> Keep:
    """What holds for a workspace."""
    own, default = queries.find_retention(db, workspace_id), default_keep(settings)
    return Keep(
        days=default.days if own.keep_days is None else own.keep_days,
        runs=default.runs if own.keep_runs is None else own.keep_runs,
        bytes=default.bytes if own.keep_bytes is None else own.keep_bytes,
    )


def plan(db: Reader, settings: Settings, workspace_id: str, now: str) -> Plan:
    """How many runs of a workspace would go now, and their bytes, by reason; changes nothing."""
    bounds = _bounds(db, keep_of(db, settings, workspace_id), workspace_id, now)
    if not bounds:
        return {}
    nothing = Place()
    aged, counted = bounds.get(Reason.AGE, nothing), bounds.get(Reason.COUNT, nothing)
    return queries.sum_shares(db, workspace_id, max(bounds.values()), aged, counted)


def prune_some(db: Database, settings: Settings, now: str) -> int:
    """Forgets runs for about a second, of all workspaces in turn, and gives disk back; how many are gone.

    For whoever keeps house beside other duties: called every minute or so it keeps up, and what it leaves is for the
    next time. Raises Busy when others wrote too long; what was forgotten until then stays forgotten.
    """
    deadline = clock.monotonic() + _SECONDS_A_CALL
    pruned = prune(db, settings, now, seconds=_SECONDS_A_CALL)
    for _ in give_back_space(db):
        if clock.monotonic() >= deadline:
            break
    return pruned.number


def prune(
    db: Database, settings: Settings, now: str, *, seconds: float, workspace_ids: list[str] | None = None
) -> Pruned:
    """One pass: forgets runs of the workspaces (of all), batch by batch in turn, until the time is over or all is done.

    Each transaction is small, and each workspace is told of the pass by one event. Runs that somebody has begun to
    forget go first, whatever their workspace.
    """
    deadline = clock.monotonic() + seconds
    gone: dict[str, int] = {}
    more = False
    try:
        for candidates in _rounds(db, settings, now, workspace_ids):
            for batch in forget(db, candidates):
                for run in batch:
                    gone[run.workspace_id] = gone.get(run.workspace_id, 0) + 1
                more = clock.monotonic() >= deadline
                if more:
                    break
            if more:
                break
    finally:
        _tell(db, gone)
    return Pruned(gone, more)


def set_retention(tx: Transaction, workspace_id: str, retention: Retention) -> None:
    """Notes what a workspace says of its runs from now on; whoever calls tells of it."""
    queries.set_retention(tx, workspace_id, retention, clock.now_text())


def list_workspaces(db: Reader, slug: str | None = None) -> dict[str, str]:
    """The slugs of all workspaces, or of one, by id; raises NotFound."""
    if slug is not None:
        return {get_workspace_by_slug(db, slug).id: slug}
    return {row["id"]: row["slug"] for row in queries.list_workspaces(db)}


def find_retention(db: Reader, workspace_id: str) -> Retention:
    """What a workspace says of its runs."""
    return queries.find_retention(db, workspace_id)


def _rounds(db: Database, settings: Settings, now: str, workspace_ids: list[str] | None) -> Iterator[list[Candidate]]:
    """What goes: first what has begun to, then some of each workspace in turn, the oldest first."""
    while begun := queries.list_begun(db, _AT_ONCE):
        yield begun
    chosen = [row["id"] for row in queries.list_workspaces(db)] if workspace_ids is None else workspace_ids
    bounds = {
        workspace_id: found
        for workspace_id in _from_another_each_second(chosen, now)
        if (found := _bounds(db, keep_of(db, settings, workspace_id), workspace_id, now))
    }
    after = dict.fromkeys(bounds, Place())
    while bounds:
        for workspace_id, found in list(bounds.items()):
            up_to = max(found.values())
            candidates = queries.list_candidates(db, workspace_id, up_to, after[workspace_id], _AT_ONCE)
            if not candidates:
                del bounds[workspace_id]
                continue
            after[workspace_id] = candidates[-1].place
            yield candidates


def _from_another_each_second(ids: list[str], now: str) -> list[str]:
    """The same in another order each time, so that none is always the last when time is short."""
    first = int(clock.parse(now).timestamp()) % len(ids) if ids else 0
    return ids[first:] + ids[:first]


def _bounds(db: Reader, keep: Keep, workspace_id: str, now: str) -> Bounds:
    """The newest run that goes by each limit; all before it go by that limit, too.

    Limits count from the newest run, so that two who prune at once come to the same, and neither takes too much.
    """
    found: dict[Reason, Place | None] = {}
    if keep.days:
        found[Reason.AGE] = Place(clock.after_text(now, -keep.days * _SECONDS_A_DAY))
    if keep.runs:
        found[Reason.COUNT] = queries.find_first_over_count(db, workspace_id, keep.runs)
    bounds = {reason: place for reason, place in found.items() if place is not None}
    if keep.bytes:
        large = _first_over_bytes(db, workspace_id, keep.bytes, max(bounds.values(), default=Place()))
        bounds.update({Reason.BYTES: large} if large is not None else {})
    return bounds


def _first_over_bytes(db: Reader, workspace_id: str, keep: int, going: Place) -> Place | None:
    """The newest run that holds, with all newer ones, too much; None when that is none behind what goes anyhow."""
    if queries.sum_bytes(db, workspace_id) <= keep:
        return None
    place, held = _LAST, 0
    while place > going and (rows := queries.list_sizes(db, workspace_id, place, _SIZES_AT_ONCE)):
        for row in rows:
            held += row["bytes"]
            if held > keep:
                found = Place(row["finished_at"], row["id"])
                return found if found > going else None
        place = Place(rows[-1]["finished_at"], rows[-1]["id"])
    return None


def _tell(db: Database, gone: dict[str, int]) -> None:
    if not gone:
        return
    with db.transaction() as tx:
        for workspace_id, number in gone.items():
            append(tx, EventType.RUN_PRUNED, workspace_id, workspace_id=workspace_id, data={"number": number})
