"""What a check finds."""

from collections.abc import Callable
from enum import StrEnum
from typing import Generic, TypeVar

import msgspec

P = TypeVar("P")


class Severity(StrEnum):
    """How bad it is when a check is not well: an error stops a release, a warning is told, an info is for knowing."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Outcome(msgspec.Struct, frozen=True):
    """What one check found; ``cure`` says what helps, and is empty when all is well."""

    name: str
    title: str
    severity: Severity
    ok: bool
    sentence: str
    cure: str
    seconds: float


class Found(msgspec.Struct, frozen=True):
    """What a check says: whether it is well, in a sentence, and what helps when it is not."""

    ok: bool
    sentence: str
    cure: str = ""


class Check(msgspec.Struct, Generic[P], frozen=True):
    """A check of some place: its name, what it is called, how bad it is when it is not well, and what it does."""

    name: str
    title: str
    severity: Severity
    look: Callable[[P], Found]
