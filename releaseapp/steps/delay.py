"""``delay``: lets time pass."""

from datetime import timedelta
from typing import Annotated

import msgspec
from msgspec import Meta

from releaseapp import clock
from releaseapp.steps.api import Context, Preset, Sleep, StepFailed, StepType
from releaseapp.steps.fields import Text

_LONGEST_SECONDS = 366 * 24 * 3600


class Delay(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Waits for a number of seconds, or until a time; a restart of the server does not shorten or lengthen it."""

    seconds: Annotated[float | Text | None, Meta(description="How long.")] = None
    until: Annotated[Text | None, Meta(description="A time such as 2030-01-31T08:00:00Z.")] = None


def run(config: Delay, _context: Context) -> Sleep:
    """Until the moment that the config names; one that has passed is no wait at all."""
    moment = _moment(config)
    return Sleep(moment, {"until": moment})


def _moment(config: Delay) -> str:
    if (config.seconds is None) == (config.until is None):
        raise StepFailed("A delay needs either seconds or until, and not both.", retryable=False)
    if config.until is not None:
        try:
            return clock.text(clock.parse(config.until.strip()))
        except (ValueError, OverflowError):
            raise StepFailed(
                f"until is {config.until[:80]!r}, which is no time such as 2030-01-31T08:00:00Z.", retryable=False
            ) from None
    try:
        seconds = float(config.seconds or 0)
    except ValueError:
        raise StepFailed(f"seconds is {str(config.seconds)[:80]!r}, which is no number.", retryable=False) from None
    if not 0 <= seconds <= _LONGEST_SECONDS:
        raise StepFailed(f"A delay lasts from 0 to {_LONGEST_SECONDS:,} seconds, not {seconds:g}.", retryable=False)
    return clock.text(clock.now() + timedelta(seconds=seconds))


TYPE = StepType(
    title="Delay",
    icon="clock",
    config=Delay,
    run=run,
    output={"until": "2030-01-31T08:00:00.000Z"},
    presets=(Preset("Wait a minute", {"seconds": 60}), Preset("Wait until a time", {"until": "2030-01-31T08:00:00Z"})),
)
