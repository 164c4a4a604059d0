"""Reading what a request brings into a declared shape, and saying everything that is wrong with it."""

import re
from collections.abc import Mapping
from io import BytesIO
from typing import Any, TypeVar

import msgspec

from releaseapp.errors import Fault, Invalid, Malformed, UnsupportedMediaType, pointer_part
from releaseapp.web import json_text
from releaseapp.web.limits import too_large
from releaseapp.web.request import Request

S = TypeVar("S", bound=msgspec.Struct)

_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
_NOT_BLANK = r"\S"
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_NO_NUL = "Text must not hold the NUL character, which PostgreSQL cannot keep."


def read(request: Request, schema: type[S]) -> S:
    """The request's JSON body as ``schema``.

    Raises UnsupportedMediaType for another kind of body, Malformed when it is
    not JSON, Invalid with every fault when it does not fit, TooLarge when it is
    over ``max_body_bytes``.
    """
    if request.content_type in _FORMS:
        return read_form(request, schema)
    kind = request.content_type
    if kind and kind != "application/json" and not kind.endswith("+json"):
        raise UnsupportedMediaType(f"The body is {kind}; send application/json.")
    return fit(_parse(raw(request)), schema)


def read_optional(request: Request, schema: type[S]) -> S:
    """As :func:`read`, for a body that may be left out: then every field has its default."""
    return read(request, schema) if raw(request).strip() else fit({}, schema)


def raw(request: Request) -> bytes:
    """The body's bytes; raises TooLarge when they are over the limit, Malformed when some are missing."""
    kept: bytes | None = request.__dict__.get("_raw_body")
    if kept is not None:
        return kept
    limit = request.body_limit or request.settings.max_body_bytes
    length = request.content_length
    if length is None and not request.is_body_readable:
        body = b""
    else:
        body = request.environ["wsgi.input"].read(limit + 1 if length is None else min(length, limit + 1))
    if len(body) > limit:
        raise too_large(limit)
    if len(body) < (length or 0):
        raise Malformed("The body is shorter than its Content-Length says.")
    # Kept in memory: WebOb would move it to a temporary file.
    request.environ["wsgi.input"] = BytesIO(body)
    request.__dict__["_raw_body"] = body
    return body


def read_form(request: Request, schema: type[S], extra: Mapping[str, object] | None = None) -> S:
    """A form's fields as ``schema``: text becomes numbers and lists where the schema asks for them.

    Fields of the page's own (the CSRF token, ``next``) are dropped; ``extra``
    replaces fields that the view has read itself. The CSRF check has read the
    form by now, and the tween its length.
    """
    known = {field.encode_name for field in msgspec.structs.fields(schema)}
    values: dict[str, object] = {}
    for name, value in request.POST.items():
        if name in known and isinstance(value, str):
            _refuse_nul(name, value)
            values[name] = value.replace("\r\n", "\n")
    return fit({**values, **(extra or {})}, schema, strict=False)


def posted(request: Request) -> Any:
    """The fields of a form without a schema, as they were sent; raises Invalid for a NUL in one."""
    for name, value in request.POST.items():
        if isinstance(value, str):
            _refuse_nul(name, value)
    return request.POST


def _refuse_nul(name: str, text: str) -> None:
    if "\x00" in text:
        raise Invalid.at(_pointer(name), _NO_NUL)


def fit(value: object, schema: type[S], *, strict: bool = True) -> S:
    """``value`` as ``schema``; raises Invalid naming every fault."""
    try:
        return msgspec.convert(value, schema, strict=strict)
    except msgspec.ValidationError as error:
        raise Invalid(_faults(value, schema, str(error), strict=strict)) from error


def _parse(body: bytes) -> object:
    if not body.strip():
        raise Malformed("The body is empty; send a JSON object.")
    if _NUL.search(body):
        raise Invalid.at("", _NO_NUL)
    return json_text.decode(body)


def _faults(value: object, schema: type[msgspec.Struct], first: str, *, strict: bool) -> list[Fault]:
    """Validation stops at the first fault; on this slow path each field is tried by itself to find them all."""
    if not isinstance(value, dict):
        return [Fault("", _sentence("", first))]
    fields = {field.encode_name: field for field in msgspec.structs.fields(schema)}
    faults = [
        Fault(_pointer(str(name)), f"There is no field {name!r} here.")
        for name in value
        if name not in fields and schema.__struct_config__.forbid_unknown_fields
    ]
    for name, field in fields.items():
        if name not in value:
            if field.required:
                faults.append(Fault(_pointer(name), f"{name} is required."))
            continue
        try:
            msgspec.convert(value[name], field.type, strict=strict)
        except msgspec.ValidationError as error:
            message, below = _split(str(error))
            faults.append(Fault(_pointer(name) + below, _sentence(name, message)))
    return faults or [Fault("", _sentence("", first))]


def _pointer(name: str) -> str:
    return f"/{pointer_part(name)}"


def _split(message: str) -> tuple[str, str]:
    """A validation message ``… - at `$.a[0]` `` as message and JSON pointer."""
    text, _, path = message.partition(" - at `")
    steps = re.findall(r"\.([^.\[\]`]+)|\[(\d+|\.\.\.)\]", path.rstrip("`").lstrip("$"))
    return text, "".join("/" + (name or index) for name, index in steps)


def _sentence(name: str, message: str) -> str:
    message = _split(message)[0]
    subject = name or "The body"
    if "matching regex" in message and _NOT_BLANK in message:
        return f"{subject} must not be blank."
    known = {
        r"Expected `str` of length >= 1$": "must not be empty.",
        r"Expected `str` of length <= (\d+)": r"must be at most \1 characters long.",
        r"Expected `str` of length >= (\d+)": r"must be at least \1 characters long.",
        r"Expected `array` of length <= (\d+)": r"must have at most \1 entries.",
        r"Expected `object` of length <= (\d+)": r"must have at most \1 entries.",
        r"Expected `(?:int|float)` <= (\S+)": r"must be at most \1.",
        r"Expected `(?:int|float)` >= (\S+)": r"must be at least \1.",
        r"Invalid enum value (.*)": r"cannot be \1.",
        r"Expected `(.+)`, got `(.+)`": r"must be \1, not \2.",
        r"Object missing required field `(.+)`": r"needs the field \1.",
        r"Object contains unknown field `(.+)`": r"has no field \1.",
    }
    for pattern, sentence in known.items():
        found = re.match(pattern, message)
        if found:
            return f"{subject} {found.expand(sentence)}".replace("`", "")
    return f"{subject}: {message}."


def plain(value: Any) -> Any:
    """A msgspec value as plain JSON data, for what is stored as JSON text."""
    return msgspec.to_builtins(value)
