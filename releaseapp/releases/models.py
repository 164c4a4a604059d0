"""What a release is: its states, what is written down of it, and the figures that its records keep."""

from enum import StrEnum
from typing import Any

import msgspec


class Status(StrEnum):
    """Where a release stands; the last three are its ends."""

    STARTING = "starting"
    STARTED = "started"
    PROMOTED = "promoted"
    ROLLING_BACK = "rolling_back"
    FINISHED = "finished"
    ROLLED_BACK = "rolled_back"
    ABANDONED = "abandoned"

    @property
    def words(self) -> str:
        """For people."""
        return self.value.replace("_", " ")


OVER = frozenset({Status.FINISHED, Status.ROLLED_BACK, Status.ABANDONED})


class EntryKind(StrEnum):
    """What a line of a release's log is about."""

    ABANDONED = "abandoned"
    BEGUN = "begun"
    CHECKED = "checked"
    CONNECTIONS = "connections"
    DESPITE = "despite"
    FINISHED = "finished"
    HEALTH = "health"
    HOOK_ANSWERED = "hook_answered"
    HOOK_CALLED = "hook_called"
    NOTE = "note"
    PROBED = "probed"
    PROMOTED = "promoted"
    REFUSED = "refused"
    RESTORED = "restored"
    ROLES_CONFIRMED = "roles_confirmed"
    ROLES_FROZEN = "roles_frozen"
    ROLLBACK_BEGUN = "rollback_begun"
    ROLLED_BACK = "rolled_back"
    SNAPSHOT = "snapshot"


class Who(msgspec.Struct, frozen=True):
    """Who does something: an account's id, None on the command line; and the name that stands in the log."""

    actor: str | None
    name: str


class Release(msgspec.Struct, frozen=True):
    """One release. ``roles`` is the role matrix as it was when it started; empty in lists, where it would be much."""

    id: str
    status: Status
    from_version: str
    to_version: str
    why: str
    actor: str | None
    who: str
    window_starts_at: str | None
    window_ends_at: str | None
    snapshot: str | None
    roles: dict[str, Any]
    roles_confirmed_by: str | None
    roles_confirmed_at: str | None
    started_at: str
    promoted_at: str | None
    finished_at: str | None

    @property
    def is_over(self) -> bool:
        """Whether nothing more can be done in it."""
        return self.status in OVER


def without_roles(release: Release) -> dict[str, Any]:
    """A release as plain data, without its role matrix, which is long."""
    return {name: value for name, value in msgspec.to_builtins(release).items() if name != "roles"}


class Entry(msgspec.Struct, frozen=True):
    """One line of the log of a release; ``data`` are the figures behind the sentence."""

    id: int
    release_id: str
    at: str
    actor: str | None
    who: str
    kind: EntryKind
    sentence: str
    data: dict[str, Any]


class Finding(msgspec.Struct, frozen=True):
    """What one check found, as the log keeps it; ``severity`` is error, warning or info."""

    name: str
    title: str
    severity: str
    ok: bool
    sentence: str
    cure: str


class Taken(msgspec.Struct, frozen=True):
    """A snapshot, as the log keeps it."""

    name: str
    made_at: str
    bytes: int
    app_version: str
    counts: dict[str, int]
    places: list[str]
    encrypted: bool


class Verdict(msgspec.Struct, frozen=True):
    """What the gate says of the connections of a time: calm, busy or stormy, and why."""

    verdict: str
    reasons: list[str]
    figures: dict[str, Any]

    def sentence(self, phase: str = "") -> str:
        """For people; ``phase`` says of which time, as in "since the start"."""
        return " ".join(filter(None, ["Connections", phase, f"are {self.verdict}.", *self.reasons]))


class Health(msgspec.Struct, frozen=True):
    """What answers: whether it is reached and ready, its version, and what is wrong with it."""

    url: str
    reached: bool
    ready: bool
    version: str | None
    faults: list[str]


class Loss(msgspec.Struct, frozen=True):
    """What a rollback would lose, in words; ``possible`` says whether it can be done at all."""

    possible: bool
    sentences: list[str]


class PutBack(msgspec.Struct, frozen=True):
    """How putting back went: what was replaced is in the snapshot ``before``.

    The figures are None when the process that did it died before it could write them down.
    """

    snapshot: str
    before: str
    seconds: float | None
    seconds_writes_waited: float | None
    runs_marked: int | None
    app_version: str

    @property
    def sentence(self) -> str:
        """How it went, for people."""
        if self.seconds is None or self.seconds_writes_waited is None:
            how = "by a process that died right afterwards"
        else:
            how = f"in {self.seconds:.2f} s; writes waited {self.seconds_writes_waited:.2f} s"
        return f"Put back {self.snapshot} {how}. What was replaced is kept as {self.before}."


class HookAnswer(msgspec.Struct, frozen=True):
    """What the address of the hook answered; ``status`` is None when nothing came."""

    status: int | None
    sentence: str
    seconds: float

    @property
    def is_success(self) -> bool:
        """Whether the other side says that it was done."""
        return self.status is not None and 200 <= self.status < 300  # noqa: PLR2004 - the codes of success
