"""A YAML text that says something else now: only what is different is written anew, comments and style stay.

The text is changed by pieces; what comes out is read again and thrown away
unless it says exactly what it should. So a comment may be lost, data never.
"""

from collections.abc import Iterator
from typing import Any

import msgspec
import yaml

from releaseapp.errors import Invalid
from releaseapp.workflows import yaml_text
from releaseapp.workflows.models import Version

LONGEST_SOURCE = 131_072
"""Characters; a longer text is not kept beside its definition."""

Edit = tuple[int, int, str]


class _Whole(Exception):
    """The part has a form that cannot be changed piece by piece."""


def text_of(version: Version) -> str:
    """The YAML of a version: as it was written, or made from its definition."""
    return version.source or yaml_text.dump(version.data())


def worth_keeping(source: str, definition: Any) -> str | None:
    """The text as it was written, when it says more than the definition alone; else None."""
    source = source.replace("\r\n", "\n")
    return source if len(source) <= LONGEST_SOURCE and source.strip() != yaml_text.dump(definition).strip() else None


def keep(source: str, before: Any, after: Any) -> str | None:
    """``source``, which says ``before``, changed so that it says ``after``; None when that cannot be done."""
    try:
        root: Any = yaml.compose(source, Loader=yaml.CSafeLoader)
        edits = sorted(_Changes(source).of_value(root, before, after), reverse=True)
        text = source
        for start, end, piece in edits:
            text = text[:start] + piece + text[end:]
        said = yaml_text.load(text)[0]
    except (_Whole, Invalid, yaml.YAMLError):
        return None
    return text if _bytes(said) == _bytes(after) else None


def _bytes(value: Any) -> bytes:
    return msgspec.json.encode(value, order="deterministic")


class _Changes:
    """The edits that turn one value in a text into another."""

    def __init__(self, source: str) -> None:
        self._source = source

    def of_value(self, node: yaml.Node, before: Any, after: Any) -> Iterator[Edit]:
        """Raises _Whole where the node must be replaced by whoever holds it."""
        if _bytes(before) == _bytes(after):
            return
        if getattr(node, "flow_style", True) or not before or not after:
            raise _Whole
        if isinstance(node, yaml.MappingNode) and isinstance(before, dict) and isinstance(after, dict):
            yield from self._of_mapping(node, before, after)
        elif isinstance(node, yaml.SequenceNode) and isinstance(before, list) and isinstance(after, list):
            yield from self._of_sequence(node, before, after)
        else:
            raise _Whole

    def _of_mapping(self, node: yaml.MappingNode, before: dict[str, Any], after: dict[str, Any]) -> Iterator[Edit]:
        column = node.start_mark.column
        kept: yaml.Node | None = None
        for key, value in node.value:
            name = key.value
            if name not in after:
                start = key.start_mark.index - key.start_mark.column
                if self._source[start : key.start_mark.index].strip():
                    raise _Whole  # It stands behind the dash of a list.
                yield start, self._line_end(value) + 1, ""
                continue
            kept = value
            try:
                yield from list(self.of_value(value, before[name], after[name]))
            except _Whole:
                yield key.start_mark.index, self._end(value), _indented({name: after[name]}, column)
        added = {name: value for name, value in after.items() if name not in before}
        if added:
            if kept is None:
                raise _Whole
            end = self._line_end(kept)
            yield end, end, f"\n{' ' * column}{_indented(added, column)}"

    def _of_sequence(self, node: yaml.SequenceNode, before: list[Any], after: list[Any]) -> Iterator[Edit]:
        if len(before) == len(after):
            for item, old, new in zip(node.value, before, after, strict=True):
                try:
                    yield from list(self.of_value(item, old, new))
                except _Whole:
                    yield item.start_mark.index, self._end(item), _indented(new, item.start_mark.column)
            return
        chunks = list(self._chunks(node))
        known = {_bytes(value): chunk for value, chunk in zip(before, chunks, strict=True)}
        pad = " " * node.start_mark.column
        text = "".join(known.get(_bytes(value)) or f"{pad}- {_indented(value, len(pad) + 2)}\n" for value in after)
        start = node.start_mark.index - node.start_mark.column
        yield start, start + sum(map(len, chunks)), text

    def _chunks(self, node: yaml.SequenceNode) -> Iterator[str]:
        """The lines of each item, with the comments above it."""
        start = node.start_mark.index - node.start_mark.column
        for item in node.value:
            end = min(self._line_end(item) + 1, len(self._source))
            chunk = self._source[start:end]
            yield chunk if chunk.endswith("\n") else f"{chunk}\n"
            start = end

    def _end(self, node: yaml.Node) -> int:
        """Where the last character of a node stands, without the comments that follow."""
        if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
            last = node.value[-1]
            return self._end(last[1] if isinstance(last, tuple) else last)
        start, end = node.start_mark.index, node.end_mark.index
        return start + len(self._source[start:end].rstrip()) if end > start else int(end)

    def _line_end(self, node: yaml.Node) -> int:
        found = self._source.find("\n", self._end(node))
        return found if found >= 0 else len(self._source)


def _indented(value: Any, column: int) -> str:
    """A value as YAML whose first line stands at ``column`` already."""
    return yaml_text.dump(value).rstrip("\n").replace("\n", "\n" + " " * column).strip()
