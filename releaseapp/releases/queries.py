"""The statements on releases and their log."""

import msgspec

from releaseapp.db.api import Reader, Row, Transaction
from releaseapp.releases.models import Entry, Release

_COLUMNS = """
    id, status, from_version, to_version, why, actor, who, window_starts_at, window_ends_at, snapshot,
    roles_confirmed_by, roles_confirmed_at, started_at, promoted_at, finished_at
"""


def insert_release(tx: Transaction, release: Release) -> None:
    """Adds a release."""
    tx.run(
        """
        INSERT INTO releases (id, status, from_version, to_version, why, actor, who, window_starts_at, window_ends_at,
                              snapshot, roles, roles_confirmed_by, roles_confirmed_at, started_at, promoted_at,
                              finished_at)
        VALUES (:id, :status, :from_version, :to_version, :why, :actor, :who, :window_starts_at, :window_ends_at,
                :snapshot, :roles, :roles_confirmed_by, :roles_confirmed_at, :started_at, :promoted_at, :finished_at)
        """,
        **_values(release),
    )


def update_release(tx: Transaction, release: Release) -> None:
    """Writes what may change of a release."""
    values = _values(release)
    names = ("id", "status", "snapshot", "roles", "roles_confirmed_by", "roles_confirmed_at", "started_at",
             "promoted_at", "finished_at")  # fmt: skip
    tx.run(
        """
        UPDATE releases SET status = :status, snapshot = :snapshot, roles = :roles,
                            roles_confirmed_by = :roles_confirmed_by, roles_confirmed_at = :roles_confirmed_at,
                            started_at = :started_at, promoted_at = :promoted_at, finished_at = :finished_at
        WHERE id = :id
        """,
        **{name: values[name] for name in names},
    )


def find_open(db: Reader) -> Release | None:
    """The release that is not over; there is one at most."""
    row = db.first("SELECT * FROM releases WHERE finished_at IS NULL ORDER BY id DESC LIMIT 1")
    return _release(row) if row else None


def find_release(db: Reader, release_id: str) -> Release | None:
    """One release."""
    row = db.first("SELECT * FROM releases WHERE id = :id", id=release_id)
    return _release(row) if row else None


def find_newest(db: Reader) -> Release | None:
    """The release that was begun last."""
    row = db.first("SELECT * FROM releases ORDER BY id DESC LIMIT 1")
    return _release(row) if row else None


def list_releases(db: Reader, before: str, limit: int) -> list[Release]:
    """Those before an id, newest first, without their role matrices."""
    rows = db.all(
        f"SELECT {_COLUMNS}, '{{}}' AS roles FROM releases WHERE id < :before ORDER BY id DESC LIMIT :limit",
        before=before,
        limit=limit,
    )
    return [_release(row) for row in rows]


def insert_entry(tx: Transaction, entry: Entry) -> None:
    """Adds a line to the log of a release; the database gives its number."""
    tx.run(
        """
        INSERT INTO release_entries (release_id, at, actor, who, kind, sentence, data)
        VALUES (:release_id, :at, :actor, :who, :kind, :sentence, :data)
        """,
        release_id=entry.release_id,
        at=entry.at,
        actor=entry.actor,
        who=entry.who,
        kind=entry.kind.value,
        sentence=entry.sentence,
        data=msgspec.json.encode(entry.data).decode(),
    )


def list_entries(db: Reader, release_id: str, after: int) -> list[Entry]:
    """The lines after a number, in order."""
    rows = db.all(
        "SELECT * FROM release_entries WHERE release_id = :release_id AND id > :after ORDER BY id",
        release_id=release_id,
        after=after,
    )
    return [_entry(row) for row in rows]


def newest_entry(db: Reader, release_id: str) -> Entry | None:
    """The last line."""
    row = db.first(
        "SELECT * FROM release_entries WHERE release_id = :release_id ORDER BY id DESC LIMIT 1", release_id=release_id
    )
    return _entry(row) if row else None


def _release(row: Row) -> Release:
    return msgspec.convert({**row, "roles": msgspec.json.decode(row["roles"])}, Release)


def _entry(row: Row) -> Entry:
    return msgspec.convert({**row, "data": msgspec.json.decode(row["data"])}, Entry)


def _values(release: Release) -> dict[str, object]:
    values = msgspec.to_builtins(release)
    return {**values, "roles": msgspec.json.encode(release.roles).decode()}
