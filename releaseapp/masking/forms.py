"""The forms in which a secret may turn up: as it is, by its lines, and as other formats write it.

These are base64 (also in the middle of a longer one, and broken into lines),
percent-encoding, JSON, HTML, Python's own notation, and hexadecimal digits.
"""

import base64
import html
import json
import re
from collections.abc import Iterator
from itertools import product
from urllib.parse import quote, quote_plus

import msgspec

SHORTEST = 4
"""Shorter secrets are not masked: they would turn up everywhere by chance."""

_SHORTEST_LINE = 8
# As mail and PEM break base64 into lines (RFC 2045, 7468).
_WIDTHS = (76, 64)
# What stays as it is, beside letters and digits: of one value, of a path, and by the rules of JavaScript, of URLs and
# of forms.
_LEFT_AS_IT_IS = ("", "/", "!'()*", ";,/?:@&=+$!'()*#", "!$&'()*+,;=:@/", "!$&'()*+,;=:@/?", "*")
_DOUBLE_QUOTES = ('"', "&quot;", "&#34;")
_SINGLE_QUOTES = ("'", "&#x27;", "&#39;", "&apos;")
_PLAIN = re.compile(r"[A-Za-z0-9_.-]*")
# What some write as \u003c in JSON, so that it may stand in HTML.
_OF_HTML = ("", "<>&", "<>&'")


class Forms(msgspec.Struct, frozen=True):
    """What is looked for: ``exact`` as it is, ``loose`` in capitals and small letters alike."""

    exact: frozenset[str]
    loose: frozenset[str]


def forms_of(secret: str) -> set[str]:
    """Every form of a secret that is looked for; none of what is too short to be."""
    found = split_forms(secret)
    return set(found.exact | found.loose)


def split_forms(secret: str) -> Forms:
    """The same, by how it is looked for."""
    exact, loose = set(), set()
    for text in _texts(secret):
        data = text.encode("utf-8", "surrogatepass")
        exact |= {text, *_as_html(text), *_as_python(text, data), *_as_base64(data)}
        loose |= {data.hex(), *_as_percent(text, data)}
        for form in _as_json(text):
            (loose if "\\u" in form else exact).add(form)
    # What encoding left as it was is looked for as it is.
    loose -= exact
    return Forms(frozenset(filter(_is_long_enough, exact)), frozenset(filter(_is_long_enough, loose)))


def _is_long_enough(form: str) -> bool:
    return len(form) >= SHORTEST


def _texts(secret: str) -> set[str]:
    """The secret, without white space around it, and its lines; nothing that is blank or too short."""
    texts = {text for text in (secret, secret.strip()) if len(text) >= SHORTEST and text.strip()}
    lines = secret.splitlines()
    if texts and len(lines) > 1:
        texts |= {line.strip() for line in lines if len(line.strip()) >= _SHORTEST_LINE}
    return texts


def _as_percent(text: str, data: bytes) -> Iterator[str]:
    yield "".join(f"%{byte:02X}" for byte in data)
    if _PLAIN.fullmatch(text):
        return
    for safe in _LEFT_AS_IT_IS:
        form = quote(text, safe=safe, errors="surrogatepass")
        yield form
        yield form.replace("~", "%7E")
        form = quote_plus(text, safe=safe.replace("+", ""), errors="surrogatepass")
        yield form
        yield form.replace("~", "%7E")


def _as_json(text: str) -> Iterator[str]:
    for ascii_alone, of_html in product((True, False), _OF_HTML):
        form = json.dumps(text, ensure_ascii=ascii_alone)[1:-1]
        for sign in of_html:
            form = form.replace(sign, f"\\u{ord(sign):04x}")
        for written in {form, form.replace("/", "\\/")}:
            yield written
            # JSON within JSON, as in a body that is logged.
            yield json.dumps(written, ensure_ascii=False)[1:-1]


def _as_html(text: str) -> Iterator[str]:
    plain = html.escape(text, quote=False)
    for double, single in product(_DOUBLE_QUOTES, _SINGLE_QUOTES):
        yield plain.replace('"', double).replace("'", single)


def _as_python(text: str, data: bytes) -> Iterator[str]:
    """As errors of Python quote it."""
    for form in (repr(text), ascii(text), repr(data)[1:]):
        yield form[1:-1]


def _as_base64(data: bytes) -> Iterator[str]:
    """By itself, and the middle of it that stays the same wherever it stands in a longer one (RFC 4648)."""
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        whole = encode(data).decode()
        yield whole
        yield whole.rstrip("=")
        for width in _WIDTHS:
            lines = [whole[at : at + width] for at in range(0, len(whole), width)]
            yield from (line for line in lines if len(line) >= _SHORTEST_LINE)
        for shift in range(3):
            text = encode(b"\0" * shift + data).decode()
            yield text[(shift * 8 + 5) // 6 : ((shift + len(data)) * 8) // 6]
