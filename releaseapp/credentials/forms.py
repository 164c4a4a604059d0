"""The forms of credentials: made from the schema of a type, read into the shape of the JSON body.

A secret that was typed is never put back into a page, not even beside a fault.
"""

from typing import Any

import msgspec

from releaseapp.credentials.models import Credential, CredentialType
from releaseapp.credentials.types import KINDS
from releaseapp.errors import Fault, Invalid
from releaseapp.web.bodies import posted
from releaseapp.web.forms import FormState, Posted
from releaseapp.web.request import Request

FIELD = "field-"
"""Stands before the fields of a type, which could be called like the form's own."""
ROWS = 6
"""How many fields a custom credential has in its form; over JSON it may have more."""


def body_of(request: Request, kind: CredentialType) -> dict[str, Any]:
    """The form for a new credential as a JSON body; raises Invalid for a NUL."""
    form = posted(request)
    return {"type": kind, **about_of(request), **fields_of(form, kind)}


def about_of(request: Request) -> dict[str, Any]:
    """What a form says of a credential beside its fields."""
    form = posted(request)
    about = {"name": form.get("name", ""), "scopes": _lines(form, "scopes")}
    # A type that has an address of its own has no such box.
    return {**about, "allowed_hosts": _lines(form, "allowed_hosts")} if "allowed_hosts" in form else about


def fields_of(form: Posted, kind: CredentialType) -> dict[str, Any]:
    """The fields of the type, and which of a custom credential are to be shown."""
    if kind is CredentialType.CUSTOM:
        return _custom(form)
    fields: dict[str, Any] = {}
    for field in KINDS[kind].fields:
        text = form.get(FIELD + field.name, "")
        if not text and not field.required and (field.secret or field.is_number or field.choices):
            continue
        is_number = field.is_number and text.strip().isascii() and text.strip().isdigit()
        fields[field.name] = int(text) if is_number else text
    return {"fields": fields}


def empty(kind: CredentialType) -> FormState:
    """The form for a new credential of that type, with the defaults of its fields."""
    return FormState({FIELD + field.name: field.default for field in KINDS[kind].fields if not field.secret})


def filled(credential: Credential, revision: int) -> FormState:
    """The form with what may be shown of a credential."""
    values = {
        "name": credential.name,
        "allowed_hosts": "\n".join(credential.allowed_hosts),
        "scopes": "\n".join(credential.scopes),
        "revision": str(revision),
    }
    if credential.type is CredentialType.CUSTOM:
        names = [*credential.secret_fields, *credential.fields]
        for number, name in enumerate(names, start=1):
            values[f"name-{number}"] = name
            values[f"shown-{number}"] = "1" if name in credential.fields else ""
    return FormState(values | {FIELD + name: text for name, text in credential.fields.items()})


def refused(request: Request, kind: CredentialType, error: Exception) -> FormState:
    """The form as it was sent but for its secrets, with what is wrong with it; the answer is 400 or 409."""
    faults = error.faults if isinstance(error, Invalid) else (Fault("", str(error)),)
    request.response.status_int = 400 if isinstance(error, Invalid) else 409
    errors: dict[str, str] = {}
    general = []
    for fault in faults:
        name = _box_of(request, kind, fault.pointer)
        if name:
            errors[name] = f"{errors[name]} {fault.detail}" if name in errors else fault.detail
        else:
            general.append(fault.detail)
    return FormState(_typed(request, kind), errors, general)


def row_count(form: FormState) -> int:
    """How many rows a form for a custom credential shows: those that are filled, and some more."""
    return max(ROWS, sum(name.startswith("name-") and bool(text) for name, text in form.values.items()) + 1)


def _custom(form: Posted) -> dict[str, Any]:
    fields: dict[str, str] = {}
    public = []
    for name, number in _rows(form):
        if name in fields:
            raise Invalid.at("/fields", f"There are two fields {name!r}.")
        fields[name] = form.get(f"value-{number}")
        if form.get(f"shown-{number}"):
            public.append(name)
    return {"fields": fields, "public": public}


def _rows(form: Posted) -> list[tuple[str, int]]:
    rows = []
    number = 1
    while f"name-{number}" in form:
        name = form.get(f"name-{number}").strip()
        if name or form.get(f"value-{number}"):
            rows.append((name, number))
        number += 1
    return rows


def _box_of(request: Request, kind: CredentialType, pointer: str) -> str:
    """The box that a fault's pointer means; empty for the form as a whole."""
    parts = pointer.split("/")[1:]
    if not parts:
        return ""
    if parts[0] != "fields":
        return "" if parts[0] == "public" else parts[0]
    if len(parts) == 1:
        return ""
    if kind is not CredentialType.CUSTOM:
        return FIELD + parts[1]
    number = next((number for name, number in _rows(request.POST) if name == parts[1].replace("~1", "/")), None)
    return f"value-{number}" if number else ""


def _typed(request: Request, kind: CredentialType) -> dict[str, str]:
    secret = {"csrf_token", *(FIELD + field.name for field in KINDS[kind].fields if field.secret)}
    return {
        name: value
        for name, value in request.POST.items()
        if isinstance(value, str) and name not in secret and not name.startswith("value-")
    }


def _lines(form: Posted, name: str) -> list[str]:
    return [line.strip() for line in form.get(name, "").replace(",", "\n").splitlines() if line.strip()]


class RevisionForm(msgspec.Struct, frozen=True):
    """What a form says of itself: the revision it was filled with, and whether to go on though something breaks."""

    revision: int | None = None
    force: bool = False


def about_form(request: Request) -> RevisionForm:
    """The hidden parts of a form; what makes no sense counts as left out."""
    text = request.POST.get("revision", "")
    is_number = isinstance(text, str) and text.isascii() and text.isdigit() and len(text) < 12  # noqa: PLR2004
    return RevisionForm(int(text) if is_number else None, request.POST.get("force") == "1")
