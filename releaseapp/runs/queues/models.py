"""What a queue and a message in it are."""

from typing import Any

import msgspec


class Queue(msgspec.Struct, frozen=True):
    """A queue with messages in it. ``waiting`` is counted up to MOST_COUNTED; ``oldest_at`` is RFC 3339 UTC."""

    name: str
    waiting: int
    oldest_at: str


class Message(msgspec.Struct, frozen=True):
    """One message, JSON. ``published_by`` is the run that published it, None for others.

    ``size`` is the length of its JSON text. In lists a large one is left out: ``message`` is None then, and
    ``is_whole`` false.
    """

    id: str
    queue: str
    message: Any
    is_whole: bool
    size: int
    published_by: str | None
    created_at: str


MOST_COUNTED = 10_000
"""Nobody asks for more than "very many"."""
