"""Tries this version on a copy of the data, as people would meet it; the data itself is only read."""

from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from releaseapp.checks.live import visit_people
from releaseapp.checks.models import Check, Found, Outcome, Severity
from releaseapp.checks.person import Account
from releaseapp.checks.place import Place
from releaseapp.checks.service import carry_out
from releaseapp.errors import Busy
from releaseapp.settings import Settings
from releaseapp.snapshots.archive import WORKFLOWS, workshop
from releaseapp.snapshots.taking import take_pair


def probe(place: Place, accounts: Iterable[Account], patience: float = 0.0) -> list[Outcome]:
    """What accounts find where this version serves a copy of the data, with what is pending migrated."""
    with ExitStack() as until_the_end:
        addresses: list[str] = []

        def begin(place: Place) -> Found:
            addresses.append(_serve_copy(place, until_the_end))
            return Found(ok=True, sentence="This version serves a copy of the data, for this check alone.")

        begun = carry_out(Check("aside", "A copy can be served", Severity.ERROR, begin), place)
        return [begun, *(outcome for address in addresses for outcome in visit_people(address, accounts, patience))]


def _serve_copy(place: Place, until_the_end: ExitStack) -> str:
    from releaseapp.server.aside import served_aside  # noqa: PLC0415 - other commands need no server

    folder = until_the_end.enter_context(workshop(place.settings))
    try:
        pair = take_pair(place.db, place.file, place.settings, folder, lambda _part: None)
    except OSError as error:
        raise Busy(f"There is no room for a copy in {folder.parent}: {error.strerror or error}.") from error
    where = str(pair.database)
    if place.settings.on_postgres:
        from releaseapp.db.postgres_aside import database_of_dump  # noqa: PLC0415 - SQLite needs no driver of PostgreSQL

        dumped = database_of_dump(place.settings.agent_db_path, pair.database, place.settings.postgres_tools)
        where = until_the_end.enter_context(dumped).url
    return until_the_end.enter_context(served_aside(_settings_aside(place.settings, where, folder)))


def _settings_aside(settings: Settings, database: str, folder: Path) -> Settings:
    """The same server, but for where its data is, and its address; nothing leads out of it."""
    return replace(
        settings,
        agent_db_path=database,
        workflow_store_path=str(folder / WORKFLOWS),
        task_queue_path=str(folder / "queue.db"),
        snapshot_folder=str(folder / "snapshots"),
        snapshot_before_migrations=False,
        snapshot_s3_url="",
        release_hook_url="",
        public_url="",
        seed_demo=False,
    )
