"""The types of credential, each declared once: bodies, forms, help texts and checks are made from here."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from releaseapp.credentials import addresses, hosts
from releaseapp.credentials.models import CredentialType
from releaseapp.errors import Fault

LONGEST_SECRET = 20_000
_SECRET = {"secret": True}
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SENDER = re.compile(r"[^@\s<>,;]+@[^@\s<>,;]+|[^@\x00-\x1f\x7f<>]*<[^@\s<>,;]+@[^@\s<>,;]+>")
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")

Hidden = Annotated[str, Meta(max_length=LONGEST_SECRET, extra=_SECRET)]
Needed = Annotated[str, Meta(min_length=1, max_length=LONGEST_SECRET, pattern=r"\S", extra=_SECRET)]
Open = Annotated[str, Meta(max_length=300)]
Filled = Annotated[str, Meta(min_length=1, max_length=300, pattern=r"\S")]


class ApiKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A key that a service gave out. It is sent in a header of each request."""

    key: Annotated[Needed, Meta(description="As the service shows it.")]
    header: Annotated[Filled, Meta(description="The header that carries it, such as X-API-Key.")] = "Authorization"
    prefix: Annotated[Open, Meta(description="Stands before the key, with a space. Empty for the key alone.")] = (
        "Bearer"
    )


class Basic(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A user name and a password, sent as HTTP Basic."""

    username: Annotated[Filled, Meta(description="Without a colon.")]
    password: Annotated[Needed, Meta(description="Of that user.")]


class OauthToken(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A token from OAuth 2.0, sent as Bearer. It is used as it is, and not renewed."""

    access_token: Annotated[Needed, Meta(description="Opens the service until it expires.")]
    refresh_token: Annotated[Hidden, Meta(description="Kept beside it.")] = ""


class Smtp(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A mail server that sends e-mail."""

    host: Annotated[Filled, Meta(description="Such as smtp.example.com.")]
    sender: Annotated[Filled, Meta(description="The address that e-mail comes from.")]
    port: Annotated[int, Meta(ge=1, le=65_535, description="587 for starttls, 465 for tls.")] = 587
    security: Annotated[
        Literal["starttls", "tls", "none"],
        Meta(description="How the connection is protected. With none, the password could be read on its way."),
    ] = "starttls"
    username: Annotated[Open, Meta(description="Empty for a server that asks for none.")] = ""
    password: Annotated[Hidden, Meta(description="Of that user.")] = ""


class Database(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A PostgreSQL server, or a SQLite file on this server."""

    url: Annotated[
        Needed,
        Meta(
            description="postgresql://user:password@host:5432/name, or sqlite:///name.db for a file in the folder that"
            " this server keeps for them."
        ),
    ]


class WebhookSecret(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A Slack-compatible webhook, or a secret that signs."""

    url: Annotated[Hidden, Meta(description="The whole address: whoever knows it can post.")] = ""
    secret: Annotated[Hidden, Meta(description="Signs messages, where the receiver checks that.")] = ""


class Kind(msgspec.Struct, frozen=True):
    """What is known of a type. ``schema`` is None where the fields have names of the person's choice.

    ``faults`` finds what the schema cannot; ``derived`` gives the texts to be
    masked beside the secret fields themselves; ``hosts`` where it goes by itself.
    """

    title: str
    help: str
    schema: type[msgspec.Struct] | None
    faults: Callable[[Mapping[str, str]], Iterable[Fault]]
    derived: Callable[[Mapping[str, str]], Iterable[str]] = lambda _fields: ()
    hosts: Callable[[Mapping[str, str]], list[str]] = lambda _fields: []

    @property
    def fields(self) -> "list[FieldOfType]":
        """The fields in the order in which forms show them; of a type without a schema, none is known."""
        return _fields_of(self.schema) if self.schema else []

    @property
    def secret_names(self) -> list[str]:
        """The fields that are secret."""
        return [field.name for field in self.fields if field.secret]


class FieldOfType(msgspec.Struct, frozen=True):
    """A field as a form shows it."""

    name: str
    help: str
    secret: bool
    required: bool
    default: str
    choices: tuple[str, ...]
    is_number: bool

    @property
    def label(self) -> str:
        """The name as people read it."""
        return {"url": "URL"}.get(self.name, self.name.replace("_", " ").capitalize())


@cache
def _fields_of(schema: type[msgspec.Struct]) -> list[FieldOfType]:
    info = msgspec.inspect.type_info(schema)
    assert isinstance(info, msgspec.inspect.StructType)
    return [_field(field) for field in info.fields]


def _field(field: msgspec.inspect.Field) -> FieldOfType:
    kind: Any = field.type
    about: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    while isinstance(kind, msgspec.inspect.Metadata):
        about, extra = {**(kind.extra_json_schema or {}), **about}, {**(kind.extra or {}), **extra}
        kind = kind.type
    return FieldOfType(
        name=field.name,
        help=about.get("description", ""),
        secret=bool(extra.get("secret")),
        required=field.required,
        default="" if field.required else str(field.default),
        choices=tuple(map(str, kind.values)) if isinstance(kind, msgspec.inspect.LiteralType) else (),
        is_number=isinstance(kind, msgspec.inspect.IntType),
    )


def _for_a_header(fields: Mapping[str, str], *names: str) -> Iterator[Fault]:
    for name in names:
        value = fields.get(name, "")
        if _CONTROL.search(value) or not value.isascii():
            yield Fault(
                f"/{name}", f"{name} must be one line of ASCII characters, as headers are; check what was copied."
            )
        elif value != value.strip():
            yield Fault(f"/{name}", f"{name} must not begin or end with a space; check what was copied.")


def _faults_of_api_key(fields: Mapping[str, str]) -> Iterator[Fault]:
    yield from _for_a_header(fields, "key", "prefix")
    if not _TOKEN.fullmatch(fields["header"]):
        yield Fault("/header", "header must be the name of a header, such as Authorization or X-API-Key.")


def _faults_of_basic(fields: Mapping[str, str]) -> Iterator[Fault]:
    if ":" in fields["username"]:
        yield Fault("/username", "username must not hold a colon: HTTP Basic cannot send it.")
    for name in ("username", "password"):
        if _CONTROL.search(fields[name]):
            yield Fault(f"/{name}", f"{name} must be one line without control characters.")


def _faults_of_smtp(fields: Mapping[str, str]) -> Iterator[Fault]:
    if hosts.plain_host(fields["host"]) is None:
        yield Fault("/host", "host must be the name of a mail server, such as smtp.example.com.")
    if not _SENDER.fullmatch(fields["sender"]):
        yield Fault("/sender", "sender must be one e-mail address, such as releases@example.com.")
    for name, other in (("username", "password"), ("password", "username")):
        if fields[name] and not fields[other]:
            yield Fault(f"/{other}", f"{other} is required when there is a {name}.")
        if _CONTROL.search(fields[name]):
            yield Fault(f"/{name}", f"{name} must be one line without control characters.")


def _faults_of_webhook(fields: Mapping[str, str]) -> Iterator[Fault]:
    if not fields["url"] and not fields["secret"]:
        yield Fault("/url", "url or secret is required.")
    if fields["url"] and addresses.host_of_web_address(fields["url"]) is None:
        yield Fault("/url", "url must be an address such as https://hooks.example.com/services/….")


def _basic_header(fields: Mapping[str, str]) -> list[str]:
    return [addresses.basic(fields["username"], fields["password"])]


def _hosts_of_webhook(fields: Mapping[str, str]) -> list[str]:
    host = addresses.host_of_web_address(fields["url"]) if fields["url"] else None
    return [hosts.joined(host, urlsplit(fields["url"]).port)] if host else []


KINDS: Mapping[CredentialType, Kind] = {
    CredentialType.API_KEY: Kind("API key", ApiKey.__doc__ or "", ApiKey, _faults_of_api_key),
    CredentialType.BASIC: Kind("User and password", Basic.__doc__ or "", Basic, _faults_of_basic, _basic_header),
    CredentialType.OAUTH_TOKEN: Kind(
        "OAuth token",
        OauthToken.__doc__ or "",
        OauthToken,
        lambda fields: _for_a_header(fields, "access_token", "refresh_token"),
    ),
    CredentialType.SMTP: Kind(
        "Mail server",
        Smtp.__doc__ or "",
        Smtp,
        _faults_of_smtp,
        hosts=lambda fields: [hosts.joined(hosts.plain_host(fields["host"]) or "", int(fields["port"]))],
    ),
    CredentialType.DATABASE: Kind(
        "Database",
        Database.__doc__ or "",
        Database,
        lambda fields: [Fault("/url", fault) for fault in addresses.faults_of_database(fields["url"])],
        lambda fields: addresses.passwords_of_database(fields["url"]),
        lambda fields: addresses.hosts_of_database(fields["url"]),
    ),
    CredentialType.WEBHOOK_SECRET: Kind(
        "Webhook", WebhookSecret.__doc__ or "", WebhookSecret, _faults_of_webhook, hosts=_hosts_of_webhook
    ),
    CredentialType.CUSTOM: Kind(
        "Anything else",
        "Fields of your own naming. Each is a secret, unless you say otherwise.",
        None,
        lambda _fields: (),
    ),
}

HOSTS_MATTER = frozenset(
    {
        CredentialType.API_KEY,
        CredentialType.BASIC,
        CredentialType.CUSTOM,
        CredentialType.OAUTH_TOKEN,
        CredentialType.WEBHOOK_SECRET,
    }
)
"""The types of which people say where they may be sent; the others have an address of their own."""
