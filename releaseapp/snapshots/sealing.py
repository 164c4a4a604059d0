"""Encrypts archives of any size, in chunks: AES-256-GCM under a key derived from ``snapshot_secret``.

After the head come chunks. Each is sealed with its number and whether it is the
last one, so that none can be changed, moved, left out or cut off unnoticed
(the STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizár, 2015). A
file has a salt of its own, and so a key of its own: nonces never meet again.
"""

import hashlib
import secrets
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from releaseapp.snapshots.models import Damaged, NoSecret

MAGIC = b"releaseapp-sealed-1\n"
CHUNK_BYTES = 1_048_576
_KEY_ID_BYTES = 6
_SALT_BYTES = 32
_TAG_BYTES = 16


def key_id_of(secret: str) -> bytes:
    """A fingerprint that says which secret it is and tells nothing of it."""
    return _derived(secret, b"snapshot key id", b"", _KEY_ID_BYTES)


def seal(source: BinaryIO, target: BinaryIO, secret: str) -> None:
    """Writes what is read from ``source``, encrypted."""
    salt = secrets.token_bytes(_SALT_BYTES)
    cipher = _cipher(secret, salt)
    head = MAGIC + key_id_of(secret) + salt
    target.write(head)
    target.writelines(
        cipher.encrypt(_nonce(number, is_last=is_last), chunk, head)
        for number, chunk, is_last in _chunks(source, CHUNK_BYTES)
    )


def unseal(source: BinaryIO, target: BinaryIO, given: Sequence[str]) -> None:
    """Writes what was sealed; raises NoSecret when none is given, Damaged when none fits or a byte is another."""
    head = source.read(len(MAGIC) + _KEY_ID_BYTES + _SALT_BYTES)
    key_id, salt = head[len(MAGIC) : -_SALT_BYTES], head[-_SALT_BYTES:]
    if not any(given):
        raise NoSecret("The snapshot is encrypted; set SNAPSHOT_SECRET to the secret it was made with.")
    secret = next((one for one in given if one and secrets.compare_digest(key_id_of(one), key_id)), None)
    if secret is None:
        raise Damaged(
            "The snapshot is encrypted with a secret that this server does not have; set SNAPSHOT_SECRET"
            " (or SNAPSHOT_SECRET_PREVIOUS) to the one it was made with."
        )
    cipher = _cipher(secret, salt)
    for number, chunk, is_last in _chunks(source, CHUNK_BYTES + _TAG_BYTES):
        try:
            target.write(cipher.decrypt(_nonce(number, is_last=is_last), chunk, head))
        except InvalidTag:
            raise Damaged("The snapshot was changed or cut off since it was made.") from None


def is_sealed(source: BinaryIO) -> bool:
    """Whether a file begins as a sealed one does; reads from its beginning, and goes back there."""
    found = source.read(len(MAGIC)) == MAGIC
    source.seek(0)
    return found


def _chunks(source: BinaryIO, size: int) -> Iterator[tuple[int, bytes, bool]]:
    number, chunk = 0, source.read(size)
    while True:
        following = source.read(size)
        yield number, chunk, not following
        if not following:
            return
        number, chunk = number + 1, following


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([is_last])


def _cipher(secret: str, salt: bytes) -> AESGCM:
    return AESGCM(_derived(secret, b"snapshot archive", salt, 32))


def _derived(secret: str, purpose: bytes, salt: bytes, length: int) -> bytes:
    key = HKDF(SHA256(), length, salt or None, purpose)
    return key.derive(hashlib.sha256(secret.encode()).digest())
