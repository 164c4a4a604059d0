"""The role matrix of a snapshot: read from its own database, aside."""

from pathlib import Path

from releaseapp.credentials.vault import open_vault
from releaseapp.db.api import Database
from releaseapp.rolematrix.models import Matrix
from releaseapp.rolematrix.service import matrix_now
from releaseapp.settings import Settings
from releaseapp.snapshots.restoring.aside import opened_aside
from releaseapp.snapshots.service import Snapshots, list_snapshots, opened
from releaseapp.workflows.file import WorkflowFile


def snapshots_at(db: Database, settings: Settings) -> Snapshots:
    """What the snapshots of a server are looked into with; nothing is made or changed."""
    return Snapshots(db, WorkflowFile(Path(settings.workflow_store_path)), settings, open_vault(settings))


def newest_name(snapshots: Snapshots) -> str | None:
    """The newest snapshot; None when there is none."""
    kept = list_snapshots(snapshots)
    return kept[0].manifest.name if kept else None


def matrix_of_snapshot(snapshots: Snapshots, name: str) -> Matrix:
    """Who belonged where when it was made; without routes, which a snapshot has not.

    Raises NotFound, or Damaged when it is not what its manifest says.
    """
    with opened(snapshots, name) as unpacked, opened_aside(unpacked.database, snapshots.settings) as past:
        matrix = matrix_now(past, [])
    return {part: matrix[part] for part in ("operators", "workspaces")}
