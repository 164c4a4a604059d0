"""What a body about limits may be; the bounds are those of the server's settings."""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

MOST_DAYS = 3650
MOST_KEPT = 1_000_000_000
MOST_AT_ONCE = 10_000

Days = Annotated[int, Meta(ge=0, le=MOST_DAYS)]
Kept = Annotated[int, Meta(ge=0, le=MOST_KEPT)]
AtOnce = Annotated[int, Meta(ge=0, le=MOST_AT_ONCE)]


class SettingsChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a workspace says of its runs: null is the server's default, 0 no limit; what is left out stays."""

    keep_days: Days | UnsetType | None = UNSET
    keep_runs: Kept | UnsetType | None = UNSET
    keep_megabytes: Kept | UnsetType | None = UNSET
    runs_at_once: AtOnce | UnsetType | None = UNSET


class LimitChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many runs of a workflow may be at work at once: null is the server's default, 0 no limit."""

    runs_at_once: AtOnce | None


class Typed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The fields as a browser sends them: a number, or nothing for the server's default."""

    keep_days: Annotated[str, Meta(max_length=40)] = ""
    keep_runs: Annotated[str, Meta(max_length=40)] = ""
    keep_megabytes: Annotated[str, Meta(max_length=40)] = ""
    runs_at_once: Annotated[str, Meta(max_length=40)] = ""
