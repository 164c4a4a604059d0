"""Database and workflow file are a pair: a server does not start on one without the other.

Who forgot to mount a volume, or mistyped a path, would otherwise find an empty server, and what people then make in it
would stand against what they have.
"""

from pathlib import Path

from releaseapp.db.api import Database
from releaseapp.errors import NotFound, SettingsError
from releaseapp.numbers import many
from releaseapp.settings import Settings
from releaseapp.workflows.file import WorkflowFile
from releaseapp.workflows.pending import settle
from releaseapp.workflows.service import known_revision
from releaseapp.workspaces.service import get_workspace

_BACK = "Is the volume mounted, and the path right? Else put back the newest snapshot: releaseapp snapshot restore."


def refuse_before_opening(settings: Settings, file: WorkflowFile) -> None:
    """Raises SettingsError where opening the database would make an empty one, and there is something of an older."""
    if _has_database(settings):
        return
    log = Path(f"{settings.agent_db_path}-wal")
    if log.exists() and log.stat().st_size:
        raise SettingsError(f"{log} is there, and the database that it belongs to is not. {_BACK}")
    number = len(file.read().workflows) if file.path.exists() and file.fault is None else 0
    if number:
        raise SettingsError(
            f"There is no database at {settings.agent_db_path}, and {file.path} holds {many(number, 'workflow')}."
            f" {_BACK} To begin anew, move {file.path} away."
        )


def refuse_without_database(settings: Settings) -> None:
    """Raises SettingsError when there is no database, or an empty file: SQLite would make one of it."""
    if not _has_database(settings):
        raise SettingsError(f"There is no database at {settings.agent_db_path}; start the server once, or correct it.")


def refuse_strangers(db: Database, file: WorkflowFile) -> None:
    """Raises SettingsError when the workflows are of another database, or are gone while the database knows of some."""
    # A restore may have died between its commit and the file, which then is in the database.
    settle(db, file)
    document = file.read() if file.path.exists() and file.fault is None else None
    if document is not None and document.workflows:
        if not any(_is_known(db, one) for one in {workflow.workspace_id for workflow in document.workflows}):
            raise SettingsError(
                f"{file.path} holds {many(len(document.workflows), 'workflow')} of workspaces that the database"
                f" does not know: the two do not belong together. {_BACK}"
            )
        return
    is_new = not file.path.exists() or (document is not None and document.revision == 0)
    known = known_revision(db)
    if is_new and known:
        raise SettingsError(
            f"{file.path} is not there, or was just made, and the database knows of {known:,} changes to workflows."
            f' {_BACK} To go on without them, write {{"schema": 1, "revision": {known}, "workflows": []}} to it.'
        )


def _has_database(settings: Settings) -> bool:
    file = Path(settings.agent_db_path)
    return settings.on_postgres or (file.is_file() and file.stat().st_size > 0)


def _is_known(db: Database, workspace_id: str) -> bool:
    try:
        get_workspace(db, workspace_id)
    except NotFound:
        return False
    return True
