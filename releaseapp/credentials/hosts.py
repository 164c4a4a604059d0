"""Where a credential may be sent: ``api.example.com``, ``*.example.com``, either with ``:port``."""

import ipaddress
import re
from collections.abc import Iterable

_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_LONGEST_HOST = 253
_LARGEST_PORT = 65_535
_USUAL_PORTS = {80, 443}
"""What an address without a port means, by its scheme."""
_FEWEST_LABELS_OF_A_WILDCARD = 2


def pattern(text: str) -> str:
    """An entry of the list in its one spelling; raises ValueError with the end of a sentence (``must be …``)."""
    text = text.strip()
    if "://" in text or "/" in text:
        raise ValueError("must be a host such as api.example.com, without https:// and without a path")
    host, port = _split(text)
    is_wild = host.startswith("*.")
    plain = _plain(host[2:] if is_wild else host)
    if plain is None or "*" in plain:
        raise ValueError("must be a host such as api.example.com or *.example.com, maybe with :port")
    if is_wild and (_is_address(plain) or plain.count(".") < _FEWEST_LABELS_OF_A_WILDCARD - 1):
        raise ValueError("is too wide: a * stands before a domain such as *.example.com")
    return joined(f"*.{plain}" if is_wild else plain, port)


def joined(host: str, port: int | None) -> str:
    """A host and maybe its port as one entry."""
    shown = f"[{host}]" if ":" in host else host
    return shown if port is None else f"{shown}:{port}"


def allows(patterns: Iterable[str], host: str, port: int | None) -> bool:
    """Whether an entry fits the host and port. One without a port fits every port; no entry fits nothing."""
    wanted = _plain(host.strip("[]"))
    return wanted is not None and any(_fits(one, wanted, port) for one in patterns)


def _fits(entry: str, wanted: str, port: int | None) -> bool:
    host, only = _split(entry)
    if only is not None and only != port and not (port is None and only in _USUAL_PORTS):
        return False
    if host.startswith("*."):
        return wanted.endswith(host[1:]) and not _is_address(wanted)
    return wanted == host


def _split(text: str) -> tuple[str, int | None]:
    """Host and port; raises ValueError as :func:`pattern` does."""
    found = re.fullmatch(r"(\[[^\]]*\]|[^:\[\]]*)(?::([0-9]{1,5}))?", text, re.ASCII)
    if found is None:
        raise ValueError("must be a host such as api.example.com, maybe with :port; IPv6 stands in brackets")
    port = int(found[2]) if found[2] else None
    if port is not None and not 1 <= port <= _LARGEST_PORT:
        raise ValueError("has a port that is none: it must be from 1 to 65535")
    return found[1].strip("[]"), port


def _plain(host: str) -> str | None:
    """A host in its one spelling: lower case, in ASCII, without a last dot; None when it is none."""
    try:
        return ipaddress.ip_address(host).compressed
    except ValueError:
        pass
    try:
        host = host.removesuffix(".").encode("idna").decode().lower() if not host.isascii() else host
    except UnicodeError:
        return None
    host = host.lower().removesuffix(".")
    labels = host.split(".")
    is_host = 0 < len(host) <= _LONGEST_HOST and all(_LABEL.fullmatch(label) for label in labels)
    # A last label of digits alone would be read as an odd spelling of an IPv4 address.
    return host if is_host and not labels[-1].isdigit() and not labels[-1].startswith("0x") else None


def plain_host(host: str) -> str | None:
    """A host name or address in its one spelling, None when it is none."""
    return _plain(host.strip("[]"))


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
