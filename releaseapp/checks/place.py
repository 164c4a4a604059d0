"""Where checks look."""

from pathlib import Path
from typing import Any

import msgspec

from releaseapp.credentials.vault import Vault
from releaseapp.db.api import Database
from releaseapp.settings import Settings
from releaseapp.snapshots.service import Snapshots
from releaseapp.workflows.file import WorkflowFile


class Place(msgspec.Struct, frozen=True):
    """A server: its settings, and what it keeps."""

    settings: Settings
    db: Database
    file: WorkflowFile
    vault: Vault

    @property
    def database_file(self) -> Path | None:
        """The file of SQLite; None for PostgreSQL."""
        return None if self.settings.on_postgres else Path(self.settings.agent_db_path).absolute()

    @property
    def snapshots(self) -> Snapshots:
        """What the snapshots of the server are looked at with."""
        return Snapshots(self.db, self.file, self.settings, self.vault)

    def decoded(self, definition: bytes) -> Any:
        """A definition as it is checked."""
        return msgspec.json.decode(definition)
