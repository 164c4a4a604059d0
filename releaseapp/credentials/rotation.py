"""Seals everything anew under the first key, a batch at a time, beside whatever else goes on."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeVar

import msgspec

from releaseapp import clock
from releaseapp.credentials import queries
from releaseapp.credentials.models import Sealed, VaultLocked
from releaseapp.credentials.vault import Vault, no_key
from releaseapp.db.api import Database, Transaction
from releaseapp.errors import Busy
from releaseapp.events.models import EventType
from releaseapp.events.service import append

BATCH = 100
# One who writes all the time may keep the turn for longer than one wait.
_PATIENCE_SECONDS = 300.0


T = TypeVar("T")


class Skipped(msgspec.Struct, frozen=True):
    """A credential that could not be opened, and so stays as it is."""

    id: str
    workspace_id: str
    name: str


class Rotation(msgspec.Struct, frozen=True):
    """What a rotation has done so far: how many it sealed anew, of how many, and what it could not open."""

    key_id: str
    rotated: int
    total: int
    skipped: tuple[Skipped, ...]


def rotate(db: Database, vault: Vault, progress: Callable[[Rotation], None] = lambda _so_far: None) -> Rotation:
    """Seals every credential that is under another key under the first; ``progress`` hears of each batch.

    A batch is a transaction with its events. Killed at any moment it goes on,
    when started again, with what is left. Raises VaultLocked without a key.
    """
    key_id = vault.key_id
    if key_id is None:
        raise VaultLocked(no_key())
    counts = queries.count_by_key(db)
    total = sum(number for other, number in counts.items() if other != key_id)
    so_far = Rotation(key_id, 0, total, ())
    for other in sorted(set(counts) - {key_id}):
        for done, skipped in _batches(db, vault, other):
            so_far = msgspec.structs.replace(so_far, rotated=so_far.rotated + done, skipped=(*so_far.skipped, *skipped))
            progress(so_far)
    _patiently(partial(_settle, db, key_id))
    return so_far


def _batches(db: Database, vault: Vault, other: str) -> Iterator[tuple[int, list[Skipped]]]:
    """Deals with what one key sealed; gives how many were sealed anew, and what was skipped, batch by batch."""
    after = ""
    while True:
        done, skipped, last = _patiently(partial(_batch, db, vault, other, after))
        if last is None:
            return
        after = last
        yield done, skipped


def _batch(db: Database, vault: Vault, other: str, after: str) -> tuple[int, list[Skipped], str | None]:
    by_workspace: dict[str, int] = {}
    skipped = []
    with db.transaction() as tx:
        found = queries.list_sealed_under(tx, other, after, BATCH)
        for sealed in found:
            credential = sealed.state.credential
            if _seal_anew(tx, vault, sealed):
                by_workspace[credential.workspace_id] = by_workspace.get(credential.workspace_id, 0) + 1
            else:
                skipped.append(Skipped(credential.id, credential.workspace_id, credential.name))
        for workspace_id, number in by_workspace.items():
            data = {"number": number, "from": other, "to": vault.key_id}
            append(tx, EventType.CREDENTIAL_ROTATED, workspace_id, workspace_id=workspace_id, data=data)
    return sum(by_workspace.values()), skipped, found[-1].state.credential.id if found else None


def _seal_anew(tx: Transaction, vault: Vault, sealed: Sealed) -> bool:
    credential = sealed.state.credential
    assert vault.key_id is not None
    try:
        packed = vault.open(sealed.sealed, credential.workspace_id, credential.id)
    except VaultLocked:
        return False
    queries.seal_anew(tx, credential.id, vault.key_id, vault.seal(packed, credential.workspace_id, credential.id))
    return True


def _settle(db: Database, key_id: str) -> None:
    with db.transaction() as tx:
        queries.note_key(tx, key_id, clock.now_text())
        queries.retire_keys(tx, key_id, clock.now_text())


def _patiently(call: Callable[[], T]) -> T:
    deadline = clock.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return call()
        except Busy:
            if clock.monotonic() >= deadline:
                raise
