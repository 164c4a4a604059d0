"""The secrets that must not be seen in what a run keeps and tells."""

import threading
from collections.abc import Iterable
from typing import Any

from releaseapp.masking import MaskedStream, Masker


class Mask:
    """Masks the secrets that a run has met so far; more may be added at any time, by any thread."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets = frozenset(secrets)
        self._masker = Masker(self._secrets)
        self._guard = threading.Lock()

    def add(self, secrets: Iterable[str]) -> None:
        """From now on these are masked too."""
        with self._guard:
            more = self._secrets | frozenset(secrets)
            if more != self._secrets:
                self._secrets, self._masker = more, Masker(more)

    @property
    def masker(self) -> Masker:
        """What masks the secrets met so far."""
        return self._masker

    def text(self, text: str) -> str:
        """See :class:`Masker`."""
        return self._masker.text(text)

    def value(self, value: Any) -> Any:
        """See :class:`Masker`."""
        return self._masker.value(value)

    def stream(self) -> "MaskedText":
        """For a text that comes in chunks."""
        return MaskedText(self)


class MaskedText:
    """A text that comes in chunks, masked wherever it is cut; secrets met meanwhile are masked from then on."""

    def __init__(self, mask: Mask) -> None:
        self._mask = mask
        self._masker: Masker | None = None
        self._stream: MaskedStream = Masker(()).stream()

    def feed(self, chunk: str) -> str:
        """What of the text so far can be shown, and was not yet."""
        before, masker = "", self._mask.masker
        if masker is not self._masker:
            before, self._masker, self._stream = self._stream.end(), masker, masker.stream()
        return before + self._stream.feed(chunk)

    def end(self) -> str:
        """What was held back."""
        return self._stream.end()
