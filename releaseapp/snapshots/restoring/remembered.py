"""What a restore notes for later ones: what it replaced, and which tokens may never be good again."""

from collections.abc import Mapping
from typing import Any

import msgspec

from releaseapp.db.api import Reader, Transaction
from releaseapp.db.state import find_state, set_state

_NEWEST = "restore.newest"
_REVOKED = "restore.revoked_tokens"


def find_newest_restore(db: Reader) -> dict[str, Any] | None:
    """What the newest restore noted: snapshot, before, at, actor."""
    return _read(db, _NEWEST)


def set_newest_restore(tx: Transaction, told: Mapping[str, object]) -> None:
    """Notes what a restore put back, and where that is which it replaced."""
    set_state(tx, _NEWEST, msgspec.json.encode(told).decode())


def find_remembered_tokens(db: Reader) -> dict[str, list[str]]:
    """Tokens that were revoked before restores let their rows vanish: when that was, and when they expire."""
    return _read(db, _REVOKED) or {}


def set_remembered_tokens(tx: Transaction, tokens: Mapping[str, list[str]]) -> None:
    """Remembers them, so that no later restore makes them valid."""
    set_state(tx, _REVOKED, msgspec.json.encode(tokens).decode())


def _read(db: Reader, name: str) -> dict[str, Any] | None:
    value = find_state(db, name)
    return msgspec.json.decode(value) if value is not None else None
