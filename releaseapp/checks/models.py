"""What a check finds."""

from enum import StrEnum

import msgspec


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
