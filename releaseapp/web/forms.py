"""Forms of pages: what was typed is kept, and every fault stands at its field."""

import re
from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from releaseapp.errors import Invalid, Malformed
from releaseapp.web import json_text
from releaseapp.web.request import Request

_ADDRESS = re.compile(r"[!-\[\]-~]+")
"""Printable ASCII without the backslash, which browsers take for a slash."""


class Posted(Protocol):
    """The fields of a form as they were sent: several may have one name."""

    def __contains__(self, name: object) -> bool: ...

    def get(self, name: str, default: str = "") -> str:
        """The last value of that name."""

    def getall(self, name: str) -> list[str]:
        """Every value of that name, in order."""


class FormState(msgspec.Struct, frozen=True):
    """What a form shows: the values of its fields, and what is wrong, by field and in order."""

    values: Mapping[str, Any]
    errors: dict[str, str] = {}
    general: list[str] = []


def refused(request: Request, error: Invalid) -> FormState:
    """The form as it was sent, with its faults; the answer's status says that nothing was done."""
    request.response.status_int = 400
    errors: dict[str, str] = {}
    general = []
    for fault in error.faults:
        field = fault.pointer.split("/")[1] if "/" in fault.pointer else ""
        if field and field not in errors:
            errors[field] = fault.detail
        elif field:
            errors[field] += f" {fault.detail}"
        else:
            general.append(fault.detail)
    return FormState(_typed(request), errors, general)


def _typed(request: Request) -> dict[str, str]:
    secret = ("password", "csrf_token")
    return {
        name: value
        for name, value in request.POST.items()
        if isinstance(value, str) and not any(word in name for word in secret)
    }


def json_or_text(text: str) -> Any:
    """What a person typed into a box for any value: JSON when it is JSON, else the text itself."""
    try:
        return json_text.decode(text.encode())
    except Malformed:
        return text


def as_typed(value: Any) -> str:
    """The opposite of :func:`json_or_text`: what stands in the box."""
    if isinstance(value, str) and json_or_text(value) == value:
        return value
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def local_path(address: str | None) -> str | None:
    """``address`` when it is a path on this server, else None: nobody is sent to another site from here."""
    if not address or not address.startswith("/") or address.startswith(("//", "/\\")):
        return None
    # An address as browsers send it is percent-encoded; anything else in a Location would break the answer.
    if not _ADDRESS.fullmatch(address):
        return None
    return address
