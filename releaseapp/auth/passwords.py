"""Password hashes (bcrypt), and what a password must be."""

from functools import lru_cache

import bcrypt

from releaseapp.auth.models import LONGEST_PASSWORD_BYTES, MINIMAL_PASSWORD_LENGTH
from releaseapp.errors import Fault


def hash_password(password: str, cost: int) -> str:
    """A bcrypt hash; the caller has checked the password with :func:`faults_of`."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(cost)).decode()


def matches(password: str, password_hash: str | None, cost: int) -> bool:
    """Whether the password is the one that was hashed.

    None stands for an account that does not exist: the same work is done, so
    that the time of the answer does not tell.
    """
    attempt = password.encode("utf-8", "replace")
    too_long = len(attempt) > LONGEST_PASSWORD_BYTES
    right = bcrypt.checkpw(attempt[:LONGEST_PASSWORD_BYTES], (password_hash or _nobody(cost)).encode())
    return right and password_hash is not None and not too_long


def cost_of(password_hash: str) -> int:
    """The cost that a hash was made with."""
    return int(password_hash.split("$")[2])


def faults_of(password: str, *, email: str, pointer: str) -> list[Fault]:
    """What speaks against a new password, at ``pointer`` of the input."""
    faults = []
    if len(password) < MINIMAL_PASSWORD_LENGTH:
        faults.append(Fault(pointer, f"The password must have at least {MINIMAL_PASSWORD_LENGTH} characters."))
    if len(password.encode("utf-8", "replace")) > LONGEST_PASSWORD_BYTES:
        faults.append(Fault(pointer, f"The password must be at most {LONGEST_PASSWORD_BYTES} bytes long."))
    if "\x00" in password:
        faults.append(Fault(pointer, "The password must not contain a NUL character."))
    if password and password.lower() in {email.lower(), email.partition("@")[0].lower()}:
        faults.append(Fault(pointer, "The password must not be the e-mail address."))
    return faults


@lru_cache(maxsize=8)
def _nobody(cost: int) -> str:
    return bcrypt.hashpw(b"nobody has this password", bcrypt.gensalt(cost)).decode()
