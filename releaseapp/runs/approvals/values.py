"""What an approval's form may be, and whether what was answered fits it."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import msgspec
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import SchemaError, ValidationError

from releaseapp import clock
from releaseapp.errors import Fault, Invalid, pointer_part
from releaseapp.json_schema import validator_of
from releaseapp.runs.approvals.sentences import sentence_for

MOST_PROPERTIES = 100
MOST_PARTS = 400
LARGEST_VALUES_BYTES = 65_536
_MOST_FAULTS = 50
_KEPT = 128
_OPENING = {"additionalProperties", "unevaluatedProperties"}
_COMPOSING = {"allOf", "anyOf", "oneOf", "if", "$ref", "$dynamicRef", "dependentSchemas"}


def check_form(form: dict[str, Any]) -> str | None:
    """What is wrong with a form, in a sentence; None when it will do."""
    return _fault_of_form(msgspec.json.encode(form))


def check_values(form: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    """The answers with defaults filled in; raises Invalid with every fault, by pointers that begin with /values."""
    size = len(msgspec.json.encode(values))
    if size > LARGEST_VALUES_BYTES:
        raise Invalid.at("/values", f"values has {size:,} bytes of JSON; it may have {LARGEST_VALUES_BYTES:,}.")
    filled = {**defaults_of(form), **values}
    try:
        faults = list(_faults(_validator_of(msgspec.json.encode(form)), filled))
    except RecursionError:
        raise Invalid.at("/values", "values is nested too deep.") from None
    if faults:
        raise Invalid(faults)
    return filled


def properties_of(form: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The properties that a form names, each with its schema; of ``true`` and ``false`` an empty one."""
    properties = form.get("properties", {})
    return {name: schema if isinstance(schema, dict) else {} for name, schema in properties.items()}


def defaults_of(form: dict[str, Any]) -> dict[str, Any]:
    """What is answered unless something else is."""
    return {name: schema["default"] for name, schema in properties_of(form).items() if "default" in schema}


def takes_others(form: dict[str, Any]) -> bool:
    """Whether something may be answered that the form's properties do not name."""
    opened = any(form.get(key, False) is not False for key in _OPENING)
    return opened or bool({*_COMPOSING, "patternProperties"} & set(form))


@lru_cache(maxsize=_KEPT)
def _fault_of_form(text: bytes) -> str | None:
    form = msgspec.json.decode(text)
    fault = next(_faults_of_shape(form), None)
    if fault is not None:
        return fault
    try:
        Draft202012Validator.check_schema(form)
        _validator_of(text).is_valid({})
    except SchemaError as error:
        where = "".join(f"/{pointer_part(str(part))}" for part in error.absolute_path)
        return f"form{where} is not a JSON Schema: {error.message[:300]}."
    except RecursionError:
        return "form is nested too deep, or refers to itself."
    return None


def _faults_of_shape(form: dict[str, Any]) -> Iterator[str]:
    if form.get("type", "object") != "object":
        yield "form must be a JSON Schema of the type object."
    number = len(form["properties"]) if isinstance(form.get("properties"), dict) else 0
    if number > MOST_PROPERTIES:
        yield f"form has {number} properties; it may have {MOST_PROPERTIES}."
    parts = list(_parts(form))
    # Each of them costs the check some 0.4 ms.
    if len(parts) > MOST_PARTS:
        yield f"form has {len(parts)} parts; it may have {MOST_PARTS}."
    for reference in (part[key] for part in parts for key in ("$ref", "$dynamicRef") if key in part):
        if not (isinstance(reference, str) and _leads_somewhere(form, reference)):
            yield f"form refers to {reference!r}; it may refer to its own parts alone, such as #/$defs/size."


def _leads_somewhere(form: dict[str, Any], reference: str) -> bool:
    if reference == "#":
        return True
    if not reference.startswith("#/"):
        return False
    place: Any = form
    for part in reference[2:].split("/"):
        name = part.replace("~1", "/").replace("~0", "~")
        if not isinstance(place, dict) or name not in place:
            return False
        place = place[name]
    return isinstance(place, dict | bool)


@lru_cache(maxsize=_KEPT)
def _validator_of(text: bytes) -> Draft202012Validator:
    form = msgspec.json.decode(text)
    if not _OPENING & set(form):
        form = {**form, "unevaluatedProperties" if _COMPOSING & set(form) else "additionalProperties": False}
    return validator_of({"type": "object", **form}, _formats())


def _formats() -> FormatChecker:
    checker = FormatChecker(())
    checker.checkers = dict(Draft202012Validator.FORMAT_CHECKER.checkers)
    checker.checks("date-time", raises=(ValueError, OverflowError))(_is_moment)
    checker.checks("uri", raises=ValueError)(_is_address)
    return checker


def _is_moment(value: object) -> bool:
    return not isinstance(value, str) or ("T" in value.upper() and bool(clock.parse(value)))


def _is_address(value: object) -> bool:
    if not isinstance(value, str):
        return True
    parts = urlsplit(value)
    return bool(parts.scheme and (parts.netloc or parts.path)) and not any(sign.isspace() for sign in value)


def _parts(value: object) -> Iterator[dict[str, Any]]:
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            yield part
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)


def _faults(validator: Draft202012Validator, values: dict[str, Any]) -> Iterator[Fault]:
    told: set[tuple[str, str]] = set()
    for error in validator.iter_errors(values):
        for path, sentence in _told(error):
            pointer = "/values" + "".join(f"/{pointer_part(part)}" for part in path)
            if (pointer, sentence) not in told:
                told.add((pointer, sentence))
                yield Fault(pointer, sentence)
            if len(told) >= _MOST_FAULTS:
                return


def _told(error: ValidationError) -> Iterator[tuple[list[str], str]]:
    """Where an error stands and what it says: for names that are missing or too many, once for each."""
    here = [str(part) for part in error.absolute_path]
    schema: Any = error.schema
    found: Any = error.instance
    if error.validator == "required":
        for name in schema["required"]:
            if name not in found:
                yield [*here, name], f"{name} is required."
    elif error.validator == "additionalProperties" and schema["additionalProperties"] is False:
        for name in found:
            if name not in schema.get("properties", {}):
                yield [*here, name], f"There is no field {name!r} here."
    else:
        yield here, sentence_for(error)
