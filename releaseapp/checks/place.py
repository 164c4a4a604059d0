"""Where checks look."""

from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from releaseapp import clock
from releaseapp.auth.hygiene import Looked, look
from releaseapp.credentials.vault import Vault
from releaseapp.db.api import Database
from releaseapp.settings import Settings
from releaseapp.snapshots.models import Kept
from releaseapp.snapshots.service import Snapshots, list_snapshots
from releaseapp.workflows.file import WorkflowFile


class Place(msgspec.Struct, frozen=True, dict=True):
    """A server: its settings, and what it keeps; what several checks look at is looked at once."""

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

    @cached_property
    def newest_snapshot(self) -> Kept | None:
        """The newest snapshot, wherever it is kept."""
        return next(iter(list_snapshots(self.snapshots)), None)

    @cached_property
    def passwords(self) -> Looked:
        """What is to be said of the passwords of all open accounts."""
        return look(self.db, self.settings, clock.now_text())

    def decoded(self, definition: bytes) -> Any:
        """A definition as it is checked."""
        return msgspec.json.decode(definition)
