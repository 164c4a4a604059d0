"""Marks of passwords: enough to see that two accounts share one, too little to find out which it is.

A mark is 23 bits of a slow hash (scrypt, about as dear as the bcrypt hash beside
it) of the password, under a salt and a key that are derived from ``jwt_secret``.
It is kept under a pad that is the account's and its hash's own, with one bit that
says whether the password is weak. What that gives away:

- The database without the secret: nothing, not even that two marks are alike.
- Both: of all passwords one in eight million has a given mark, so a mark rules
  guesses out and never confirms one; the bcrypt hash has to be asked as before.
  But since all marks have one salt, a guess that is ruled out for one account can
  be ruled out for all at the price of one: that is the price of telling at all.
- By accident, two of 200 accounts look alike once in 420 such servers.

With another secret marks cannot be compared; a new one is made at the next
sign-in. A mark carries the fingerprint of its key, so that this is seen.
"""

import hashlib
import hmac
from itertools import pairwise

import msgspec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from releaseapp.auth.passwords import spelled
from releaseapp.settings import Settings

BITS = 23
_BYTES = (BITS + 1) // 8
_FINGERPRINT_BYTES, _PART_BYTES = 4, 32
# 16 MiB and some 50 ms, as bcrypt at its least cost of 10; for each step above, as much again, without more memory.
_ROUNDS, _BLOCK, _MEMORY, _LEAST_COST = 1 << 14, 8, 1 << 26, 10


class Mark(msgspec.Struct, frozen=True):
    """What a mark says: ``number`` is alike for equal passwords."""

    number: int
    weak: bool


class Marking(msgspec.Struct, frozen=True):
    """The key of marks, with the work that each takes; made by :func:`marking_of`."""

    fingerprint: str
    salt: bytes
    key: bytes
    pad: bytes
    work: int

    def __repr__(self) -> str:
        return f"Marking({self.fingerprint})"

    def number_of(self, password: str) -> int:
        """The number of a password: alike for equal ones, and by accident for one pair in 2^23. Slow on purpose."""
        stretched = hashlib.scrypt(
            spelled(password).encode("utf-8", "replace"),
            salt=self.salt,
            n=_ROUNDS,
            r=_BLOCK,
            p=self.work,
            maxmem=_MEMORY,
            dklen=_PART_BYTES,
        )
        return int.from_bytes(hmac.digest(self.key, stretched, "sha256")[:_BYTES], "big") >> 1

    def seal(self, mark: Mark, account_id: str, password_hash: str) -> str:
        """The mark as it is kept."""
        plain = (mark.number << 1 | mark.weak) ^ self._pad_of(account_id, password_hash)
        return f"{self.fingerprint}.{plain:0{2 * _BYTES}x}"

    def open(self, kept: str | None, account_id: str, password_hash: str) -> Mark | None:
        """What a kept mark says; None when there is none of this key."""
        fingerprint, _, digits = (kept or "").partition(".")
        if fingerprint != self.fingerprint:
            return None
        plain = int(digits, 16) ^ self._pad_of(account_id, password_hash)
        return Mark(plain >> 1, bool(plain & 1))

    def _pad_of(self, account_id: str, password_hash: str) -> int:
        # Of the hash too: a mark that stayed behind when the password was changed says nothing of the old one.
        pad = hmac.digest(self.pad, f"{account_id} {password_hash}".encode(), "sha256")
        return int.from_bytes(pad[:_BYTES], "big")


def marking_of(settings: Settings) -> Marking:
    """The marking of these settings; of another secret or cost it is another one, whose marks are incomparable."""
    work = 1 << max(settings.bcrypt_cost - _LEAST_COST, 0)
    sizes = (_FINGERPRINT_BYTES, _PART_BYTES, _PART_BYTES, _PART_BYTES)
    info = f"releaseapp marks of passwords, work {work}".encode()
    derived = HKDF(SHA256(), sum(sizes), salt=None, info=info).derive(settings.jwt_secret.encode())
    ends = [sum(sizes[:number]) for number in range(len(sizes) + 1)]
    fingerprint, salt, key, pad = (derived[start:end] for start, end in pairwise(ends))
    return Marking(fingerprint.hex(), salt, key, pad, work)
