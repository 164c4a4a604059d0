"""What putting a snapshot back would cost, from a look at both times."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from releaseapp import clock
from releaseapp.db.api import Database, Reader
from releaseapp.db.catalog import tables_of
from releaseapp.snapshots.restoring import queries
from releaseapp.snapshots.restoring.aside import newer_cure, newer_sentence, newer_than_this, older_than_this
from releaseapp.snapshots.restoring.models import Count, Loss
from releaseapp.workflows.file import Document, WorkflowFile

_MOST_NAMED = 5
_NAMED = (("workspaces", "workspaces", "slug"), ("agents", "agents", "name"), ("credentials", "credentials", "name"))
_NUMBERED = (
    ("runs", "runs", "run"),
    ("tasks", "tasks", "tsk"),
    ("memory items", "memory_items", "mem"),
    ("approvals", "approvals", "apr"),
    ("API tokens", "api_tokens", "tok"),
    ("messages in queues", "queue_messages", "msg"),
)


class Side(msgspec.Struct, frozen=True):
    """One of the two times: its database and its workflows."""

    database: Database
    workflows: Document


class Subject(msgspec.Struct, frozen=True):
    """Of which snapshot it is told."""

    name: str
    made_at: str
    app_version: str


def compare(subject: Subject, then: Side, now: Side) -> Loss:
    """Looks at both times; of a snapshot that is newer than this version only what can be said without its schema."""
    newer = newer_than_this(then.database)
    counts = [] if newer else _counts(subject.made_at, then, now)
    older = [] if newer else older_than_this(then.database)
    under_way = (0, 0, 0) if newer else _under_way(then.database)
    running = queries.count_runs_under_way(now.database)
    events = queries.count_events_since(now.database, subject.made_at)
    summary = _summary(subject, counts, events) if not newer else newer_sentence(subject.app_version, newer)
    return Loss(
        snapshot=subject.name,
        made_at=subject.made_at,
        app_version=subject.app_version,
        counts=counts,
        runs_under_way_then=under_way[0],
        tasks_under_way_then=under_way[1],
        approvals_pending_then=under_way[2],
        runs_under_way_now=running,
        events_since=events,
        older=older,
        newer=newer,
        possible=not newer,
        sentence=summary,
        cure=newer_cure(subject.app_version) if newer else "",
        sentences=[summary] if newer else _sentences(summary, counts, under_way, running, older),
    )


def workflows_at(path: Path) -> Document:
    """The workflows of an unpacked snapshot; raises Busy when this version cannot read them."""
    return WorkflowFile(path).read()


def _counts(made_at: str, then: Side, now: Side) -> list[Count]:
    there = tables_of(then.database, then.database.engine)
    counts = [_named("workflows", _workflow_names(then.workflows), _workflow_names(now.workflows))]
    for what, table, column in _NAMED:
        before = queries.names_by_id(then.database, table, column) if table in there else {}
        counts.append(_named(what, before, queries.names_by_id(now.database, table, column)))
    counts.append(_named("members", queries.list_members(then.database), queries.list_members(now.database)))
    for what, table, prefix in _NUMBERED:
        before_count = queries.count_rows(then.database, table) if table in there else 0
        counts.append(_numbered(what, before_count, now.database, (table, prefix, made_at)))
    return counts


def _named(what: str, then: Mapping[str, str], now: Mapping[str, str]) -> Count:
    lost = [now[key] for key in now.keys() - then.keys()]
    back = [then[key] for key in then.keys() - now.keys()]
    return Count(
        what, len(then), len(now), len(lost), len(back), sorted(lost)[:_MOST_NAMED], sorted(back)[:_MOST_NAMED]
    )


def _numbered(what: str, then: int, now: Reader, since: tuple[str, str, str]) -> Count:
    """Counted, for there may be millions: ids sort by the time they were given."""
    table, prefix, made_at = since
    first = clock.first_id_at(prefix, clock.parse(made_at))
    total = queries.count_rows(now, table)
    lost = queries.count_rows(now, table, "id >= :first", first=first)
    return Count(what, then, total, lost, max(0, then - (total - lost)))


def _workflow_names(document: Document) -> dict[str, str]:
    return {one.id: one.shown.name for one in document.workflows if one.deleted_at is None}


def _under_way(then: Database) -> tuple[int, int, int]:
    there = tables_of(then, then.engine)
    return (
        queries.count_runs_under_way(then) if "runs" in there else 0,
        len(queries.list_tasks_under_way(then)),
        len(queries.list_approvals_under_way(then)) if "approvals" in there else 0,
    )


def _summary(subject: Subject, counts: list[Count], events: int) -> str:
    since = clock.to_the_minute(subject.made_at)
    lost = [f"{one.lost:,} {_words(one, one.lost)}" for one in counts if one.lost]
    if lost:
        return f"What was added since {since} is lost: {', '.join(lost)}; and every change since then."
    if events:
        return f"Since {since} nothing was added, but {_so_many(events, 'event')} happened: changes are lost."
    return f"Nothing was added since {since}."


def _words(count: Count, number: int) -> str:
    return count.what[:-1] if number == 1 and count.what.endswith("s") else count.what


def _so_many(number: int, thing: str) -> str:
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def _sentences(
    summary: str, counts: list[Count], then: tuple[int, int, int], running: int, older: list[str]
) -> list[str]:
    runs, tasks, approvals = then
    lost = [_lost(one) for one in counts if one.lost]
    found = (lost or [summary]) + [_back(one) for one in counts if one.back]
    if runs or tasks or approvals:
        waiting = f"{_so_many(runs, 'run')}, {_so_many(tasks, 'task')} and {_so_many(approvals, 'approval')}"
        found.append(f"Under way at the time of the snapshot: {waiting}. They are marked as failed, not started again.")
    if running:
        found.append(f"Under way now: {_so_many(running, 'run')}. They stop; what they did outside is not undone.")
    if older:
        found.append(f"The snapshot is older than this version and is migrated first: {', '.join(older)}.")
    found.append(
        "Stays as it is now: passwords, disabled accounts, ended sessions, revoked tokens, releases and operations."
    )
    return found


def _lost(count: Count) -> str:
    named = f": {_listed(count.names, count.lost)}" if count.names else ""
    return f"Lost: {count.lost:,} {_words(count, count.lost)} added since{named}."


def _back(count: Count) -> str:
    named = f": {_listed(count.names_back, count.back)}" if count.names_back else ""
    return f"Back again: {count.back:,} {_words(count, count.back)} that went since{named}."


def _listed(names: list[str], number: int) -> str:
    more = number - len(names)
    return ", ".join(names) + (f" and {more:,} more" if more > 0 else "")
