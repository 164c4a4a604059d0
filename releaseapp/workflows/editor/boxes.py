"""The boxes of a form: made from a config's schema, filled from a value, read back into one.

What was not touched keeps its value exactly, also where a box could write it
in two ways (the text ``"5"`` and the number ``5``).
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import NODEFAULT, UNSET, UnsetType, inspect

from releaseapp.errors import Invalid
from releaseapp.web.forms import Posted, as_typed, json_or_text


class Box(StrEnum):
    """How a value is written. ``data`` is JSON, or text where it is none."""

    AGENT = "agent"
    CHOICE = "choice"
    DATA = "data"
    JSON = "json"
    LINES = "lines"
    LIST = "list"
    NUMBER = "number"
    ROWS = "rows"
    TEXT = "text"
    WORKFLOW = "workflow"
    YES_NO = "yes_no"


_OF_ONE_TEXT = {Box.TEXT, Box.LINES, Box.AGENT, Box.WORKFLOW, Box.CHOICE}
_TAKES_NO_EXPRESSION = {Box.CHOICE, Box.YES_NO, Box.ROWS, Box.LIST, Box.AGENT, Box.WORKFLOW}


class Field(msgspec.Struct, frozen=True):
    """One field of a config. ``texts``: whether the values of its rows are always text."""

    name: str
    box: Box
    help: str
    required: bool
    default: Any
    choices: tuple[str, ...] = ()
    texts: bool = False

    @property
    def label(self) -> str:
        """The name as people read it."""
        return {"url": "URL", "sql": "SQL"}.get(self.name, self.name.replace("_", " ").capitalize())


def fields_of(config: type[msgspec.Struct]) -> list[Field]:
    """The fields of a config, in the order in which they are declared."""
    info = inspect.type_info(config)
    assert isinstance(info, inspect.StructType)
    return [_field(field) for field in info.fields]


def _field(field: inspect.Field) -> Field:
    kind: Any = field.type
    about: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    while isinstance(kind, inspect.Metadata):
        about = {**(kind.extra_json_schema or {}), **about}
        extra = {**(kind.extra or {}), **extra}
        kind = kind.type
    kinds = [_bare(one) for one in kind.types] if isinstance(kind, inspect.UnionType) else [kind]
    known = next(one for one in kinds if not isinstance(one, inspect.NoneType))
    return Field(
        name=field.encode_name,
        box=Box(extra["box"]) if "box" in extra else _box_of(known),
        help=about.get("description", ""),
        required=field.required,
        default=field.default if field.default_factory is NODEFAULT else field.default_factory(),
        choices=tuple(map(str, known.values)) if isinstance(known, inspect.LiteralType) else (),
        texts=isinstance(known, inspect.DictType) and isinstance(_bare(known.value_type), inspect.StrType),
    )


def _bare(kind: Any) -> Any:
    while isinstance(kind, inspect.Metadata):
        kind = kind.type
    return kind


def _box_of(kind: inspect.Type) -> Box:
    boxes: Mapping[type[inspect.Type], Box] = {
        inspect.StrType: Box.TEXT,
        inspect.IntType: Box.NUMBER,
        inspect.FloatType: Box.NUMBER,
        inspect.BoolType: Box.YES_NO,
        inspect.LiteralType: Box.CHOICE,
        inspect.DictType: Box.ROWS,
        inspect.ListType: Box.LIST,
        inspect.AnyType: Box.DATA,
    }
    return boxes[type(kind)]


def box_for(field: Field, value: Any) -> Box:
    """The box that can show this value: its field's own, unless the value needs a wider one."""
    box = field.box
    if value is None or value is UNSET:
        return box
    if box in _TAKES_NO_EXPRESSION and isinstance(value, str) and "{{" in value:
        return Box.TEXT
    fits = {
        Box.ROWS: isinstance(value, dict)
        and all(isinstance(item, str) if field.texts else True for item in value.values()),
        Box.LIST: isinstance(value, list) and all(isinstance(item, str) and "\n" not in item for item in value),
        Box.TEXT: isinstance(value, str) and "\n" not in value,
        Box.CHOICE: value in field.choices,
        Box.YES_NO: isinstance(value, bool),
    }
    if fits.get(box, True):
        return box
    return Box.LINES if isinstance(value, str) else Box.DATA


def typed(field: Field, value: Any) -> str:
    """What stands in the box for a value; for rows see :func:`rows_of`."""
    if value is UNSET:
        return ""
    if isinstance(value, str) and field.box in _OF_ONE_TEXT:
        return value
    if field.box is Box.LIST and box_for(field, value) is Box.LIST:
        return "\n".join(value)
    return "" if value is None else as_typed(value)


def rows_of(field: Field, value: Any) -> list[tuple[str, str]]:
    """The rows of names and values that a mapping is shown as."""
    if not isinstance(value, dict):
        return []
    return [(name, item if field.texts else as_typed(item)) for name, item in value.items()]


def read(field: Field, name: str, form: Posted, before: Any) -> Any:
    """The value that a form has for a field, ``before`` being the one it was filled with.

    Gives UNSET when the field is left out. Raises Invalid at ``/<name>`` for
    rows without a name and names that stand twice.
    """
    if f"{name}.key" in form:
        return _kept(field, _read_rows(field, name, form, before), before)
    text = lines(form.get(name, ""))
    if lines(typed(field, before)) == text:
        return before
    return _kept(field, _read_text(field, text), before)


def _read_text(field: Field, text: str) -> Any:
    if field.box is Box.LIST and not text.lstrip().startswith(("[", "{{")):
        return [line.strip() for line in text.split("\n") if line.strip()]
    if field.box in _OF_ONE_TEXT:
        return text
    return json_or_text(text) if text.strip() else UNSET


def _read_rows(field: Field, name: str, form: Posted, before: Any) -> dict[str, Any]:
    known = before if isinstance(before, dict) else {}
    found: dict[str, Any] = {}
    for named, written in zip(form.getall(f"{name}.key"), form.getall(f"{name}.value"), strict=False):
        key, text = named.strip(), lines(written)
        if not key and not text.strip():
            continue
        if not key:
            raise Invalid.at(f"/{name}", f"A row of {field.label.lower()} has a value but no name.")
        if key in found:
            raise Invalid.at(f"/{name}", f"{field.label} has {key!r} twice.")
        if key in known and lines(known[key] if field.texts else as_typed(known[key])) == text:
            found[key] = known[key]
        else:
            found[key] = text if field.texts else json_or_text(text)
    return found


def _kept(field: Field, value: Any, before: Any) -> Any | UnsetType:
    """The value, or UNSET where it says no more than leaving it out does."""
    if before is UNSET and not field.required and value in (field.default, "", None):
        return UNSET
    return UNSET if value == "" and not field.required else value


def lines(text: Any) -> str:
    """A text as forms send it, with plain newlines; the empty text for what is no text."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if isinstance(text, str) else ""
