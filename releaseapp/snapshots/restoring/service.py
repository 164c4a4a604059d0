"""Putting snapshots back while the server runs: what it would cost, doing it, undoing it, and trying it every night."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from releaseapp import clock
from releaseapp.credentials.service import unreadable
from releaseapp.db.api import Database, Transaction
from releaseapp.db.catalog import tables_of
from releaseapp.db.migrate import verify
from releaseapp.db.migrations import known_migrations
from releaseapp.errors import Conflict, NotFound
from releaseapp.operations.queries import set_beat
from releaseapp.operations.service import Report
from releaseapp.snapshots.models import Damaged, Manifest, NoSecret, NotWhole, Reason, Unpacked
from releaseapp.snapshots.restoring import queries
from releaseapp.snapshots.restoring.aside import bring_forward, is_whole, newer_cure, newer_sentence, opened_aside
from releaseapp.snapshots.restoring.models import Loss, Restored
from releaseapp.snapshots.restoring.preview import Side, Subject, compare, workflows_at
from releaseapp.snapshots.restoring.putting import Outcome, Past, newest_before, put_back
from releaseapp.snapshots.service import (
    Snapshots,
    find_snapshot,
    make_snapshot,
    newest_snapshot,
    opened,
    opened_whole,
)
from releaseapp.snapshots.shelf import mark_verified

JOURNAL = "m0005_operations"
"""The migration that brought the journal of operations: an older schema has nowhere to write one."""


def preview(s: Snapshots, name: str) -> Loss:
    """What putting it back would cost; raises NotFound, Damaged when it is not what its manifest says.

    One that is newer than this version is told of as not possible; of another engine, it raises Conflict.
    """
    _refuse_other_engine(s, find_snapshot(s, name).manifest)
    with opened(s, name) as unpacked, opened_aside(unpacked.database, s.settings) as past:
        manifest = unpacked.manifest
        then = Side(past, workflows_at(unpacked.workflows))
        return compare(Subject(name, manifest.made_at, manifest.app_version), then, Side(s.db, s.file.read()))


def restore(s: Snapshots, name: str, actor: str | None, report: Report, *, keep_schema: bool = False) -> Restored:
    """Puts a snapshot back: verified first, a snapshot of now taken, then database and workflow file in one go.

    ``keep_schema`` leaves an older schema as it is, for the older version that is started next. Nothing has changed
    when it raises: NotFound, Damaged for a snapshot that is not whole, Conflict for one that is newer than this
    version, Busy when the turn to write does not come or the disk takes no more.
    """
    began = clock.monotonic()
    manifest = find_snapshot(s, name).manifest
    _refuse_what_does_not_fit(s, manifest)
    report.tell(f"Snapshot {name} is verified.", 0.05)
    with _opened_to_put_back(s, name) as (unpacked, past):
        report.tell("The snapshot is made ready aside.", 0.3)
        migrated = bring_forward(past, manifest.app_version, keep_schema=keep_schema)
        workflows = workflows_at(unpacked.workflows)
        report.tell("A snapshot of now is taken.", 0.45)
        before = make_snapshot(s, Reason.RESTORE, actor, note=f"Before {name} was put back").manifest.name
        report.tell(f"It is put back; what it replaces is snapshot {before}.", 0.75)
        told = Past(name, manifest.made_at, before, actor, past, workflows, keep_schema)
        outcome = put_back(s.db, s.file, told, lambda tx: _beat(tx, report))
    return _restored(manifest, before, clock.monotonic() - began, outcome, migrated)


@contextmanager
def _opened_to_put_back(s: Snapshots, name: str) -> Iterator[tuple[Unpacked, Database]]:
    try:
        with opened_whole(s, name) as found:
            yield found
    except NotWhole as error:
        raise Damaged(f"Snapshot {name} is not put back, for it is not whole: {error}") from error


def undo(s: Snapshots, actor: str | None, report: Report) -> Restored:
    """Puts back what the newest restore replaced; that is a restore, too, and can be undone in turn.

    Raises Conflict when nothing was put back yet, NotFound when that snapshot was deleted, and as :func:`restore`.
    """
    return restore(s, before_newest(s), actor, report)


def before_newest(s: Snapshots) -> str:
    """The snapshot that :func:`undo` would put back; raises as it does."""
    name = newest_before(s.db)
    try:
        find_snapshot(s, name)
    except NotFound as error:
        raise NotFound(f"The snapshot {name}, which the newest restore replaced, is not kept any more.") from error
    return name


def drill(s: Snapshots, actor: str | None, report: Report, name: str | None = None) -> dict[str, Any]:
    """Puts the newest snapshot (or the one of that name) back aside, and looks at it; returns what was found.

    Nothing of it is started and nothing of the server is touched. Raises NotFound when there is no snapshot, Damaged
    with every fault, and what :func:`restore` raises.
    """
    del actor
    began = clock.monotonic()
    name = name or newest_snapshot(s)
    report.tell(f"Snapshot {name} is opened aside.", 0.1)
    try:
        with opened(s, name) as unpacked, opened_aside(unpacked.database, s.settings) as past:
            _refuse_what_does_not_fit(s, unpacked.manifest)
            report.tell("It is looked at, and brought to the present schema.", 0.5)
            found = _look(s, unpacked, past)
            made_at = unpacked.manifest.made_at
    except NoSecret:
        raise
    except Damaged:
        # Else it would be kept as the newest that is whole, and those that are would go.
        mark_verified(s.settings, name, whole=False)
        raise
    mark_verified(s.settings, name, whole=True)
    return {"snapshot": name, "made_at": made_at, "seconds": _rounded(began), **found}


def drill_sentence(result: dict[str, Any]) -> str:
    """How a drill went, for people."""
    counts = result["counts"]
    return (
        f"Snapshot {result['snapshot']} of {result['made_at']} can be put back: {result['workflows']:,} workflows,"
        f" {counts.get('agents', 0):,} agents, {counts.get('runs', 0):,} runs, {result['credentials']:,} credentials"
        f" that open. It took {result['seconds']:.1f} s."
    )


def _look(s: Snapshots, unpacked: Unpacked, past: Any) -> dict[str, Any]:
    manifest = unpacked.manifest
    faults = [] if is_whole(past, past.engine) else ["SQLite finds its pages damaged."]
    there = tables_of(past, past.engine)
    counts = {table: queries.count_rows(past, table) for table in sorted(there.keys() & manifest.counts.keys())}
    faults += [
        f"{table} has {counts.get(table, 0):,} rows where the manifest says {number:,}."
        for table, number in sorted(manifest.counts.items())
        if counts.get(table, 0) != number
    ]
    migrated = bring_forward(past, manifest.app_version, keep_schema=False)
    faults += verify(past)
    closed = unreadable(past, s.vault)
    faults += [f"{len(closed):,} credentials do not open with the present secrets."] if closed else []
    workflows = workflows_at(unpacked.workflows)
    if faults:
        raise Damaged(f"Snapshot {manifest.name} cannot be put back as it is: {' '.join(faults)}")
    return {
        "migrated": migrated,
        "counts": counts,
        "credentials": counts.get("credentials", 0),
        "workflows": len(workflows.workflows),
    }


def _refuse_what_does_not_fit(s: Snapshots, manifest: Manifest) -> None:
    _refuse_other_engine(s, manifest)
    known = {migration.name for migration in known_migrations()}
    newer = [name for name in manifest.migrations if name not in known]
    if newer:
        raise Conflict(f"{newer_sentence(manifest.app_version, newer)} {newer_cure(manifest.app_version)}")


def _refuse_other_engine(s: Snapshots, manifest: Manifest) -> None:
    if manifest.engine != s.db.engine:
        raise Conflict(
            f"Snapshot {manifest.name} was made on {manifest.engine}, and this server keeps its data in {s.db.engine}."
            " Put it back on a server with that engine."
        )


def _beat(tx: Transaction, report: Report) -> None:
    """The journal has waited, too: nobody shall take this for dead when the turn to write is free again."""
    set_beat(tx, report.operation.id, clock.now_text())


def _restored(manifest: Manifest, before: str, seconds: float, outcome: Outcome, migrated: list[str]) -> Restored:
    return Restored(
        snapshot=manifest.name,
        before=before,
        seconds=round(seconds, 3),
        seconds_writes_waited=round(outcome.seconds_writes_waited, 3),
        runs_marked=outcome.marked.runs,
        tasks_marked=outcome.marked.tasks,
        approvals_withdrawn=outcome.marked.approvals,
        migrated=migrated,
        app_version=manifest.app_version,
    )


def _rounded(began: float) -> float:
    return round(clock.monotonic() - began, 3)
