"""Which version of the product serves the data; commands of another one may lie beside it."""

import releaseapp
from releaseapp.db.api import Database, Reader
from releaseapp.db.catalog import tables_of
from releaseapp.db.state import find_state, set_state

_STATE = "version"


def note_version(db: Database) -> None:
    """Notes that this version serves from now on."""
    if find_state(db, _STATE) != releaseapp.__version__:
        with db.transaction() as tx:
            set_state(tx, _STATE, releaseapp.__version__)


def served_version(db: Reader, engine: str) -> str | None:
    """The version that serves, or served last; None where none has noted it. The schema may be an older one."""
    return find_state(db, _STATE) if "server_state" in tables_of(db, engine) else None
