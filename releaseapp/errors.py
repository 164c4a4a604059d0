"""What can go wrong, in the words of the product.

Services raise these; nothing here knows of HTTP. ``web.problems`` turns each
into an RFC 9457 answer or a page.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with one part of an input.

    ``pointer`` is an RFC 6901 JSON pointer ("" for the whole), ``detail`` a
    sentence that says what is wrong and what would be right.
    """

    pointer: str
    detail: str


def pointer_part(key: str) -> str:
    """A key as a part of a JSON pointer (RFC 6901, section 3)."""
    return key.replace("~", "~0").replace("/", "~1")


class AppError(Exception):
    """Base of all refusals; ``str(error)`` is a sentence that may be shown to the person."""


class Invalid(AppError):
    """The input cannot be accepted; every fault is listed, not the first only."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__(" ".join(fault.detail for fault in self.faults))

    @classmethod
    def at(cls, pointer: str, detail: str) -> "Invalid":
        """One fault at one place."""
        return cls([Fault(pointer, detail)])


class Malformed(AppError):
    """The input could not even be read (not JSON, not UTF-8, no such encoding)."""


class NotSignedIn(AppError):
    """Nobody is signed in, or the token is bad, old or revoked."""


class NotAllowed(AppError):
    """Somebody is signed in, may know of the thing, but lacks the permission."""


class NotFound(AppError):
    """There is no such thing, or the person may not know of it: the two must look alike."""


class Conflict(AppError):
    """The request is right in itself but does not fit the present state.

    ``members`` tell programs more than the sentence does (RFC 9457, section 3.2).
    """

    def __init__(self, sentence: str, **members: Any) -> None:
        super().__init__(sentence)
        self.members = members


class PreconditionFailed(AppError):
    """``If-Match`` named a state that is gone."""


class TooLarge(AppError):
    """The input is over a stated limit."""


class UnsupportedMediaType(AppError):
    """The body is of a kind that this resource does not read."""


class Unprocessable(AppError):
    """The input is well-formed, but it contradicts an earlier one (an idempotency key used again)."""


class TooManyRequests(AppError):
    """A limit on attempts was reached; ``retry_after`` is in seconds."""

    def __init__(self, sentence: str, retry_after: int) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after


class Busy(AppError):
    """The database could not take the write in time; the same request may succeed when sent again."""


class UnderMaintenance(AppError):
    """Nothing can be changed for a while; the same request may succeed after ``retry_after`` seconds."""

    def __init__(self, sentence: str, retry_after: int) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after


class SettingsError(AppError):
    """The configuration cannot be used; the text names the place and the cure."""
