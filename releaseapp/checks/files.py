"""Checks of the data: the files, the disks under them, the schema, what is stored."""

import os
import shutil
import tempfile
from contextlib import closing
from pathlib import Path

from filelock import FileLock, Timeout

from releaseapp.agents.service import find_agent
from releaseapp.checks.models import Found
from releaseapp.checks.place import Place
from releaseapp.credentials.service import unreadable
from releaseapp.db.migrate import migrate, pending, verify
from releaseapp.db.moment import SqliteMoment, moment_of
from releaseapp.db.sqlite import SqliteDatabase
from releaseapp.errors import AppError
from releaseapp.numbers import many
from releaseapp.workflows.definition import check as faults_of_definition
from releaseapp.workflows.service import known_revision

_SPARE_TIMES = 2
_LEAST_SPARE_BYTES = 200_000_000
_LOCK_SECONDS = 2.0


def folder_is_writable(place: Place) -> Found:
    """A file can be made where the data is, and where snapshots are."""
    snapshots = _nearest(place.settings.snapshots)
    folders = {place.settings.data_folder, Path(place.settings.workflow_store_path).absolute().parent, snapshots}
    for folder in sorted(folders):
        try:
            with tempfile.TemporaryFile(dir=folder) as file:
                file.write(b"1")
        except OSError as error:
            return Found(
                ok=False,
                sentence=f"Nothing can be written to {folder}: {error.strerror}.",
                cure="Give the folder to the account that the server runs as, or mount its volume for writing.",
            )
    return Found(ok=True, sentence=f"{', '.join(map(str, sorted(folders)))} can be written to.")


def disk_has_room(place: Place) -> Found:
    """There is room for what a snapshot and a migration need."""
    data = sum(path.stat().st_size for path in _data_files(place) if path.is_file())
    needed = max(_SPARE_TIMES * data, _LEAST_SPARE_BYTES)
    folders = (place.settings.data_folder, _nearest(place.settings.snapshots))
    free, folder = min((shutil.disk_usage(folder).free, folder) for folder in folders)
    return Found(
        ok=free >= needed,
        sentence=f"{free / 1e9:,.1f} GB are free at {folder}; the data takes {data / 1e6:,.1f} MB.",
        cure="" if free >= needed else f"Make room: a snapshot and a migration need up to {needed / 1e6:,.0f} MB.",
    )


def _nearest(folder: Path) -> Path:
    """The folder, or what it will be made in when it is not there yet."""
    return next(one for one in (folder.absolute(), *folder.absolute().parents) if one.exists())


def _data_files(place: Place) -> list[Path]:
    """All that holds data; of a young server, nearly everything is in the log of the database."""
    database = place.database_file
    return [place.file.path, *([database, Path(f"{database}-wal")] if database else [])]


def files_are_on_one_disk(place: Place) -> Found:
    """Database and workflow file are on one volume, so that neither is lost without the other."""
    if place.database_file is None:
        return Found(ok=True, sentence="The database is on a server of its own.")
    same = place.database_file.parent.stat().st_dev == place.file.path.parent.stat().st_dev
    return Found(
        ok=same,
        sentence=f"Database and workflow file are on {'one volume' if same else 'two volumes'}.",
        cure="" if same else "Put both on one volume: agent_db_path and workflow_store_path.",
    )


def schema_is_right(place: Place) -> Found:
    """Tables, columns and indexes are those of this version, once what is pending has been applied."""
    waiting = pending(place.db)
    faults = [] if waiting else verify(place.db)
    return Found(
        ok=not faults,
        sentence=" ".join(faults) or f"The schema is this version's{', with migrations to come' if waiting else ''}.",
        cure="Put back a snapshot, or start the version that fits the database." if faults else "",
    )


def migrations_can_be_applied(place: Place) -> Found:
    """What is pending works, tried on a copy."""
    waiting = pending(place.db)
    if not waiting:
        return Found(ok=True, sentence="No migration is pending.")
    if not isinstance(place.db, SqliteDatabase):
        return Found(ok=True, sentence=f"Pending: {', '.join(waiting)}; on PostgreSQL they are not tried beforehand.")
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy.db"
        with moment_of(place.db, "", lambda: None) as moment:
            assert isinstance(moment, SqliteMoment)
            moment.copy_to(copy, lambda _part: None)
        with closing(SqliteDatabase(copy, synchronous="NORMAL")) as tried:
            migrate(tried)
            faults = verify(tried)
    return Found(
        ok=not faults,
        sentence=" ".join(faults) or f"Tried on a copy, and well: {', '.join(waiting)}.",
        cure="Do not start this version on this database; report what it says." if faults else "",
    )


def workflow_file_is_usable(place: Place) -> Found:
    """The workflow file can be read, written and locked, and is not older than the database knows it."""
    fault = place.file.fault
    if fault is None:
        # Asked first: a change reaches the file before its event can be read.
        known = known_revision(place.db)
        try:
            with FileLock(f"{place.file.path}.lock", timeout=_LOCK_SECONDS, thread_local=False):
                document = place.file.read()
        except Timeout:
            fault = f"{place.file.path} has been locked by another process for more than {_LOCK_SECONDS:g} seconds."
        except OSError as error:
            fault = f"{place.file.path}.lock cannot be locked: {error.strerror}."
        else:
            if document.revision >= known:
                return Found(ok=True, sentence=f"It is well, with {many(len(document.workflows), 'workflow')}.")
            fault = f"{place.file.path} has {document.revision:,} changes, and the database knows of {known:,}."
    return Found(ok=False, sentence=fault, cure="Put back the file of the newest snapshot, or mend what it names.")


def workflows_are_valid(place: Place) -> Found:
    """What is published can run here: its definition is valid, and its step types are known."""
    wrong = []
    for workflow in place.file.read().workflows:
        number = workflow.published_version
        version = workflow.version(number) if number is not None and workflow.deleted_at is None else None
        if version is not None:
            faults = faults_of_definition(place.decoded(bytes(version.definition)))
            wrong += [f"{version.name}: {faults[0].detail}"] if faults else []
    return Found(
        ok=not wrong,
        sentence=" ".join(wrong[:5]) or "Every published workflow is valid.",
        cure="Publish a version without these faults, or install the package that brings the type." if wrong else "",
    )


def owners_are_there(place: Place) -> Found:
    """The agents that own workflows exist."""
    lost = [
        one.shown.name
        for one in place.file.read().workflows
        if one.deleted_at is None and one.agent_id and find_agent(place.db, one.workspace_id, one.agent_id) is None
    ]
    return Found(
        ok=not lost,
        sentence=f"The agent that owns {', '.join(lost[:5])} is gone." if lost else "Every owner agent is there.",
        cure="Give them another owner in their settings." if lost else "",
    )


def credentials_open(place: Place) -> Found:
    """Every stored credential decrypts."""
    try:
        closed = unreadable(place.db, place.vault)
    except AppError as error:
        return Found(ok=False, sentence=str(error), cure="Set CREDENTIALS_SECRET to the secret they were made with.")
    return Found(
        ok=not closed,
        sentence=f"{len(closed):,} credentials cannot be opened." if closed else "Every stored credential opens.",
        cure="Set CREDENTIALS_SECRET (or its _PREVIOUS) to the secret they were made with." if closed else "",
    )


def static_files_are_there(place: Place) -> Found:
    """What pages are made of is installed whole."""
    folder = Path(__file__).parent.parent / "static"
    lacking = [name for name in ("app.css", "icons.svg", "js/app.js") if not (folder / name).is_file()]
    del place
    return Found(
        ok=not lacking,
        sentence=f"Missing: {', '.join(lacking)}." if lacking else "Pages have what they are made of.",
        cure="Install the package anew." if lacking else "",
    )


def open_files_are_enough(place: Place) -> Found:
    """The system lets the server open as many files as it may have connections."""
    limit = os.sysconf("SC_OPEN_MAX")
    enough = limit >= place.settings.live_max_connections
    return Found(
        ok=enough,
        sentence=f"{limit:,} files may be open; live_max_connections is {place.settings.live_max_connections:,}.",
        cure="" if enough else "Raise the limit (ulimit -n, LimitNOFILE), or lower live_max_connections.",
    )
