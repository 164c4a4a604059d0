"""What restoring tells: what would be lost, how it went."""

import msgspec


class Count(msgspec.Struct, frozen=True):
    """How many of something there were then and are now.

    ``lost`` came since, ``back`` has gone since; ``names`` are some of those lost, ``names_back`` of those that come
    back, where they have names that people know.
    """

    what: str
    then: int
    now: int
    lost: int
    back: int
    names: list[str] = []
    names_back: list[str] = []

    @property
    def differs(self) -> bool:
        """Whether there are others now than then."""
        return bool(self.lost or self.back)


class Loss(msgspec.Struct, frozen=True):
    """What putting a snapshot back would cost.

    ``counts`` of what people know; ``runs_under_way_then`` would be marked as failed, ``runs_under_way_now`` would be
    lost with what they do or marked; ``events_since`` would go from the log. ``older`` are the migrations that the
    snapshot lacks, ``newer`` those that this version does not know. Where it is not ``possible``, ``sentence`` says
    why and ``cure`` what helps; otherwise ``sentence`` sums up, and ``sentences`` say all of it.
    """

    snapshot: str
    made_at: str
    app_version: str
    counts: list[Count]
    runs_under_way_then: int
    tasks_under_way_then: int
    approvals_pending_then: int
    runs_under_way_now: int
    events_since: int
    older: list[str]
    newer: list[str]
    possible: bool
    sentence: str
    cure: str
    sentences: list[str]


class Restored(msgspec.Struct, frozen=True):
    """How it went: ``snapshot`` is what was put back, ``before`` the snapshot of what it replaced.

    ``seconds`` is how long all of it took, ``seconds_writes_waited`` how long nobody could write. ``migrated`` names
    the migrations that brought the snapshot to the present schema; ``app_version`` is the one that fits what is there
    now.
    """

    snapshot: str
    before: str
    seconds: float
    seconds_writes_waited: float
    runs_marked: int
    tasks_marked: int
    approvals_withdrawn: int
    migrated: list[str]
    app_version: str

    @property
    def sentence(self) -> str:
        """For people."""
        marked = (
            f" {self.runs_marked:,} runs that were under way then are marked as failed." if self.runs_marked else ""
        )
        return (
            f"Snapshot {self.snapshot} is put back in {self.seconds:.1f} s; writes waited"
            f" {self.seconds_writes_waited:.2f} s.{marked} What it replaced is snapshot {self.before}."
        )
