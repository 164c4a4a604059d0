"""The steps that build the schema, one module each, applied in the order of their names.

A module is called ``m0002_what_it_brings`` and holds ``STATEMENTS``, a list of SQL statements that
run in one transaction. They are written for SQLite and read by PostgreSQL through the words of
:mod:`releaseapp.db.ledger`; ``{identity}`` stands for a key that grows by itself. A migration only
adds, so that the version before it still runs on the new schema, and is never changed once released.
"""

import hashlib
import importlib
import pkgutil
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Migration:
    """One step: a name that orders it, and its statements."""

    name: str
    statements: Sequence[str]

    @property
    def checksum(self) -> str:
        """Changes with the statements, but not with how they are laid out."""
        plain = [" ".join(statement.split()) for statement in self.statements]
        return hashlib.sha256("\n".join(plain).encode()).hexdigest()


def known_migrations() -> list[Migration]:
    """Every migration of this version, in order."""
    names = sorted(info.name for info in pkgutil.iter_modules(__path__))
    return [Migration(name, importlib.import_module(f"{__name__}.{name}").STATEMENTS) for name in names]
