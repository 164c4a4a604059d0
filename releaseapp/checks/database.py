"""Checks of the database: its pages, its log, whether it can be written to."""

import sqlite3
from contextlib import suppress
from pathlib import Path

from releaseapp.checks import queries
from releaseapp.checks.models import Found
from releaseapp.checks.place import Place
from releaseapp.db.api import Database
from releaseapp.errors import Busy
from releaseapp.snapshots.restoring.aside import is_whole

_LEAST_LONG_BYTES = 256_000_000
_LONG_TIMES = 2
"""As much as the data is in the log after a restore, and stays there till it is written over."""
_DAMAGED = "Put back the newest snapshot that is verified: releaseapp snapshot restore."


class _TakenBackError(Exception):
    """Ends a transaction in which nothing was to be kept."""


def database_is_whole(place: Place) -> Found:
    """The engine finds no fault in what it keeps."""
    try:
        whole = is_whole(place.db, place.db.engine)
    except sqlite3.DatabaseError as error:
        return Found(ok=False, sentence=f"SQLite cannot read the database: {error}.", cure=_DAMAGED)
    return Found(
        ok=whole,
        sentence="The database is whole." if whole else "SQLite finds pages of the database damaged.",
        cure="" if whole else _DAMAGED,
    )


def database_takes_writes(place: Place) -> Found:
    """A transaction can begin and write, and is then taken back: nobody keeps the lock of the file for long."""
    try:
        _write_and_take_back(place.db)
    except Busy:
        sentence = f"No turn to write came within {place.settings.busy_timeout_seconds} s: somebody keeps the lock."
        cure = "End what holds the database: a shell of SQLite, a copy that is being made, a process that hangs."
    except sqlite3.OperationalError as error:
        sentence = f"The database cannot be written to: {error}."
        cure = "Give its file to the account that the server runs as, or mount its volume for writing."
    else:
        return Found(ok=True, sentence="Whoever writes gets a turn.")
    return Found(ok=False, sentence=sentence, cure=cure)


def _write_and_take_back(db: Database) -> None:
    with suppress(_TakenBackError), db.transaction() as tx:
        queries.write_nothing(tx)
        raise _TakenBackError


def log_is_short(place: Place) -> Found:
    """SQLite writes to a log beside the file (WAL), and it is brought in before it grows."""
    if place.database_file is None:
        return Found(ok=True, sentence="The database is on a server of its own.")
    mode = queries.journal_mode(place.db)
    if mode != "wal":
        sentence = f"SQLite keeps no log beside the database (its journal_mode is {mode}): reading and writing wait."
        return Found(ok=False, sentence=sentence, cure="Put it on a volume of this machine: not all others allow it.")
    size, log = (_size(Path(f"{place.database_file}{ending}")) for ending in ("", "-wal"))
    short = log <= max(_LONG_TIMES * size, _LEAST_LONG_BYTES)
    return Found(
        ok=short,
        sentence=f"The log of the database (-wal) has {log / 1e6:,.1f} MB.",
        cure="" if short else "Somebody reads without an end, and keeps it from being brought in: end what hangs.",
    )


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
