"""What a credential is made of: checked, taken apart into what is shown and what is sealed, put together again."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import UnsetType

from releaseapp.credentials import addresses, hosts
from releaseapp.credentials.models import Credential, CredentialState, CredentialType, Secret, VaultLocked
from releaseapp.credentials.types import KINDS, LONGEST_SECRET
from releaseapp.credentials.vault import Vault
from releaseapp.errors import Fault, Invalid, pointer_part
from releaseapp.web.bodies import fit

_FIELD_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_MOST_FIELDS = 50
_LARGEST_BYTES = 262_144
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class Content(msgspec.Struct, frozen=True):
    """The fields of a credential: all of them, those that may be shown, the names of the secret ones, its own hosts."""

    fields: dict[str, str]
    shown: dict[str, str]
    secret_fields: list[str]
    hosts: list[str]

    def __repr__(self) -> str:
        return f"Content(secret_fields={self.secret_fields!r})"


def content_of(kind: CredentialType, fields: dict[str, Any], public: Sequence[str], vault: Vault) -> Content:
    """The fields of a credential, checked; raises Invalid with every fault, by pointers into the body."""
    faults = list(_faults_of_public(kind, fields, public))
    try:
        texts = _custom(fields) if kind is CredentialType.CUSTOM else _texts(kind, fields)
    except Invalid as error:
        faults += [Fault(f"/fields{fault.pointer}", fault.detail) for fault in error.faults]
        raise Invalid(faults) from None
    found = [*KINDS[kind].faults(texts), *_faults_of_file(kind, texts, vault)]
    faults += [Fault(f"/fields{fault.pointer}", fault.detail) for fault in found]
    if faults:
        raise Invalid(faults)
    names = (
        [name for name in texts if name not in public] if kind is CredentialType.CUSTOM else _secrets_of(kind, texts)
    )
    shown = {name: text for name, text in texts.items() if name not in names and text}
    if kind is CredentialType.DATABASE:
        shown["address"] = addresses.shown_database(texts["url"])
    return Content(texts, shown, names, KINDS[kind].hosts(texts))


def pack(content: Content) -> bytes:
    """What is sealed: every field."""
    return msgspec.json.encode(content.fields)


def unpack(state: CredentialState, packed: bytes, vault: Vault) -> Secret:
    """The credential, opened; raises VaultLocked when its address has become a forbidden one."""
    credential = state.credential
    kind = KINDS[credential.type]
    stored = msgspec.json.decode(packed, type=dict[str, str])
    defaults = {field.name: field.default for field in kind.fields}
    fields = {**defaults, **stored}
    own = kind.hosts(fields)
    hidden = [fields[name] for name in credential.secret_fields if fields.get(name)]
    return Secret(
        id=credential.id,
        name=credential.name,
        type=credential.type,
        workspace_id=credential.workspace_id,
        fields=_with_file(credential.type, fields, vault),
        secrets=tuple(dict.fromkeys([*hidden, *(text for text in kind.derived(fields) if text)])),
        allowed_hosts=tuple(own or credential.allowed_hosts),
        scopes=tuple(credential.scopes),
    )


def whole_file(url: str) -> Path:
    """The file of a SQLite address of an opened credential."""
    return Path(url.removeprefix("sqlite:///"))


def clean_name(name: str) -> str:
    """The name without spaces around it; raises Invalid for one that no step could write."""
    name = unicodedata.normalize("NFC", name.strip())
    if _CONTROL.search(name):
        raise Invalid.at("/name", "name must be one line without control characters.")
    if "{{" in name:
        raise Invalid.at("/name", "name must not hold {{: a step that names it would take it for an expression.")
    return name


def name_key(name: str) -> str:
    """By what names are told apart: their case does not count."""
    return unicodedata.normalize("NFC", name.strip()).casefold()


def clean_hosts(kind: CredentialType, given: Sequence[str], own: list[str]) -> list[str]:
    """The allowed hosts in their one spelling; raises Invalid, also when the fields name them already."""
    faults, cleaned = [], []
    for number, text in enumerate(given):
        try:
            cleaned.append(hosts.pattern(text))
        except ValueError as error:
            faults.append(Fault(f"/allowed_hosts/{number}", f"allowed_hosts: {text.strip()[:80]!r} {error}."))
    if faults:
        raise Invalid(faults)
    cleaned = list(dict.fromkeys(cleaned))
    if kind in {CredentialType.SMTP, CredentialType.DATABASE} or own:
        if cleaned and cleaned != own:
            raise Invalid.at(
                "/allowed_hosts", "allowed_hosts is taken from the credential's own address; leave it out."
            )
        return own
    return cleaned


def own_hosts(credential: Credential) -> list[str]:
    """The allowed hosts where they come from the credential's own address; none where people gave them."""
    has_address = credential.type in {CredentialType.SMTP, CredentialType.DATABASE} or (
        credential.type is CredentialType.WEBHOOK_SECRET and "url" in credential.secret_fields
    )
    return credential.allowed_hosts if has_address else []


def refuse_public_alone(public: Sequence[str] | UnsetType) -> None:
    """Raises Invalid for ``public`` without ``fields``: what was sealed as a secret is never shown."""
    if not isinstance(public, UnsetType):
        raise Invalid.at("/public", "public goes with fields: give all of them anew.")


def clean_scopes(scopes: Sequence[str]) -> list[str]:
    """The scopes without spaces around them, each once."""
    return list(dict.fromkeys(scope.strip() for scope in scopes))


def _texts(kind: CredentialType, fields: dict[str, Any]) -> dict[str, str]:
    schema = KINDS[kind].schema
    assert schema is not None
    values = msgspec.structs.asdict(fit(fields, schema))
    texts = {name: str(value) for name, value in values.items()}
    return {name: text.strip() if name in {"host", "sender", "header", "url"} else text for name, text in texts.items()}


def _custom(fields: dict[str, Any]) -> dict[str, str]:
    if not fields:
        raise Invalid.at("", "fields must have at least one field.")
    if len(fields) > _MOST_FIELDS:
        raise Invalid.at("", f"fields must have at most {_MOST_FIELDS} entries.")
    faults = []
    for name, value in fields.items():
        here = f"/{pointer_part(name)}"
        if not _FIELD_NAME.fullmatch(name):
            faults.append(
                Fault(here, "The name of a field must begin with a letter, and go on with letters, digits, - and _.")
            )
        elif not isinstance(value, str) or not value.strip():
            faults.append(Fault(here, f"{name} must be text that is not blank."))
        elif len(value) > LONGEST_SECRET:
            faults.append(Fault(here, f"{name} must be at most {LONGEST_SECRET} characters long."))
    if not faults and sum(len(value.encode()) for value in fields.values()) > _LARGEST_BYTES:
        faults.append(Fault("", f"fields must be at most {_LARGEST_BYTES:,} bytes together."))
    if faults:
        raise Invalid(faults)
    return dict(fields)


def _secrets_of(kind: CredentialType, texts: dict[str, str]) -> list[str]:
    return [name for name in KINDS[kind].secret_names if texts[name]]


def _faults_of_public(kind: CredentialType, fields: dict[str, Any], public: Sequence[str]) -> Iterator[Fault]:
    if public and kind is not CredentialType.CUSTOM:
        yield Fault("/public", "public is for custom credentials alone; leave it out.")
        return
    for number, name in enumerate(public):
        if name not in fields:
            yield Fault(f"/public/{number}", f"There is no field {name!r} to show.")


def _faults_of_file(kind: CredentialType, texts: dict[str, str], vault: Vault) -> Iterator[Fault]:
    if kind is CredentialType.DATABASE and addresses.is_sqlite(texts["url"]):
        try:
            addresses.sqlite_file(texts["url"], vault.sqlite_folder)
        except ValueError as error:
            yield Fault("/url", str(error))


def _with_file(kind: CredentialType, fields: dict[str, str], vault: Vault) -> dict[str, str]:
    """A SQLite address with the whole path of its file, looked at anew: links may have been laid since."""
    if kind is not CredentialType.DATABASE or not addresses.is_sqlite(fields["url"]):
        return fields
    try:
        return {**fields, "url": f"sqlite:///{addresses.sqlite_file(fields['url'], vault.sqlite_folder)}"}
    except ValueError as error:
        raise VaultLocked(f"This credential cannot be used: its {error}") from error
