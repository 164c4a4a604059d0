"""What a body about runs may be."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

StepName = Annotated[str, Meta(min_length=1, max_length=64)]


class RunStart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A run to be started. ``test`` tries a version that is not published; the last three are for that alone."""

    inputs: dict[str, Any] = {}
    version: Annotated[int, Meta(ge=1, le=1_000_000_000)] | None = None
    test: bool = False
    pins: dict[str, Any] = {}
    effects: bool = True
    only_step: StepName | None = None


class RunRetry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is done again of a run that is over; without anything, from the step that failed."""

    from_step: StepName | None = None
    whole: bool = False
    current: bool = False


class RetryFailed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which failed runs are to be retried: those begun in a span of time, maybe of one workflow."""

    since: str
    until: str | None = None
    workflow_id: Annotated[str, Meta(max_length=64)] | None = None
