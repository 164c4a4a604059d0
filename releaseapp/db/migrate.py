"""Brings a database to the schema of this version, and says what is wrong with the one it has."""

from collections.abc import Iterable, Sequence

from releaseapp import clock
from releaseapp.db.api import Database
from releaseapp.db.ledger import Ledger, ledger_of
from releaseapp.db.migrations import Migration, known_migrations
from releaseapp.db.shape import faults, shape_built_by, shape_of
from releaseapp.errors import Busy, SettingsError

# Another process that starts at the same time may be in the middle of a long migration.
_PATIENCE_SECONDS = 600.0


def migrate(db: Database) -> list[str]:
    """Applies what is pending, each migration in a transaction with its record; returns their names.

    Any number of processes may do so at once, and each may be killed at any moment: a migration is
    applied once, and wholly or not at all. Raises SettingsError when a newer version was here.
    """
    return apply(db, known_migrations())


def pending(db: Database) -> list[str]:
    """The names of migrations that the database still lacks."""
    return [migration.name for migration in _lacking(ledger_of(db).applied(), known_migrations())]


def verify(db: Database) -> list[str]:
    """Sentences on what is wrong with the schema; an empty list when it is as this version wants it.

    Looks for migrations that are pending, unknown or changed since, and for tables, columns and
    indexes that the applied ones built and that are gone.
    """
    known = known_migrations()
    ledger = ledger_of(db)
    applied, checksums = ledger.applied(), ledger.checksums()
    here = [migration for migration in known if migration.name in applied]
    changed = [step.name for step in here if checksums.get(step.name, step.checksum) != step.checksum]
    return [
        *(
            f"The migration {name} is not known to this version; a newer one made it."
            for name in _unknown(applied, known)
        ),
        *(f"The migration {step.name} is still to be applied." for step in _lacking(applied, known)),
        *(f"The migration {name} was changed after it had been applied here." for name in changed),
        *faults(shape_built_by(here), shape_of(db)),
    ]


def apply(db: Database, migrations: Sequence[Migration]) -> list[str]:
    """:func:`migrate` with the migrations given."""
    ledger = ledger_of(db)
    applied = ledger.applied()
    _refuse_newer(applied, migrations)
    return [
        migration.name for migration in _lacking(applied, migrations) if _apply_once(db, ledger, migration, migrations)
    ]


def _apply_once(db: Database, ledger: Ledger, migration: Migration, migrations: Sequence[Migration]) -> bool:
    """Applies one migration unless another process has done so; whether this one did."""
    deadline = clock.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            with db.transaction() as tx:
                # Looked up anew, now that nobody else can write.
                applied = ledger.applied()
                _refuse_newer(applied, migrations)
                if migration.name in applied:
                    return False
                ledger.apply(tx, migration)
                return True
        except Busy:
            if clock.monotonic() >= deadline:
                raise


def _lacking(applied: Iterable[str], migrations: Iterable[Migration]) -> list[Migration]:
    there = set(applied)
    return [migration for migration in migrations if migration.name not in there]


def _unknown(applied: Iterable[str], migrations: Iterable[Migration]) -> list[str]:
    known = {migration.name for migration in migrations}
    return [name for name in applied if name not in known]


def _refuse_newer(applied: Iterable[str], migrations: Iterable[Migration]) -> None:
    unknown = _unknown(applied, migrations)
    if unknown:
        raise SettingsError(
            f"The database was brought to {', '.join(unknown)} by a newer version, and this one does not know how to"
            " use it. Start the newer version, or put back a snapshot from before."
        )
