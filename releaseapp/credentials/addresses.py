"""Addresses that credentials hold: of databases, and of webhooks."""

import base64
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from releaseapp.credentials import hosts

_SQLITE = "sqlite:///"
_POSTGRES = ("postgresql", "postgres")
_POSTGRES_PORT = 5432
# Others would name files of this server, another host than the one that was checked, or a service of its own.
_HARMLESS = {"application_name", "channel_binding", "connect_timeout", "options", "sslmode", "target_session_attrs"}


def is_sqlite(url: str) -> bool:
    """Whether the address is that of a SQLite file."""
    return url.startswith(_SQLITE)


def faults_of_database(url: str) -> Iterator[str]:
    """Sentences on what is wrong with the address of a database."""
    if is_sqlite(url):
        if not url.removeprefix(_SQLITE).strip("/") or "\x00" in url or "?" in url:
            yield "url must name a file, such as sqlite:///orders.db."
        return
    parts = _split(url)
    if parts is None or parts.scheme not in _POSTGRES:
        yield "url must be postgresql://user:password@host:5432/name or sqlite:///name.db."
        return
    if parts.netloc.count("@") > 1 or "#" in url or "\\" in url:
        # Two readers could take different parts of it for the host.
        yield "url must write @, #, ? and / of a user or password as %40, %23, %3F and %2F."
        return
    if hosts.plain_host(parts.hostname or "") is None:
        yield "url must name one host, as in postgresql://user:password@host:5432/name."
    if not parts.username or not parts.password:
        yield "url must have a user and a password, as in postgresql://user:password@host:5432/name."
    if not parts.path.strip("/"):
        yield "url must name a database, as in postgresql://user:password@host:5432/name."
    for name, _ in parse_qsl(parts.query, keep_blank_values=True):
        if name not in _HARMLESS:
            yield f"url must not set {name[:40]!r}; it may set {', '.join(sorted(_HARMLESS))}."


def passwords_of_database(url: str) -> list[str]:
    """The password in the address: as it stands there, and as it is."""
    parts = None if is_sqlite(url) else _split(url)
    return list(dict.fromkeys([parts.password, unquote(parts.password)])) if parts and parts.password else []


def hosts_of_database(url: str) -> list[str]:
    """Where the database is; nowhere for a file."""
    parts = None if is_sqlite(url) else _split(url)
    host = hosts.plain_host(parts.hostname or "") if parts else None
    return [hosts.joined(host, _port(parts))] if parts and host else []


def host_and_port_of_database(url: str) -> tuple[str, int]:
    """The host and port of an address that has passed :func:`faults_of_database` and is not SQLite's."""
    parts = urlsplit(url)
    return parts.hostname or "", _port(parts)


def login_of_database(url: str) -> dict[str, str]:
    """User, password, name of the database and options of such an address, as the driver calls them."""
    parts = urlsplit(url)
    named = {"user": parts.username, "password": parts.password, "dbname": parts.path.strip("/")}
    return {**dict(parse_qsl(parts.query)), **{name: unquote(text or "") for name, text in named.items()}}


def shown_database(url: str) -> str:
    """The address without user, password and options."""
    if is_sqlite(url):
        return url
    parts = urlsplit(url)
    return f"postgresql://{hosts.joined(parts.hostname or '', parts.port)}{parts.path}"


def sqlite_file(url: str, folder: Path) -> Path:
    """The file that a SQLite address names; raises ValueError with a sentence when it lies outside of ``folder``.

    Anywhere else, a credential could open the server's own database.
    """
    named = folder / url.removeprefix(_SQLITE)
    try:
        path, home = named.resolve(), folder.resolve()
    except (OSError, RuntimeError) as error:
        raise ValueError("url must name a file, such as sqlite:///orders.db.") from error
    if not path.is_relative_to(home) or path == home:
        raise ValueError(
            "url must name a file in the folder that this server keeps for databases (its setting sqlite_folder),"
            " such as sqlite:///orders.db."
        )
    return path


def host_of_web_address(url: str) -> str | None:
    """The host of an http or https address; None when it is none, or holds a user or spaces."""
    parts = _split(url)
    if parts is None or parts.scheme not in {"http", "https"} or parts.username is not None:
        return None
    if any(character <= " " or character == "\x7f" for character in url):
        return None
    return hosts.plain_host(parts.hostname or "")


def port_of_web_address(url: str) -> int:
    """The port of an http or https address, its own or its scheme's."""
    parts = urlsplit(url)
    return parts.port or (443 if parts.scheme == "https" else 80)


def basic(username: str, password: str) -> str:
    """User and password as HTTP Basic writes them (RFC 7617)."""
    return base64.b64encode(f"{username}:{password}".encode()).decode()


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    # What urlsplit leaves out or cuts off (tabs, line breaks) is not the address that will be used.
    return parts if parts.geturl() == url or parts.geturl() == url.rstrip("?#") else None


def _port(parts: SplitResult) -> int:
    return parts.port or _POSTGRES_PORT
