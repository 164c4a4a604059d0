"""What of a workspace's runs is kept, and what goes."""

from enum import StrEnum

import msgspec

BYTES_OF_MEGABYTE = 1_000_000


class Retention(msgspec.Struct, frozen=True):
    """What a workspace says of its runs: None is the server's default, 0 is no limit."""

    keep_days: int | None = None
    keep_runs: int | None = None
    keep_bytes: int | None = None


class Keep(msgspec.Struct, frozen=True):
    """What holds for a workspace: for so many days, so many runs, so many bytes; 0 is no limit."""

    days: int
    runs: int
    bytes: int


class Reason(StrEnum):
    """Why a run goes; the first that is true is told."""

    AGE = "age"
    COUNT = "count"
    BYTES = "bytes"


class Place(msgspec.Struct, frozen=True, order=True):
    """Where a run stands among those of its workspace that are over: by its end, then by its id."""

    finished_at: str = ""
    id: str = ""


Bounds = dict[Reason, Place]
"""The newest run that goes, by reason: it and all that stand before it go, but for those that must stay."""


class Candidate(msgspec.Struct, frozen=True):
    """A run that goes: its place, its definition, how many rows there are of it, and how many bytes it holds."""

    place: Place
    workspace_id: str
    definition: str
    steps: int
    lines: int
    bytes: int

    @property
    def rows(self) -> int:
        """Its own row counted, too."""
        return 1 + self.steps + self.lines


class Share(msgspec.Struct, frozen=True):
    """How many runs go for one reason, and how many bytes they hold."""

    runs: int = 0
    bytes: int = 0


Plan = dict[Reason, Share]


class Pruned(msgspec.Struct, frozen=True):
    """What a pass has done: how many runs of which workspaces are gone, and whether there is more to do."""

    runs: dict[str, int]
    more: bool

    @property
    def number(self) -> int:
        """How many runs are gone."""
        return sum(self.runs.values())
