"""The one statement that workflows need: how far the events have followed the file."""

import msgspec

from releaseapp.db.api import Reader


def last_file_revision(db: Reader) -> int:
    """The revision of the workflow file that the newest event about workflows tells of; 0 without one."""
    row = db.first(
        """
        SELECT data FROM events
        WHERE type LIKE 'workflow.%' OR type LIKE 'version.%' OR type = 'snapshot.restored'
        ORDER BY id DESC LIMIT 1
        """
    )
    return int(msgspec.json.decode(row["data"]).get("revision", 0)) if row else 0
