"""A form of a page out of a JSON Schema, and what was typed into it as JSON again."""

import re
from enum import StrEnum
from math import isinf
from typing import Any

import msgspec

from releaseapp.errors import Fault, Invalid, Malformed, pointer_part
from releaseapp.runs.approvals.values import properties_of, takes_others
from releaseapp.web import json_text
from releaseapp.web.forms import Posted, as_typed

OTHERS = "others"
"""The box for what the form's properties do not name."""
_LONG_TEXT = 200
_NUMBER = re.compile(r"-?\d+(?:[.]\d+)?(?:[eE][+-]?\d{1,3})?")
_LONGEST_NUMBER = 100
_TO_THE_MINUTE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?")
_LINES = {"textarea", "multi-line", "multiline", "markdown"}


class Kind(StrEnum):
    """What a field looks like."""

    TEXT = "text"
    LINES = "lines"
    NUMBER = "number"
    INTEGER = "integer"
    YES_NO = "yes-no"
    CHOICE = "choice"
    DATE = "date"
    MOMENT = "moment"
    EMAIL = "email"
    ADDRESS = "address"
    JSON = "json"


class Field(msgspec.Struct, frozen=True):
    """One field: ``key`` is its name in the page, ``name`` that of the property; ``shown`` what stands in it at first.

    ``choices`` are what can be chosen, each with the number by which the page sends it.
    """

    key: str
    name: str
    label: str
    kind: Kind
    required: bool
    shown: str
    help: str = ""
    choices: list[tuple[str, str]] = []
    schema: dict[str, Any] = {}

    def limit(self, *keys: str) -> str:
        """A limit of the schema for an attribute of the page; empty without one."""
        found = next((self.schema[key] for key in keys if isinstance(self.schema.get(key), int | float)), None)
        return "" if found is None else msgspec.json.encode(found).decode()


def fields_of(form: dict[str, Any]) -> list[Field]:
    """The fields of a form, in the order of its properties."""
    required = form.get("required", [])
    return [
        _field(f"field-{number}", name, schema, required=name in required)
        for number, (name, schema) in enumerate(properties_of(form).items())
    ]


def values_of(form: dict[str, Any], posted: Posted) -> dict[str, Any]:
    """What was typed, by the names of the properties; raises Invalid by the keys of the fields.

    What was left empty is left out.
    """
    values: dict[str, Any] = {}
    faults = []
    for field in fields_of(form):
        try:
            values.update(_value(field, posted.get(field.key, "")))
        except ValueError as error:
            faults.append(Fault(f"/{field.key}", str(error)))
    others = posted.get(OTHERS, "").strip()
    if others and takes_others(form):
        try:
            values = {**_others(others), **values}
        except ValueError as error:
            faults.append(Fault(f"/{OTHERS}", str(error)))
    if faults:
        raise Invalid(faults)
    return values


def by_field(form: dict[str, Any], error: Invalid) -> Invalid:
    """Faults of values, told at the fields that the values were typed into, and with their labels."""
    fields = {f"/values/{pointer_part(field.name)}": field for field in fields_of(form)}
    return Invalid([_at_field(fields, fault) for fault in error.faults])


def answers_of(form: dict[str, Any], values: dict[str, Any]) -> list[tuple[str, str]]:
    """What was answered, for people: labels and texts."""
    known = {field.name: field for field in fields_of(form)}
    answers = []
    for name, value in values.items():
        field = known.get(name)
        number = _number_of(field, value) if field and field.kind is Kind.CHOICE else None
        shown = dict(field.choices)[number] if field and number is not None else _plain(value)
        answers.append((field.label if field else name, shown))
    return answers


def _field(key: str, name: str, schema: dict[str, Any], *, required: bool) -> Field:
    options = _options(schema)
    kind = Kind.CHOICE if options is not None else _kind(schema)
    choices = [(str(number), label) for number, (_, label) in enumerate(options or [])]
    field = Field(
        key=key,
        name=name,
        label=str(schema.get("title") or name),
        kind=kind,
        required=required or ("default" in schema and kind not in {Kind.TEXT, Kind.LINES, Kind.YES_NO}),
        shown="",
        help=str(schema.get("description") or ""),
        choices=choices,
        schema=schema,
    )
    return msgspec.structs.replace(field, shown=_shown(field)) if "default" in schema else field


def _options(schema: dict[str, Any]) -> list[tuple[Any, str]] | None:
    if isinstance(schema.get("enum"), list):
        return [(value, _plain(value)) for value in schema["enum"]]
    titled = schema.get("oneOf")
    if isinstance(titled, list) and titled and all(isinstance(one, dict) and "const" in one for one in titled):
        return [(one["const"], str(one.get("title") or _plain(one["const"]))) for one in titled]
    return None


def _kind(schema: dict[str, Any]) -> Kind:
    wanted = schema.get("type")
    kinds = [kind for kind in (wanted if isinstance(wanted, list) else [wanted]) if kind != "null"]
    if kinds == ["string"]:
        return _kind_of_text(schema)
    plain = {"boolean": Kind.YES_NO, "integer": Kind.INTEGER, "number": Kind.NUMBER}
    return plain.get(str(kinds[0]), Kind.JSON) if len(kinds) == 1 else Kind.JSON


def _kind_of_text(schema: dict[str, Any]) -> Kind:
    written = schema.get("format")
    kinds = {"date": Kind.DATE, "date-time": Kind.MOMENT, "email": Kind.EMAIL, "uri": Kind.ADDRESS}
    if written in kinds:
        return kinds[written]
    longest = schema.get("maxLength", 0)
    return Kind.LINES if written in _LINES or schema.get("box") == "lines" or longest > _LONG_TEXT else Kind.TEXT


def _shown(field: Field) -> str:
    default = field.schema["default"]
    if field.kind is Kind.CHOICE:
        return _number_of(field, default) or ""
    if field.kind is Kind.YES_NO:
        return "yes" if default is True else ""
    if field.kind is Kind.MOMENT:
        return str(default).removesuffix("Z")
    if field.kind is Kind.JSON:
        return msgspec.json.format(msgspec.json.encode(default), indent=2).decode()
    return _plain(default)


def _number_of(field: Field, value: Any) -> str | None:
    found = (number for number, (option, _) in enumerate(_options(field.schema) or []) if _same(option, value))
    return next((str(number) for number in found), None)


def _same(one: Any, other: Any) -> bool:
    # To JSON true is not 1, though Python takes them for the same.
    return msgspec.json.encode(one, order="sorted") == msgspec.json.encode(other, order="sorted")


def _value(field: Field, typed: str) -> dict[str, Any]:
    """The value of one field by its name, nothing when it was left empty; raises ValueError with a sentence."""
    if field.kind is Kind.YES_NO:
        return {field.name: bool(typed)}
    text = typed.replace("\r\n", "\n")
    if field.kind in {Kind.TEXT, Kind.LINES}:
        # Emptied where a text was suggested, it was meant to be empty.
        return {field.name: text} if text.strip() or field.shown else {}
    text = text.strip()
    if not text:
        if field.shown:
            raise ValueError(f"{field.label} must not be left empty.")
        return {}
    return {field.name: _read(field, text)}


def _read(field: Field, text: str) -> Any:
    if field.kind is Kind.CHOICE:
        options = _options(field.schema) or []
        if not (text.isascii() and text.isdigit() and len(text) <= len(str(len(options))) and int(text) < len(options)):
            raise ValueError(f"{field.label} must be one of those that can be chosen.")
        return options[int(text)][0]
    if field.kind in {Kind.NUMBER, Kind.INTEGER}:
        if not _NUMBER.fullmatch(text) or len(text) > _LONGEST_NUMBER or isinf(float(text)):
            raise ValueError(f"{field.label} must be a number such as {'3' if field.kind is Kind.INTEGER else '3.5'}.")
        return int(text) if text.lstrip("-").isdigit() else float(text)
    if field.kind is Kind.MOMENT:
        return f"{text if text.count(':') > 1 else text + ':00'}Z" if _TO_THE_MINUTE.fullmatch(text) else text
    return _json(field.label, text) if field.kind is Kind.JSON else text


def _others(text: str) -> dict[str, Any]:
    try:
        return msgspec.convert(_json("More answers", text), dict[str, Any])
    except msgspec.ValidationError as error:
        raise ValueError('More answers must be a JSON object, such as {"a": 1}.') from error


def _json(label: str, text: str) -> Any:
    try:
        return json_text.decode(text.encode())
    except Malformed as error:
        raise ValueError(f'{label} must be JSON, such as ["a", "b"] or {{"a": 1}}. {error}') from error


def _at_field(fields: dict[str, Field], fault: Fault) -> Fault:
    if not fault.pointer.startswith("/values"):
        return fault
    field = fields.get("/".join(fault.pointer.split("/")[:3]))
    if field is None:
        return Fault("", fault.detail)
    rest = fault.detail.removeprefix(field.name)
    return Fault(f"/{field.key}", fault.detail if rest == fault.detail else field.label + rest)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else as_typed(value)
