"""Masks secrets in texts, in JSON, and in texts that come in chunks."""

from collections.abc import Iterable
from typing import Any

from releaseapp.masking.finder import Finder
from releaseapp.masking.forms import split_forms

MASK = "***"


class Masker:
    """Masks some secrets in texts and in JSON. Without any it costs nothing. For any number of threads.

    Secrets of less than four characters, and blank ones, are not masked.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        found = [split_forms(secret) for secret in set(secrets)]
        exact = {_bytes(form) for forms in found for form in forms.exact}
        loose = {_bytes(form) for forms in found for form in forms.loose}
        self._finder = Finder(exact, loose) if exact else None

    def __repr__(self) -> str:
        return f"Masker({MASK})" if self._finder else "Masker()"

    def text(self, text: str) -> str:
        """The text with ``***`` for every secret in it; those that overlap or touch are masked together."""
        if self._finder is None:
            return text
        data = _bytes(text)
        spans = self._finder.spans(data)
        if not spans:
            return text
        parts, done = [], 0
        for start, end in spans:
            parts += [_text(data[done:start]), MASK]
            done = end
        return "".join([*parts, _text(data[done:])])

    def value(self, value: Any) -> Any:
        """JSON with ``***`` in all of its texts, keys too; the very same when there is nothing to mask."""
        if self._finder is None:
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return self._object(value)
        if isinstance(value, list):
            return [self.value(item) for item in value]
        return value

    def _object(self, value: dict[Any, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, item in value.items():
            key = masked = self.text(str(name))
            number = 1
            while key in found:
                # Two secrets look the same now; what stands behind them is still two things.
                number += 1
                key = f"{masked} ({number})"
            found[key] = self.value(item)
        return found

    def stream(self) -> "MaskedStream":
        """For a text that comes in chunks."""
        return MaskedStream(self._finder)


class MaskedStream:
    """Masks a text that comes in chunks, wherever it is cut: only what may be the beginning of a secret is held back.

    What it gives, put together, is what :meth:`Masker.text` makes of the whole.
    """

    def __init__(self, finder: Finder | None) -> None:
        self._finder = finder
        self._held = b""
        # Where the last mask ends that was given, counted from what is held back; before that, nothing is shown.
        self._masked_to = -1

    def feed(self, chunk: str) -> str:
        """What of the text so far can be shown, and was not yet."""
        if self._finder is None:
            return chunk
        data = self._held + _bytes(chunk)
        return self._shown(data, self._finder.spans(data), self._finder.beginning(data))

    def end(self) -> str:
        """What was held back."""
        if self._finder is None:
            return ""
        data = self._held
        shown = self._shown(data, self._finder.spans(data), len(data))
        self._masked_to = -1
        return shown

    def _shown(self, data: bytes, spans: list[tuple[int, int]], cut: int) -> str:
        parts, masked_to, done = [], self._masked_to, max(self._masked_to, 0)
        for start, end in spans:
            if start >= cut:
                break
            if start > masked_to:
                parts += [_text(data[done:start]), MASK]
            masked_to = done = max(end, masked_to)
        parts.append(_text(data[done:cut]))
        self._held = data[cut:]
        self._masked_to = masked_to - cut if masked_to >= cut else -1
        return "".join(parts)


def _bytes(text: str) -> bytes:
    """Half of a pair, which JSON may hold, is no reason to fail."""
    return text.encode("utf-8", "surrogatepass")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")
