"""The door to SQL; see :mod:`releaseapp.db.api` for what may be asked of it."""

from pathlib import Path
from typing import Literal

from releaseapp.db.api import Database

_POSTGRES_SCHEMES = ("postgresql://", "postgres://")


def connect(
    target: str | Path, *, synchronous: Literal["FULL", "NORMAL"] = "FULL", busy_timeout: float = 5.0
) -> Database:
    """Opens the database that ``target`` names: a ``postgresql://`` address, or a path for SQLite.

    ``synchronous`` is SQLite's: FULL keeps every commit through a power cut, NORMAL may lose the last ones.
    A write waits ``busy_timeout`` seconds for its turn. Raises ModuleNotFoundError when the target is an
    address and the extra ``releaseapp[postgres]`` is not installed.
    """
    # An engine, and its driver, is loaded when it is asked for.
    if isinstance(target, str) and target.startswith(_POSTGRES_SCHEMES):
        from releaseapp.db.postgres import PostgresDatabase  # noqa: PLC0415

        return PostgresDatabase(target, busy_timeout=busy_timeout)
    from releaseapp.db.sqlite import SqliteDatabase  # noqa: PLC0415

    return SqliteDatabase(Path(target), synchronous=synchronous, busy_timeout=busy_timeout)
