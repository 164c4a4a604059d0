"""Compiled templates that are kept, so that one that is rendered often is read once."""

import threading
from functools import lru_cache

from releaseapp.expressions.templates import Compiled, compile_template

_BYTES_A_SIGN = 500
_MOST_BYTES = 16_000_000


class Cache:
    """Templates by their text, together of a bounded weight; the oldest go first. For any number of threads."""

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._kept: dict[str, Compiled] = {}
        self._weight = 0
        # Asked for every template that is rendered, and so without a lock, which a dict does not need for this.
        self.find = self._kept.get

    def keep(self, compiled: Compiled) -> None:
        """Keeps a template, unless it is too large to be worth it."""
        weight = weight_of(compiled)
        if weight > self._most_bytes // 16:
            return
        with self._lock:
            if compiled.source in self._kept:
                return
            self._kept[compiled.source] = compiled
            self._weight += weight
            while self._weight > self._most_bytes:
                self._weight -= weight_of(self._kept.pop(next(iter(self._kept))))

    def clear(self) -> None:
        """Forgets all."""
        with self._lock:
            self._kept.clear()
            self._weight = 0


def weight_of(compiled: Compiled) -> int:
    """About how many bytes a template takes."""
    # Closures are many times larger than their text, which takes up to four bytes a letter.
    return _BYTES_A_SIGN * compiled.effort + 8 * len(compiled.source)


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
