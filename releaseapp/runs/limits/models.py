"""What a workspace and a workflow say of their runs."""

import msgspec


class RunSettings(msgspec.Struct, frozen=True):
    """How long a workspace keeps its runs, and how many of them may be at work at once.

    None is the server's default, 0 is no limit.
    """

    keep_days: int | None
    keep_runs: int | None
    keep_megabytes: int | None
    runs_at_once: int | None
