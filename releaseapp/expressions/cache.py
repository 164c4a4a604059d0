"""Compiled templates that are kept, so that one that is rendered often is read once."""

import threading
from functools import lru_cache

from releaseapp.expressions.templates import Compiled, compile_template

_MOST_BYTES = 16_000_000


class Cache:
    """Templates by their text, together of a bounded size; the oldest go first. For any number of threads."""

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._kept: dict[str, Compiled] = {}
        self._bytes = 0
        # Asked for every template that is rendered, and so without a lock, which a dict does not need for this.
        self.find = self._kept.get

    def keep(self, compiled: Compiled) -> None:
        """Keeps a template, unless it is too large to be worth it."""
        if compiled.bytes > self._most_bytes // 16:
            return
        with self._lock:
            if compiled.source in self._kept:
                return
            self._kept[compiled.source] = compiled
            self._bytes += compiled.bytes
            while self._bytes > self._most_bytes:
                self._bytes -= self._kept.pop(next(iter(self._kept))).bytes

    def clear(self) -> None:
        """Forgets all."""
        with self._lock:
            self._kept.clear()
            self._bytes = 0


@lru_cache(maxsize=1)
def kept() -> Cache:
    """The cache of this process."""
    return Cache()


def compiled(source: str) -> Compiled:
    """The closures of a template, made or kept; raises ExpressionError for what may not be written."""
    found = kept().find(source)
    if found is None:
        found = compile_template(source)
        kept().keep(found)
    return found
