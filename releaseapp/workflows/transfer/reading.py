"""From the bytes of a file to its data, within limits: JSON or YAML, every refusal with its line."""

import json
import re
from collections.abc import Callable
from typing import Any, Literal

import msgspec

from releaseapp.errors import Invalid, TooLarge
from releaseapp.web.json_text import is_deeper
from releaseapp.workflows import yaml_text
from releaseapp.workflows.transfer.places import number_too_large, places

Format = Literal["json", "yaml"]

DEEPEST = 110
"""A definition may be nested 100 deep, and stands a few levels down in its file."""

_STRING = re.compile(r'"(?:[^"\\]++|\\(?s:.))*+(?:"|\\?\Z)')
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
_HALF_A_CHARACTER = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])")
_LONGEST_PLACED = 2_097_152
"""Finding the lines takes seconds in a longer text: there, faults have their pointers alone."""
_BYTE = re.compile(r" \(byte (\d+)\)")


class Limits(msgspec.Struct, frozen=True):
    """How much a file may hold: ``effort`` bounds what checking its definitions may cost."""

    bytes: int
    json_values: int
    yaml_values: int
    workflows: int
    effort: int


OVER_HTTP = Limits(10_485_760, 1_000_000, yaml_text.MOST_VALUES, 500, 15_000)
FROM_THE_SHELL = Limits(1_073_741_824, 50_000_000, 10_000_000, 100_000, 10_000_000)
"""Who may start the command may keep the machine busy."""


class File(msgspec.Struct, frozen=True):
    """What a file says, and a function that finds the line of each pointer."""

    value: Any
    text: str
    lines: Callable[[], dict[str, int]]


def read_file(data: bytes, given: Format | None, limits: Limits) -> File:
    """The data of a file that is said to be of the format ``given``, or of the one that it looks like.

    Raises TooLarge, and Invalid with the line for what cannot be read.
    """
    if len(data) > limits.bytes:
        raise TooLarge(f"The file is larger than {limits.bytes:,} bytes; export fewer workflows at a time.")
    text = _decoded(data)
    if not text.strip():
        raise Invalid.at("", "The file is empty.")
    if given == "json" or (given is None and text.lstrip()[0] in "{["):
        return File(_json(text, limits.json_values), text, lambda: places(text) if len(text) <= _LONGEST_PLACED else {})
    value, lines = yaml_text.load(text, deepest=DEEPEST, most_values=limits.yaml_values, largest=limits.bytes)
    return File(value, text, lambda: lines)


def _decoded(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Invalid.at("", "The file is UTF-16; save it as UTF-8.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Invalid.at("", f"Line {line}: this is not UTF-8 text; save the file as UTF-8.") from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _json(text: str, most_values: int) -> Any:
    _refuse_many(text, most_values)
    if "\\u0000" in text and (nul := _NUL.search(text)):
        raise Invalid.at("", f"Line {_line(text, nul.start())}: text must not hold the NUL character.")
    try:
        value = msgspec.json.decode(text)
    except msgspec.ValidationError as error:
        line = number_too_large(text)
        sentence = "this number is too large; put it into quotes, so that it is text."
        raise Invalid.at("", f"Line {line or 1}: {sentence}") from error
    except msgspec.DecodeError as error:
        raise Invalid.at("", _sentence(text, str(error))) from error
    except UnicodeEncodeError as error:
        raise Invalid.at("", f"Line {_line(text, error.start)}: this is not text.") from error
    except RecursionError as error:
        raise Invalid.at("", f"The file is nested more than {DEEPEST} deep.") from error
    if text.count("[") + text.count("{") > DEEPEST and is_deeper(value, DEEPEST):
        raise Invalid.at("", f"The file is nested more than {DEEPEST} deep.")
    _refuse_keys_twice(text)
    return value


def _refuse_many(text: str, most_values: int) -> None:
    """Counts what separates values, so that nothing is built of a file that holds too many."""
    if sum(map(text.count, ",[{")) <= most_values:
        return
    bare = _STRING.sub("", text)
    if sum(map(bare.count, ",[{")) > most_values:
        raise Invalid.at("", f"The file holds more than {most_values:,} values; export fewer workflows at a time.")


def _refuse_keys_twice(text: str) -> None:
    def note(pairs: list[tuple[str, Any]]) -> None:
        if len(pairs) > 1 and len({name for name, _ in pairs}) < len(pairs):
            raise _Twice(_first_again([name for name, _ in pairs]))

    try:
        json.loads(text, object_pairs_hook=note)
    except _Twice as error:
        if len(text) <= _LONGEST_PLACED:
            places(text)
        raise Invalid.at("", f"The key {str(error)[:100]!r} stands twice in one object.") from error


def _first_again(names: list[str]) -> str:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return ""


class _Twice(Exception):
    """Some key stands twice; where is found out on a second, slower reading."""


def _sentence(text: str, problem: str) -> str:
    half = _HALF_A_CHARACTER.search(text)
    if half is not None:
        return f"Line {_line(text, half.start())}: {half[0]} is half a character (a lone surrogate), which is no text."
    found = _BYTE.search(problem)
    if found is None:
        return "This is not JSON: the file ends too early."
    before = text.encode()[: int(found[1])]
    rest = text[len(before.decode("utf-8", "ignore")) :]
    word = re.match(r"-?(?:NaN|Infinity)", rest) or re.match(r"NaN|Infinity", rest.lstrip("-"))
    told = f"JSON has no {word[0]}; give a number, or null" if word else problem.replace(found[0], "")
    line = before.count(b"\n") + 1
    return f"Line {line}: this is not JSON: {told.removeprefix('JSON is malformed: ')}."


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1
