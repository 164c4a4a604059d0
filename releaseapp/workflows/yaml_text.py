"""Definitions as YAML: JSON's data in a form that people like to write, and nothing beyond it."""

import re
from typing import Any

import msgspec
import yaml

from releaseapp.errors import Invalid, pointer_part
from releaseapp.workflows.yaml_writing import UNPRINTABLE, dump

__all__ = ["LARGEST_BYTES", "MOST_VALUES", "dump", "line_of", "load"]

_DEEPEST = 60
LARGEST_BYTES = 10_485_760
MOST_VALUES = 250_000
"""Reading takes a few microseconds and a few hundred bytes of memory a value: this many take a second or two."""

_TAG = "tag:yaml.org,2002:"
_TAGS = frozenset(
    _TAG + name for name in ("null", "bool", "int", "float", "str", "timestamp", "merge", "value", "map", "seq")
)
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


def load(
    text: str, *, deepest: int = _DEEPEST, most_values: int = MOST_VALUES, largest: int = LARGEST_BYTES
) -> tuple[Any, dict[str, int]]:
    """The data of a YAML (or JSON) document, and the line of each JSON pointer in it.

    Raises Invalid naming the line for what is not YAML, for anchors and
    aliases (which can grow without end), for a key that stands twice, for keys
    that are no text, for numbers that are too large, for the NUL character, for
    a second document, for what is nested more than ``deepest`` deep, and for more than ``most_values``.
    """
    if len(text.encode("utf-8", "replace")) > largest:
        raise Invalid.at("", f"The document is larger than {largest:,} bytes.")
    strange = UNPRINTABLE.search(text)
    if strange is not None:
        line = text.count("\n", 0, strange.start()) + 1
        raise Invalid.at(
            "",
            f"Line {line}: this is not YAML: it holds the character U+{ord(strange[0]):04X}, "
            "which must be written as an escape in double quotes.",
        )
    try:
        reader = _Reader(text, deepest, most_values)
        return reader.document(), reader.lines
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"Line {mark.line + 1}: " if mark else ""
        problem = str(getattr(error, "problem", None) or "this is not YAML")
        if "nesting depth" in problem:
            # Newer parsers have a limit of their own, far above this one, and meet it while they read ahead.
            problem = f"nested more than {deepest} deep"
        raise Invalid.at("", f"{where}{problem}.") from error


def line_of(lines: dict[str, int], pointer: str) -> int:
    """The line of a pointer, or of what it lies in when it points at what is missing."""
    while pointer and pointer not in lines:
        pointer = pointer.rpartition("/")[0]
    return lines.get(pointer, 1)


class _Reader:
    """Makes values out of the parser's events as they come, so that what is refused is never built."""

    def __init__(self, text: str, deepest: int, most_values: int) -> None:
        self.lines: dict[str, int] = {}
        self._next = yaml.CSafeLoader(text).get_event
        self._deepest = deepest
        self._most_values = most_values

    def document(self) -> Any:
        """The one document of the text."""
        self._next()
        if isinstance(self._next(), yaml.StreamEndEvent):
            raise Invalid.at("", "The document is empty.")
        value = self._value(self._next(), "", 1)
        self._next()
        after = self._next()
        if not isinstance(after, yaml.StreamEndEvent):
            raise Invalid.at("", f"Line {_line(after)}: a second document begins here; give one at a time.")
        return value

    def _value(self, event: Any, pointer: str, depth: int) -> Any:
        line = self.lines[pointer] = _line(event)
        if len(self.lines) > self._most_values:
            raise Invalid.at("", f"Line {line}: these are more than {self._most_values:,} values; that is too many.")
        if isinstance(event, yaml.AliasEvent) or event.anchor:
            raise Invalid.at(pointer, f"Line {line}: anchors and aliases are not accepted here.")
        if event.tag is not None and event.tag not in _TAGS:
            raise Invalid.at(pointer, f"Line {line}: the tag {event.tag[:100]} is not accepted here.")
        if isinstance(event, yaml.ScalarEvent):
            return _scalar(event, pointer)
        if depth > self._deepest:
            raise Invalid.at(pointer, f"Line {line}: nested more than {self._deepest} deep.")
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(pointer, depth)
        found: list[Any] = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            found.append(self._value(event, f"{pointer}/{len(found)}", depth + 1))
        return found

    def _mapping(self, pointer: str, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            name = self._key(event, pointer)
            if name in found:
                raise Invalid.at(pointer, f"Line {_line(event)}: the key {name[:100]!r} stands twice.")
            below = f"{pointer}/{pointer_part(name)}"
            found[name] = self._value(self._next(), below, depth + 1)
        return found

    @staticmethod
    def _key(event: Any, pointer: str) -> str:
        if isinstance(event, yaml.AliasEvent) or event.anchor:
            raise Invalid.at(pointer, f"Line {_line(event)}: anchors and aliases are not accepted here.")
        if not isinstance(event, yaml.ScalarEvent):
            raise Invalid.at(pointer, f"Line {_line(event)}: a key must be text.")
        return _text(event, pointer)


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _scalar(event: Any, pointer: str) -> Any:
    kind = event.tag.removeprefix(_TAG) if event.tag is not None else ""
    if kind == "null":
        return None
    if not (event.implicit[0] if not kind else kind in {"bool", "int", "float"}):
        return _text(event, pointer)
    # As JSON reads them; what JSON does not have (0x1F, 1_000, .inf, yes) stays the text that was written.
    if event.value in _WORDS:
        return _WORDS[event.value]
    if not _NUMBER.fullmatch(event.value):
        return _text(event, pointer)
    try:
        return msgspec.json.decode(event.value)
    except msgspec.DecodeError as error:
        sentence = "this number is too large; put it into quotes, so that it is text."
        raise Invalid.at(pointer, f"Line {_line(event)}: {sentence}") from error


def _text(event: Any, pointer: str) -> str:
    value = str(event.value)
    if "\0" in value:
        raise Invalid.at(pointer, f"Line {_line(event)}: text must not hold the NUL character.")
    return value
