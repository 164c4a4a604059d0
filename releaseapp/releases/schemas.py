"""What a body or a form about releases may be; times are as people write them."""

import msgspec

from releaseapp.releases.promoting import Wish
from releaseapp.releases.starting import Plan, read_moment

PATIENCE_SECONDS = 60.0
"""How long a page waits for busy connections to calm down; nobody stands before it meanwhile."""


class StartForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be released, why, and when."""

    version: str
    why: str
    window_start: str = ""
    window_end: str = ""
    despite: str = ""

    def plan(self) -> Plan:
        """The plan; raises Invalid for a time that cannot be read."""
        begin = read_moment(self.window_start, "window_start")
        return Plan(self.version.strip(), self.why, begin, read_moment(self.window_end, "window_end"), self.despite)


class GoOnForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A note for the log, and why to go on whatever speaks against it."""

    note: str = ""
    despite: str = ""

    def wish(self) -> Wish:
        """In this very process, with patience."""
        return Wish(despite=self.despite, note=self.note, patience=PATIENCE_SECONDS)


class WhyForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why."""

    why: str = ""


class NoteForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A note."""

    text: str = ""


class ConfirmForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which role matrix was seen."""

    seen: str | None = None
