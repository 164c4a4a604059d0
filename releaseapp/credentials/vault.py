"""Seals secrets and opens them: AES-256-GCM under a key derived from ``credentials_secret``.

What is stored reads ``v1.<key id>.<nonce and ciphertext, base64url>``. The key
id is a fingerprint that tells nothing of the key; it says which of several
secrets opens a text, so that two may be live while one replaces the other.
Workspace and credential are bound into each seal: moved to another row, a
sealed text does not open.
"""

import base64
import binascii
import hashlib
import re
import secrets
from collections.abc import Sequence
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from releaseapp.credentials.models import VaultLocked
from releaseapp.settings import Settings

_FORM = re.compile(r"v1\.([0-9a-f]{12})\.([A-Za-z0-9_-]+)")
_KEY_BYTES = 32
_NONCE_BYTES = 12
_KEY_ID_DIGITS = 12


class _Key(msgspec.Struct, frozen=True):
    id: str
    cipher: AESGCM

    def __repr__(self) -> str:
        return f"_Key({self.id})"


class Vault:
    """The keys of this server; the first seals, all open. ``sqlite_folder`` is where SQLite files may lie."""

    def __init__(self, given: Sequence[str], sqlite_folder: Path) -> None:
        keys = [_key(secret) for secret in given if secret]
        self._first = keys[0] if keys else None
        self._keys = {key.id: key for key in keys}
        self.sqlite_folder = sqlite_folder

    @property
    def key_id(self) -> str | None:
        """The fingerprint of the key that seals; None when there is no key."""
        return self._first.id if self._first else None

    @property
    def key_ids(self) -> frozenset[str]:
        """The fingerprints of all keys that open."""
        return frozenset(self._keys)

    def seal(self, text: bytes, workspace_id: str, credential_id: str) -> str:
        """The text, sealed by the first key for this credential; raises VaultLocked without a key."""
        if self._first is None:
            raise VaultLocked(no_key())
        nonce = secrets.token_bytes(_NONCE_BYTES)
        closed = self._first.cipher.encrypt(nonce, text, _bound(self._first.id, workspace_id, credential_id))
        return f"v1.{self._first.id}.{base64.urlsafe_b64encode(nonce + closed).decode().rstrip('=')}"

    def open(self, sealed: str, workspace_id: str, credential_id: str) -> bytes:
        """What was sealed for this credential.

        Raises VaultLocked when no key fits, or the text is damaged or another credential's.
        """
        found = _FORM.fullmatch(sealed)
        if found is None:
            raise VaultLocked(_damaged())
        key = self._keys.get(found[1])
        if key is None:
            raise VaultLocked(no_key() if self._first is None else wrong_key([found[1]], self.key_ids))
        try:
            bytes_ = base64.b64decode(found[2] + "=" * (-len(found[2]) % 4), altchars=b"-_", validate=True)
            return key.cipher.decrypt(
                bytes_[:_NONCE_BYTES], bytes_[_NONCE_BYTES:], _bound(key.id, workspace_id, credential_id)
            )
        except (InvalidTag, ValueError, binascii.Error) as error:
            raise VaultLocked(_damaged()) from error


def open_vault(settings: Settings) -> Vault:
    """The vault of these settings; one without a key, when they have no secret, neither seals nor opens."""
    return Vault([settings.credentials_secret, settings.credentials_secret_previous], settings.sqlite_databases)


def key_id_of(secret: str) -> str:
    """The fingerprint of the key that a secret makes, by which sealed credentials name it."""
    return _key(secret).id


def no_key() -> str:
    """What is said where the server has no secret."""
    return (
        "This server has no key for credentials. Whoever runs it must set CREDENTIALS_SECRET to the output of"
        " 'openssl rand -base64 48', keep it in a safe place too, and start the server again."
    )


def wrong_key(unknown: Sequence[str], given: frozenset[str]) -> str:
    """What is said where credentials were sealed by a key that the server does not have."""
    have = f"this server has {', '.join(sorted(given))}" if given else "this server has none"
    return (
        f"Credentials were sealed with the key {', '.join(sorted(unknown))}, and {have}. Whoever runs the server must"
        " put the secret that was used before into CREDENTIALS_SECRET, or into CREDENTIALS_SECRET_PREVIOUS beside a"
        " new one, and start it again. Until then none is added or replaced, and none is lost."
    )


def _damaged() -> str:
    return "This credential cannot be opened: what is stored of it is damaged. Replace its secret."


def _key(secret: str) -> _Key:
    fingerprint = hashlib.sha256(_derive(secret, b"releaseapp credentials: fingerprint")).hexdigest()
    return _Key(fingerprint[:_KEY_ID_DIGITS], AESGCM(_derive(secret, b"releaseapp credentials: key")))


def _derive(secret: str, purpose: bytes) -> bytes:
    return HKDF(SHA256(), _KEY_BYTES, salt=None, info=purpose).derive(secret.encode())


def _bound(key_id: str, workspace_id: str, credential_id: str) -> bytes:
    return msgspec.json.encode(["v1", key_id, workspace_id, credential_id])
