"""What a workspace says of its runs, and what it and its workflows say of how many may be at work at once."""

import msgspec
from msgspec import UNSET

from releaseapp import clock
from releaseapp.db.api import Reader, Transaction
from releaseapp.events.models import EventType
from releaseapp.events.service import append
from releaseapp.runs.limits import queries
from releaseapp.runs.limits.models import RunSettings
from releaseapp.runs.limits.schemas import SettingsChange
from releaseapp.runs.machine import queries as machine
from releaseapp.runs.machine.kit import ANY, Runs
from releaseapp.runs.retention import service as retention
from releaseapp.runs.retention.models import BYTES_OF_MEGABYTE, Retention
from releaseapp.settings import Settings
from releaseapp.workflows.models import Workflow
from releaseapp.workspaces.service import get_workspace

_MOST_LET_GO = 1000


def find_limit(db: Reader, scope: str) -> int | None:
    """What a workspace or a workflow says itself; None when it says nothing."""
    return queries.find_limit(db, scope)


def settings_of(db: Reader, workspace_id: str) -> RunSettings:
    """What a workspace says of its runs."""
    own = retention.find_retention(db, workspace_id)
    return RunSettings(
        keep_days=own.keep_days,
        keep_runs=own.keep_runs,
        keep_megabytes=None if own.keep_bytes is None else own.keep_bytes // BYTES_OF_MEGABYTE,
        runs_at_once=queries.find_limit(db, workspace_id),
    )


def defaults(settings: Settings) -> RunSettings:
    """What holds where a workspace says nothing."""
    return RunSettings(
        keep_days=settings.run_keep_days,
        keep_runs=settings.run_keep_count,
        keep_megabytes=settings.run_keep_megabytes,
        runs_at_once=settings.runs_at_once_per_workspace,
    )


def change_settings(runs: Runs, workspace_id: str, change: SettingsChange, *, actor: str | None) -> RunSettings:
    """Changes what was given and nothing else; raises NotFound. Nothing is written when nothing would be another."""
    with runs.db.transaction() as tx:
        name = get_workspace(tx, workspace_id).name
        before = settings_of(tx, workspace_id)
        given = {field: value for field, value in msgspec.structs.asdict(change).items() if value is not UNSET}
        after = msgspec.structs.replace(before, **given)
        if after == before:
            return before
        retention.set_retention(tx, workspace_id, _retention(after))
        if after.runs_at_once != before.runs_at_once:
            _set_limit(tx, runs, workspace_id, after.runs_at_once)
        data = {"name": name, "before": before, "after": after}
        append(tx, EventType.WORKSPACE_UPDATED, workspace_id, workspace_id=workspace_id, actor=actor, data=data)
    return after


def limit_workflow(runs: Runs, workflow: Workflow, at_once: int | None, *, actor: str | None) -> None:
    """Says how many runs of a workflow may be at work at once; None is the server's default, 0 no limit."""
    with runs.db.transaction() as tx:
        before = queries.find_limit(tx, workflow.id)
        if before == at_once:
            return
        _set_limit(tx, runs, workflow.id, at_once)
        data = {
            "name": workflow.shown.name,
            "action": "limited",
            "version": None,
            # The newest event about workflows says which state of their file is known.
            "revision": runs.store.file.read().revision,
            "before": before,
            "after": at_once,
        }
        home = workflow.workspace_id
        append(tx, EventType.WORKFLOW_UPDATED, workflow.id, workspace_id=home, actor=actor, data=data)


def _set_limit(tx: Transaction, runs: Runs, scope: str, at_once: int | None) -> None:
    if at_once is None:
        queries.delete_limit(tx, scope)
    else:
        queries.set_limit(tx, scope, at_once, clock.now_text())
    # Those that the former limit held back try again; whatever the new one does not let through is held anew.
    if machine.let_go(tx, scope, at_once or _MOST_LET_GO):
        tx.after_commit(lambda: runs.wake(ANY))


def _retention(said: RunSettings) -> Retention:
    megabytes = said.keep_megabytes
    return Retention(said.keep_days, said.keep_runs, None if megabytes is None else megabytes * BYTES_OF_MEGABYTE)
