"""The secrets that a server works with: which are set, since when they are these, and that a change of one is told.

Nothing is kept of a secret but a fingerprint. Secrets are long and random (the settings refuse others in production),
so a plain SHA-256 of one tells nothing of it. That of credentials goes by the fingerprint of the key that the vault
makes of it, so that everybody speaks of it by one name.
"""

import hashlib
from typing import Literal

import msgspec

from releaseapp import clock
from releaseapp.credentials.vault import key_id_of
from releaseapp.db.api import Database, Reader
from releaseapp.db.state import find_state, set_state
from releaseapp.events.models import EventType
from releaseapp.events.service import append
from releaseapp.settings import Settings

SecretName = Literal["jwt_secret", "credentials_secret", "snapshot_secret"]
SECRETS: tuple[SecretName, ...] = ("jwt_secret", "credentials_secret", "snapshot_secret")
_STATE = "secrets"
_DIGITS = 12


class Noted(msgspec.Struct, frozen=True):
    """What a server noted of a secret when it began to serve: its fingerprint, empty for none, and since when."""

    fingerprint: str
    since: str


class Kept(msgspec.Struct, frozen=True):
    """How a secret stands: ``since`` is None until a server has served with it; ``previous`` is a second one, live."""

    name: SecretName
    fingerprint: str
    since: str | None
    previous: str


def fingerprint_of(name: SecretName, secret: str) -> str:
    """What tells two secrets apart, empty for none; another for the same text under another name."""
    if name == "credentials_secret":
        return key_id_of(secret) if secret else ""
    return hashlib.sha256(f"releaseapp {name} {secret}".encode()).hexdigest()[:_DIGITS] if secret else ""


def note_secrets(db: Database, settings: Settings) -> list[SecretName]:
    """Notes which secrets are in use, for a server that begins to serve; gives those that are others than before.

    Each of them is told as ``secret.rotated``, to operators, once: of several processes the first one tells it.
    """
    now = _fingerprints(settings)
    if {name: one.fingerprint for name, one in _noted(db).items()} == now:
        return []
    with db.transaction() as tx:
        before = _noted(tx)
        rotated = [name for name in SECRETS if name in before and before[name].fingerprint != now[name]]
        noted = {
            name: before[name]
            if name in before and name not in rotated
            else Noted(fingerprint=now[name], since=clock.now_text())
            for name in SECRETS
        }
        set_state(tx, _STATE, msgspec.json.encode(noted).decode())
        for name in rotated:
            data = {"secret": name, "before": before[name].fingerprint, "now": now[name]}
            append(tx, EventType.SECRET_ROTATED, name, actor=None, data=data)
    return rotated


def list_secrets(db: Reader, settings: Settings) -> list[Kept]:
    """How each secret stands, by these settings."""
    noted, now = _noted(db), _fingerprints(settings)
    kept = []
    for name in SECRETS:
        known = name in noted and noted[name].fingerprint == now[name]
        previous = fingerprint_of(name, getattr(settings, f"{name}_previous"))
        kept.append(Kept(name, now[name], noted[name].since if known and now[name] else None, previous))
    return kept


def _fingerprints(settings: Settings) -> dict[SecretName, str]:
    return {name: fingerprint_of(name, getattr(settings, name)) for name in SECRETS}


def _noted(db: Reader) -> dict[SecretName, Noted]:
    value = find_state(db, _STATE)
    return msgspec.json.decode(value, type=dict[SecretName, Noted]) if value is not None else {}
