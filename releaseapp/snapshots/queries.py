"""The statements on what still needs a snapshot."""

from releaseapp.db.api import Reader


def list_snapshots_of_open_releases(db: Reader) -> list[str]:
    """What the releases that are not over would go back to."""
    rows = db.all("SELECT snapshot FROM releases WHERE finished_at IS NULL AND snapshot IS NOT NULL")
    return [row["snapshot"] for row in rows]
