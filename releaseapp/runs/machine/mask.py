"""The secrets that must not be seen in what a run keeps and tells."""

from collections.abc import Iterable
from typing import Any

from releaseapp.masking import Masker


class Mask:
    """Masks the secrets that a run has met so far; more may be added at any time, by any thread."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets = frozenset(secrets)
        self._masker = Masker(self._secrets)

    def add(self, secrets: Iterable[str]) -> None:
        """From now on these are masked too."""
        more = self._secrets | frozenset(secrets)
        if more != self._secrets:
            self._secrets, self._masker = more, Masker(more)

    def text(self, text: str) -> str:
        """See :class:`Masker`."""
        return self._masker.text(text)

    def value(self, value: Any) -> Any:
        """See :class:`Masker`."""
        return self._masker.value(value)
