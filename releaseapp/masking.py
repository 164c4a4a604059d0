"""Keeps secrets out of what is kept and shown: wherever one turns up, in whatever form, ``***`` stands instead.

The forms: as it is, its lines, in base64 (also in the middle of a longer one),
percent-encoded, escaped as JSON or HTML have it, and as hexadecimal digits.
"""

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote, quote_plus

MASK = "***"
SHORTEST = 4
"""Shorter secrets are not masked: they would turn up everywhere by chance."""

_SHORTEST_LINE = 8
_SHORTEST_CORE = 6


class Masker:
    """Masks some secrets in texts and in JSON. Without any it costs nothing. For any number of threads."""

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for secret in secrets if len(secret) >= SHORTEST for form in forms_of(secret)}
        # The longest first: of a secret that contains another, nothing must be left.
        ordered = sorted(forms, key=len, reverse=True)
        self._longest = len(ordered[0]) if ordered else 0
        self._pattern = re.compile("|".join(map(_spelling, ordered))) if ordered else None

    def __repr__(self) -> str:
        return "Masker(***)" if self._pattern else "Masker()"

    def text(self, text: str) -> str:
        """The text with ``***`` for every secret in it; those that overlap are masked together."""
        if self._pattern is None:
            return text
        spans = list(self._spans(text))
        if not spans:
            return text
        parts, done = [], 0
        for start, end in spans:
            parts += [text[done:start], MASK]
            done = end
        return "".join([*parts, text[done:]])

    def value(self, value: Any) -> Any:
        """JSON with ``***`` in all of its texts, keys too; the very same when there is nothing to mask."""
        if self._pattern is None:
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(str(key)): self.value(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.value(item) for item in value]
        return value

    def stream(self) -> "MaskedStream":
        """For a text that comes in chunks."""
        return MaskedStream(self)

    @property
    def longest(self) -> int:
        """The length of the longest thing that is masked."""
        return self._longest

    def _spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Where secrets are, those that overlap or touch as one."""
        assert self._pattern is not None
        start = end = -1
        place = 0
        while (found := self._pattern.search(text, place)) is not None:
            if found.start() > end:
                if end >= 0:
                    yield start, end
                start = found.start()
            end = max(end, found.end())
            # The next may begin within this one.
            place = found.start() + 1
        if end >= 0:
            yield start, end


class MaskedStream:
    """Masks a text that comes in chunks, wherever it is cut: what may be the beginning of a secret is held back."""

    def __init__(self, masker: Masker) -> None:
        self._masker = masker
        self._held = ""

    def feed(self, chunk: str) -> str:
        """What of the text so far can be shown, and was not yet."""
        keep = max(self._masker.longest - 1, 0)
        text = self._held + chunk
        cut = max(len(text) - keep, 0)
        if self._masker.longest:
            # What reaches over the cut stays together.
            for start, end in self._masker._spans(text):  # noqa: SLF001 - two halves of one thing
                if start < cut < end:
                    cut = start
        self._held = text[cut:]
        return self._masker.text(text[:cut])

    def end(self) -> str:
        """What was held back."""
        rest, self._held = self._held, ""
        return self._masker.text(rest)


def forms_of(secret: str) -> set[str]:
    """Every form of a secret that is looked for."""
    plain = {secret}
    lines = secret.splitlines()
    if len(lines) > 1:
        plain |= {line.strip() for line in lines if len(line.strip()) >= _SHORTEST_LINE}
    found = set(plain)
    for text in plain:
        found |= set(_encodings(text))
    return {form for form in found if len(form) >= SHORTEST}


def _encodings(text: str) -> Iterator[str]:
    data = text.encode()
    yield quote(text, safe="")
    yield quote(text)
    yield quote_plus(text)
    yield "".join(f"%{byte:02X}" for byte in data)
    for escaped in (json.dumps(text), json.dumps(text, ensure_ascii=False)):
        yield escaped[1:-1]
        yield escaped[1:-1].replace("/", "\\/")
        # JSON within JSON, as in a body that is logged.
        yield json.dumps(escaped[1:-1])[1:-1]
    yield html.escape(text)
    yield html.escape(text, quote=False)
    yield data.hex()
    yield from _base64(data)


def _base64(data: bytes) -> Iterator[str]:
    """Base64 by itself, and the middle of it that stays the same wherever it stands in a longer one (RFC 4648)."""
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        whole = encode(data).decode()
        yield whole
        yield whole.rstrip("=")
        for shift in range(3):
            text = encode(b"\0" * shift + data).decode().rstrip("=")
            first = (shift * 8 + 5) // 6
            last = ((shift + len(data)) * 8) // 6
            core = text[first:last]
            if len(core) >= _SHORTEST_CORE:
                yield core


def _spelling(form: str) -> str:
    """A pattern for a form; hexadecimal digits behind ``%``, and those of a form of nothing else, in either case."""
    if re.fullmatch(r"(?:[0-9a-f]{2}){4,}", form):
        return f"(?i:{form})"
    return re.sub(r"%([0-9A-F]{2})", lambda found: f"(?i:{found[0]})", re.escape(form).replace("\\%", "%"))
