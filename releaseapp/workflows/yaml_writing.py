"""Writes JSON's data as YAML that every reader takes for the same data, whatever the texts hold.

Written by hand because of what it is for: a text comes back exactly as it was,
also from readers of YAML 1.1, to whom ``yes``, ``1:30`` and U+2028 mean something else.
"""

import json
import re
from typing import Any

import msgspec

_CONTROLS = "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
UNPRINTABLE = re.compile(_CONTROLS)
"""What may not stand in YAML as it is."""

_ESCAPED = re.compile(_CONTROLS[:-1].replace("\x85", "") + "]|[\u2028\u2029\ufeff]")
"""What is escaped in quotes: the unprintable, and what some readers take for the end of a line or of nothing."""

_PLAIN = re.compile(r"(?:[^\W\d]|/)(?:[\w \-./,()'\"!?&*%$@+=;<>|~^\[\]{}`\\]|:(?=[^\s])|(?<! )#)*(?<! )")
_WORDS = frozenset({"false", "inf", "n", "nan", "no", "null", "off", "on", "true", "y", "yes"})
_SPACES_ALONE = re.compile(r"^[ \t]+$", re.MULTILINE)
_LONGEST_SIMPLE_KEY = 500
"""Readers look for the colon of a key no further than 1,024 characters."""


def dump(value: Any) -> str:
    """JSON's data as YAML, keys in their order; ``yaml_text.load`` gives the same data back."""
    out: list[str] = []
    _put(value, "" if isinstance(value, (dict, list)) else "  ", out, lead="\n")
    return "".join(out)[1:] + "\n"


def _put(value: Any, pad: str, out: list[str], lead: str) -> None:
    """Writes a value behind its key or dash; ``lead`` stands before the first entry of a block."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            out.append(lead)
            lead = "\n" + pad
            out.append(_key(key, pad))
            _put(item, pad + "  ", out, lead=f"\n{pad}  ")
    elif isinstance(value, list) and value:
        for item in value:
            out.append(f"{lead}-")
            lead = "\n" + pad
            _put(item, pad + "  ", out, lead=" ")
    elif isinstance(value, str):
        out.append(" " + _text(value, pad))
    else:
        out.append(" " + _number_or_word(value))


def _number_or_word(value: Any) -> str:
    text = msgspec.json.encode(value).decode()
    if isinstance(value, float) and "e" in text and "." not in text:
        # To readers of YAML 1.1 a number with an exponent has a point too, and the exponent a sign.
        text = text.replace("e", ".0e")
    return re.sub(r"e(?=\d)", "e+", text) if isinstance(value, float) else text


def _key(key: str, pad: str) -> str:
    text = key if _is_plain(key) else _quoted(key)
    return f"{text}:" if len(text) <= _LONGEST_SIMPLE_KEY else f"? {text}\n{pad}:"


def _text(value: str, pad: str) -> str:
    if _is_plain(value):
        return value
    if "\n" in value:
        return _block(value, pad) if _fits_block(value) else _quoted(value)
    if ('"' in value or "\\" in value) and not _ESCAPED.search(value) and "\t" not in value and "\r" not in value:
        return "'" + value.replace("'", "''") + "'"
    return _quoted(value)


def _is_plain(value: str) -> bool:
    return _PLAIN.fullmatch(value) is not None and value.lower() not in _WORDS


def _fits_block(value: str) -> bool:
    if value[0] in " \t\n" or value.endswith("\n\n") or "\r" in value:
        return False
    return not _ESCAPED.search(value) and not _SPACES_ALONE.search(value)


def _block(value: str, pad: str) -> str:
    head, body = ("|", value[:-1]) if value.endswith("\n") else ("|-", value)
    return head + "".join(f"\n{pad}{line}" if line else "\n" for line in body.split("\n"))


def _quoted(value: str) -> str:
    return _ESCAPED.sub(_escape, json.dumps(value, ensure_ascii=False))


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004
