"""Forms of pages: what was typed is kept, and every fault stands at its field."""

from collections.abc import Mapping
from typing import Any

import msgspec

from releaseapp.errors import Invalid
from releaseapp.web.request import Request


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
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
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
    if any(ord(character) < 0x20 for character in address) or "\\" in address:  # noqa: PLR2004
        return None
    return address
