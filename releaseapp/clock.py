"""The only sources of time and identity.

Everything that asks "what time is it" or "give me a new id" asks here, through
the module (``clock.now()``), so that a test can move time by replacing
``clock.now`` and nothing else.
"""

import secrets
import time
from datetime import UTC, datetime, timedelta

_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
_RANDOM_BITS = 64
_ID_LENGTH = 24
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC)


def monotonic() -> float:
    """Seconds on a clock that never runs backwards; only differences mean anything."""
    return time.monotonic()


def text(moment: datetime) -> str:
    """RFC 3339 in UTC with milliseconds and a ``Z``: 24 characters, so text order is time order."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def now_text() -> str:
    """:func:`now` as :func:`text` writes it."""
    return text(now())


def later_text(seconds: float) -> str:
    """The moment ``seconds`` from now (or before, when negative), as :func:`text` writes it."""
    return text(now() + timedelta(seconds=seconds))


def after_text(moment: str, seconds: float) -> str:
    """The moment ``seconds`` after the one that :func:`text` wrote, written likewise."""
    return text(parse(moment) + timedelta(seconds=seconds))


def to_the_second(moment: str) -> str:
    """A moment that :func:`text` wrote, for people: ``2030-01-31 08:00:59 UTC``."""
    return f"{moment[:10]} {moment[11:19]} UTC"


def to_the_minute(moment: str) -> str:
    """The same without seconds: ``2030-01-31 08:00 UTC``."""
    return f"{moment[:10]} {moment[11:16]} UTC"


def parse(value: str) -> datetime:
    """The moment that :func:`text` wrote; raises ValueError for anything that is not RFC 3339."""
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError(f"{value!r} has no time zone")
    return moment


def new_id(prefix: str, moment: datetime | None = None) -> str:
    """``prefix_`` and 24 characters of Crockford base 32: microseconds since 1970, then 64 random bits.

    Ids of one process sort by the time they were made, which lets lists be paged by id alone. What also
    tells a time of its own, and is looked for by it, gives that ``moment``, so that both agree.
    """
    number = (_microseconds(moment or now()) << _RANDOM_BITS) | secrets.randbits(_RANDOM_BITS)
    return f"{prefix}_{_digits(number)}"


def first_id_at(prefix: str, moment: datetime) -> str:
    """Sorts before every id made from that moment on, and after every one made earlier."""
    return f"{prefix}_{_digits(_microseconds(moment) << _RANDOM_BITS)}"


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _digits(number: int) -> str:
    return "".join(_CROCKFORD[(number >> shift) & 31] for shift in range((_ID_LENGTH - 1) * 5, -1, -5))
