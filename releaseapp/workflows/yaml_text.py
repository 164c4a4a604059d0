"""Definitions as YAML: JSON's data in a form that people like to write, and nothing beyond it."""

from typing import Any

import msgspec
import yaml

from releaseapp.errors import Invalid

_DEEPEST = 60
LARGEST_BYTES = 10_485_760
_TAGS = frozenset(
    f"tag:yaml.org,2002:{name}"
    for name in ("null", "bool", "int", "float", "str", "timestamp", "merge", "value", "map", "seq")
)


class _Loader(yaml.CSafeLoader):
    """YAML's scalars as JSON has them: dates stay text, and ``yes`` is a word."""


class _Dumper(yaml.SafeDumper):
    """Writes a text of several lines as a block."""


def load(text: str) -> tuple[Any, dict[str, int]]:
    """The data of a YAML (or JSON) document, and the line of each JSON pointer in it.

    Raises Invalid naming the line for what is not YAML, for anchors and
    aliases (which can grow without end), for a key that stands twice, for keys
    that are no text, for numbers JSON does not have, and for what is nested too deep.
    """
    if len(text.encode("utf-8", "replace")) > LARGEST_BYTES:
        raise Invalid.at("", f"The document is larger than {LARGEST_BYTES:,} bytes.")
    try:
        _refuse_what_grows(text)
        root = yaml.compose(text, Loader=_Loader)
        if root is None:
            raise Invalid.at("", "The document is empty.")
        lines: dict[str, int] = {}
        return _value(root, "", lines, 0), lines
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"Line {mark.line + 1}: " if mark else ""
        raise Invalid.at("", f"{where}{getattr(error, 'problem', None) or 'this is not YAML'}.") from error
    except (ValueError, RecursionError) as error:
        raise Invalid.at("", f"This is not YAML: {error}.") from error


def line_of(lines: dict[str, int], pointer: str) -> int:
    """The line of a pointer, or of what it lies in when it points at what is missing."""
    while pointer and pointer not in lines:
        pointer = pointer.rpartition("/")[0]
    return lines.get(pointer, 1)


def dump(value: Any) -> str:
    """Data as YAML, keys in their order."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)


def _refuse_what_grows(text: str) -> None:
    """Before anything is built: depth is limited, anchors and aliases are not there."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise Invalid.at("", f"Line {_line(event.start_mark)}: anchors and aliases are not accepted here.")
        if isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            depth += 1
            if depth > _DEEPEST:
                raise Invalid.at("", f"Line {_line(event.start_mark)}: nested more than {_DEEPEST} deep.")
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            depth -= 1


def _line(mark: Any) -> int:
    return int(mark.line) + 1 if mark is not None else 1


def _value(node: yaml.Node, pointer: str, lines: dict[str, int], depth: int) -> Any:
    lines[pointer] = node.start_mark.line + 1
    if node.tag not in _TAGS:
        raise Invalid.at(pointer, f"Line {_line(node.start_mark)}: the tag {node.tag} is not accepted here.")
    if isinstance(node, yaml.MappingNode):
        found: dict[str, Any] = {}
        for key, value in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else None
            if name is None:
                raise Invalid.at(pointer, f"Line {key.start_mark.line + 1}: a key must be text.")
            if name in found:
                raise Invalid.at(pointer, f"Line {key.start_mark.line + 1}: the key {name!r} stands twice.")
            below = f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"
            found[name] = _value(value, below, lines, depth + 1)
        return found
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, f"{pointer}/{index}", lines, depth + 1) for index, item in enumerate(node.value)]
    return _scalar(node)


def _scalar(node: yaml.Node) -> Any:
    if node.tag == "tag:yaml.org,2002:null":
        return None
    if node.tag in {"tag:yaml.org,2002:bool", "tag:yaml.org,2002:int", "tag:yaml.org,2002:float"}:
        # As JSON reads them; what JSON does not have (0x1F, 1_000, .inf, yes) stays the text that was written.
        try:
            return msgspec.json.decode(node.value.lower() if node.tag.endswith("bool") else node.value)
        except msgspec.DecodeError:
            return str(node.value)
    return str(node.value)


def _block(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _block)
