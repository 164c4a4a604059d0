"""Password hashes (bcrypt), and what a password must be.

Passwords are spelled in one way before anything is done with them: what looks
the same is the same, whatever keyboard it was typed on (RFC 8265, OpaqueString:
Unicode NFC, and every space a plain one).
"""

import re
import secrets
import unicodedata
from functools import lru_cache

import bcrypt

from releaseapp.auth.models import LONGEST_PASSWORD_BYTES
from releaseapp.auth.weakness import weaknesses
from releaseapp.errors import Fault

_PLAIN_LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"
_GROUPS, _GROUP_LENGTH = 5, 4


def spelled(password: str) -> str:
    """The one spelling of a password."""
    return unicodedata.normalize("NFC", "".join(" " if unicodedata.category(one) == "Zs" else one for one in password))


def hash_password(password: str, cost: int) -> str:
    """A bcrypt hash; the caller has checked the password with :func:`faults_of`."""
    return bcrypt.hashpw(spelled(password).encode(), bcrypt.gensalt(cost)).decode()


def matches(password: str, password_hash: str | None, cost: int) -> bool:
    """Whether the password is the one that was hashed.

    None stands for an account that does not exist: the same work is done, so
    that the time of the answer does not tell. A hash of a lower cost is made up
    for, for the same reason. Hashes of old may be of another spelling: when what
    was typed has one, both are tried, whoever it is.
    """
    found = False
    for attempt in dict.fromkeys([spelled(password), password]):
        found |= _is_of(attempt, password_hash, cost)
    return found


def is_outdated(password: str, password_hash: str, cost: int) -> bool:
    """Whether the hash of this very password ought to be made anew: it cost too little, or is of another spelling."""
    if cost_of(password_hash) < cost:
        return True
    return spelled(password) != password and not _is_of(spelled(password), password_hash, cost)


def cost_of(password_hash: str) -> int:
    """The cost that a hash was made with."""
    return int(password_hash.split("$")[2])


def faults_of(password: str, *, email: str, name: str, pointer: str) -> list[Fault]:
    """What speaks against a new password, at ``pointer`` of the input."""
    password = spelled(password)
    faults = []
    if len(password.encode("utf-8", "replace")) > LONGEST_PASSWORD_BYTES:
        faults.append(Fault(pointer, f"The password must be at most {LONGEST_PASSWORD_BYTES} bytes long."))
    elif re.search(r"[\x00-\x1f\x7f\ud800-\udfff]", password):
        faults.append(Fault(pointer, "The password must not contain control characters."))
    else:
        faults += [Fault(pointer, sentence) for sentence in weaknesses(password, email, name)]
    return faults


def new_password() -> str:
    """A password for somebody who shall change it: 99 random bits, in letters that are not taken for one another."""
    groups = ("".join(secrets.choice(_PLAIN_LETTERS) for _ in range(_GROUP_LENGTH)) for _ in range(_GROUPS))
    return "-".join(groups)


def _is_of(attempt: str, password_hash: str | None, cost: int) -> bool:
    given = attempt.encode("utf-8", "replace")
    too_long = len(given) > LONGEST_PASSWORD_BYTES
    given = given[:LONGEST_PASSWORD_BYTES]
    stored = password_hash or _nobody(cost)
    right = bcrypt.checkpw(given, stored.encode())
    # A step of cost doubles the work: 2^4 + (2^4 + 2^5) is 2^6.
    for step in range(cost_of(stored), cost):
        bcrypt.checkpw(given, _nobody(step).encode())
    return right and password_hash is not None and not too_long


@lru_cache(maxsize=16)
def _nobody(cost: int) -> str:
    return bcrypt.hashpw(b"nobody has this password", bcrypt.gensalt(cost)).decode()
