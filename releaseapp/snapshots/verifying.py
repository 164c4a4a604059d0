"""Whether a snapshot is whole: opened aside, looked through, every stored secret tried."""

import logging
from collections.abc import Iterator

import msgspec

from releaseapp.credentials.service import unreadable
from releaseapp.credentials.vault import Vault
from releaseapp.db.api import Database, Reader
from releaseapp.db.catalog import tables_of
from releaseapp.db.ledger import ledger_of
from releaseapp.db.migrate import verify
from releaseapp.errors import AppError
from releaseapp.snapshots.models import Unpacked
from releaseapp.snapshots.restoring.aside import is_whole, newer_than_this, older_than_this
from releaseapp.snapshots.restoring.queries import count_rows
from releaseapp.workflows.file import Document

log = logging.getLogger(__name__)


def faults_of(unpacked: Unpacked, past: Database, vault: Vault) -> list[str]:
    """A sentence for each thing that is wrong with what was unpacked, whose database is open as ``past``."""
    try:
        return list(_look_through(unpacked, past, vault))
    except AppError:
        raise
    except Exception as error:
        # Checksums are whoever's wrote the manifest: behind them may be any file, and any tables.
        log.warning("snapshot %s cannot be looked through", unpacked.manifest.name, exc_info=True)
        return [f"Its database cannot be looked through: {type(error).__name__}. The log says more."]


def _look_through(unpacked: Unpacked, past: Database, vault: Vault) -> Iterator[str]:
    manifest = unpacked.manifest
    if not is_whole(past, past.engine):
        yield "SQLite finds its pages damaged."
        return
    if ledger_of(past).applied() != manifest.migrations:
        yield "Its schema is not the one that its manifest names."
    if not newer_than_this(past) and not older_than_this(past):
        yield from verify(past)
    yield from _faults_of_counts(past, past.engine, manifest.counts)
    closed = unreadable(past, vault) if "credentials" in manifest.counts else []
    if closed:
        yield f"{len(closed):,} of its credentials cannot be opened with the secrets of this server."
    try:
        document = msgspec.json.decode(unpacked.workflows.read_bytes(), type=Document)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        yield "Its workflows cannot be read."
        return
    if (document.revision, len(document.workflows)) != (manifest.workflow_revision, manifest.workflows):
        yield "Its workflows are not those that its manifest names."


def _faults_of_counts(past: Reader, engine: str, expected: dict[str, int]) -> Iterator[str]:
    there = tables_of(past, engine)
    for name, number in expected.items():
        found = count_rows(past, name) if name in there else 0
        if found != number:
            yield f"{name} has {found:,} rows where its manifest says {number:,}."
