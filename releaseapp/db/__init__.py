"""The door to SQL; see :mod:`releaseapp.db.api` for what may be asked of it."""

from pathlib import Path
from typing import Literal

from releaseapp.db.api import Database


def connect(
    target: str | Path, *, synchronous: Literal["FULL", "NORMAL"] = "FULL", busy_timeout: float = 5.0
) -> Database:
    """Opens the database that ``target`` names, a path for SQLite."""
    from releaseapp.db.sqlite import SqliteDatabase  # noqa: PLC0415 - an engine is loaded when it is asked for

    return SqliteDatabase(Path(target), synchronous=synchronous, busy_timeout=busy_timeout)
