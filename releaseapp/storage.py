"""Opens what the server stands on: database, workflow file, queue; brings them up to date."""

import logging
import os
import sqlite3
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Literal, cast

import msgspec

from releaseapp.agents.service import list_agents
from releaseapp.caretaker import Caretaker
from releaseapp.credentials.models import User, UserKind
from releaseapp.credentials.service import vault_state
from releaseapp.credentials.vault import Vault, open_vault
from releaseapp.db import connect
from releaseapp.db.api import Database
from releaseapp.db.ledger import ledger_of
from releaseapp.db.migrate import migrate, pending
from releaseapp.errors import AppError, SettingsError
from releaseapp.pair import refuse_before_opening, refuse_strangers
from releaseapp.seeds import demo_accounts, demo_lines, seed, seed_workflows
from releaseapp.settings import Settings
from releaseapp.snapshots.models import Reason
from releaseapp.snapshots.service import Snapshots, make_snapshot
from releaseapp.wakeups import Work, open_wakeups
from releaseapp.web.paging import FIRST
from releaseapp.workers import Ground, Workers
from releaseapp.workflows.file import WorkflowFile
from releaseapp.workflows.service import reconcile
from releaseapp.workflows.store import Store

log = logging.getLogger(__name__)

MOST_AGENTS = 10_000
"""Of a workspace, that are asked which credentials they name."""


def open_database(settings: Settings) -> Database:
    """The database of the settings, at the newest schema; makes its folder when there is none.

    Raises SettingsError for a file that is no database, or cannot be written.
    """
    try:
        if not settings.on_postgres:
            path = Path(settings.agent_db_path).absolute()
            path.parent.mkdir(parents=True, exist_ok=True)
            # It holds hashes of passwords; SQLite makes its log like the file itself.
            os.close(os.open(path, os.O_RDONLY | os.O_CREAT, 0o600))
        db = connect(
            settings.agent_db_path,
            synchronous=cast('Literal["FULL", "NORMAL"]', settings.synchronous),
            busy_timeout=settings.busy_timeout_seconds,
        )
        _keep_what_was(db, settings)
        migrate(db)
    except (sqlite3.DatabaseError, OSError) as error:
        raise SettingsError(
            f"{settings.agent_db_path} cannot be used as the database: {error}. It is left as it is. Name another file"
            " in agent_db_path, give it to the account that the server runs as, or put back a snapshot in its place."
        ) from error
    return db


def _keep_what_was(db: Database, settings: Settings) -> None:
    """A snapshot before the schema is changed; raises SettingsError when it cannot be made."""
    waiting = pending(db)
    if not settings.snapshot_before_migrations or not waiting or not ledger_of(db).applied():
        return
    try:
        s = Snapshots(db, open_workflows(settings), settings, open_vault(settings))
        kept = make_snapshot(s, Reason.MIGRATION, None, note=f"Before {', '.join(waiting)}")
    except AppError as error:
        raise SettingsError(
            f"The schema is not changed, for no snapshot could be made before: {error}"
            " Mend that, or set snapshot_before_migrations = false and keep a copy yourself."
        ) from error
    log.info("made the snapshot %s before %s", kept.manifest.name, ", ".join(waiting))


def open_workflows(settings: Settings) -> WorkflowFile:
    """The workflow file of the settings; made when there is none, left alone when it cannot be read."""
    file = WorkflowFile(Path(settings.workflow_store_path))
    _make_workflows(file)
    return file


def _make_workflows(file: WorkflowFile) -> None:
    file.ensure()
    if file.fault is not None:
        log.error("workflows are read-only: %s", file.fault)


def look_into_vault(db: Database, settings: Settings) -> Vault:
    """The vault of the settings; the log says loudly when it does not open what is stored."""
    vault = open_vault(settings)
    state = vault_state(db, vault)
    if state.sentence is not None:
        log.log(logging.INFO if state.takes or not state.counts else logging.ERROR, "credentials: %s", state.sentence)
    return vault


def users_of_credentials(db: Database, file: WorkflowFile, workspace_id: str) -> Iterator[User]:
    """What may name credentials in a workspace: the published version and newest draft of workflows, and agents."""
    for workflow in file.read().workflows:
        if workflow.workspace_id == workspace_id and workflow.deleted_at is None:
            for version in {one.number: one for one in (workflow.shown, workflow.newest_draft) if one}.values():
                yield User(UserKind.WORKFLOW, workflow.id, workflow.shown.name, bytes(version.definition))
    for agent in list_agents(db, workspace_id, FIRST, MOST_AGENTS):
        yield User(UserKind.AGENT, agent.id, agent.name, msgspec.json.encode(agent.runtime))


def open_ground(
    db: Database, settings: Settings, file: WorkflowFile | None = None, vault: Vault | None = None
) -> Ground:
    """What workers stand on; the workflow file and the vault are opened unless they are given."""
    return Ground(
        db=db,
        store=Store(db, file or open_workflows(settings)),
        settings=settings,
        vault=vault or look_into_vault(db, settings),
        task_wakeups=open_wakeups(settings, Work.TASKS),
        run_wakeups=open_wakeups(settings, Work.RUNS),
    )


def includeme(config: Any) -> None:
    """Opens what the settings name, and puts it on the registry."""
    open_stores(config.registry)


def open_stores(registry: Any) -> None:
    """Puts ``db``, ``workflow_file``, ``vault``, ``queue``, ``worker`` and the like on the registry, where requests
    find them; what the registry's settings name is opened, and brought up to date.

    Raises SettingsError, with a sentence and a cure, rather than serve half of the data.
    """
    settings: Settings = registry.app_settings
    # Read once, and not made before it is known that none is missing.
    file = WorkflowFile(Path(settings.workflow_store_path))
    refuse_before_opening(settings, file)
    registry.db = open_database(settings)
    try:
        refuse_strangers(registry.db, file)
    except SettingsError:
        registry.db.close()
        raise
    _make_workflows(file)
    registry.workflow_file = file
    if settings.seed_demo:
        seed(registry.db, settings)
        registry.demo_accounts = demo_accounts()
        registry.demo_lines = demo_lines()
    registry.vault = look_into_vault(registry.db, settings)
    registry.users_of_credentials = partial(users_of_credentials, registry.db, file)
    ground = open_ground(registry.db, settings, file, registry.vault)
    if ground.store.file.fault is None:
        reconcile(ground.store)
        if settings.seed_demo:
            seed_workflows(ground.store)
    registry.queue = ground.task_wakeups
    registry.wake = ground.task_wakeups.wake
    registry.wake_run = ground.run_wakeups.wake
    registry.snapshots = Snapshots(registry.db, file, settings, registry.vault)
    registry.caretaker = Caretaker(registry.snapshots)
    registry.worker = Workers(ground, registry.metrics.observe_task)
