"""On which line of a JSON text each value stands; asked only when there is something to complain of."""

import re

import msgspec

from releaseapp.errors import Invalid, pointer_part

_PART = re.compile(r'"(?:[^"\\]++|\\.)*+"|[\[\]{}:,]|[^\s\[\]{}:,"]++')


class _Frame(msgspec.Struct):
    """An object or a list that is being read: what it is called, and what comes next in it."""

    pointer: str
    keys: set[str] | None
    key: str | None = None
    index: int = 0

    def below(self) -> str:
        """The pointer of the value that comes next."""
        name = str(self.index) if self.keys is None else (self.key or "")
        return f"{self.pointer}/{pointer_part(name)}"


def places(text: str) -> dict[str, int]:
    """The line of each JSON pointer in a text that is JSON; raises Invalid for a key that stands twice."""
    lines: dict[str, int] = {}
    stack: list[_Frame] = []
    line, seen = 1, 0
    for match in _PART.finditer(text):
        part = match[0]
        line += text.count("\n", seen, match.start())
        seen = match.start()
        frame = stack[-1] if stack else None
        if frame is not None and _goes_on(frame, part, line):
            continue
        if part in "]}":
            stack.pop()
            continue
        pointer = "" if frame is None else frame.below()
        lines[pointer] = line
        if part in "[{":
            stack.append(_Frame(pointer, set() if part == "{" else None))
    return lines


def number_too_large(text: str) -> int | None:
    """The line of the first number that cannot be kept, or None."""
    for match in _PART.finditer(text):
        if match[0][0] in "-0123456789":
            try:
                msgspec.json.decode(match[0])
            except msgspec.DecodeError:
                return text.count("\n", 0, match.start()) + 1
    return None


def _goes_on(frame: _Frame, part: str, line: int) -> bool:
    """Takes up a key, a comma or a colon; False for everything else."""
    if part == ",":
        frame.key, frame.index = None, frame.index + 1
        return True
    if part == ":":
        return True
    if frame.keys is None or frame.key is not None or part[0] != '"':
        return False
    frame.key = msgspec.json.decode(part, type=str)
    if frame.key in frame.keys:
        raise Invalid.at(frame.pointer, f"Line {line}: the key {frame.key[:100]!r} stands twice.")
    frame.keys.add(frame.key)
    return True
