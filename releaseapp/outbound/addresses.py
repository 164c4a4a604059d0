"""Which addresses may be connected to: those of the public internet, and what the settings allow besides."""

import ipaddress
import re
import socket
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

import msgspec

from releaseapp.outbound.errors import OutboundError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolve = Callable[[str, int], list[str]]
"""The addresses of a host, as text; raises OSError."""

# Of IPv6, only this part was ever given out; what lies outside is local, reserved, or another protocol's.
_GIVEN_OUT = IPv6Network("2000::/3")
# What not every release of Python knows to be no public address.
_NOT_PUBLIC: tuple[Network, ...] = (IPv4Network("192.88.99.0/24"), IPv6Network("3fff::/20"))
_NAT64 = IPv6Network("64:ff9b::/96")
_NAT64_LOCAL = IPv6Network("64:ff9b:1::/48")
_TRANSLATED = IPv6Network("::ffff:0:0:0/96")
_COMPATIBLE = IPv6Network("::/96")
_ISATAP = {0x0000_5EFE, 0x0200_5EFE}
_HOST = re.compile(r"[^\s\x00-\x20\x7f%/\\@?#\[\]]{1,253}")
_HIGHEST_PORT = 65_535
_MAY_PASS = {socket.EAI_AGAIN, socket.EAI_MEMORY, socket.EAI_SYSTEM, socket.EAI_FAIL}


class Allowed(msgspec.Struct, frozen=True):
    """What may be reached besides the public internet: networks, and hosts by name."""

    networks: tuple[Network, ...] = ()
    hosts: frozenset[str] = frozenset()

    @classmethod
    def read(cls, text: str) -> "Allowed":
        """From a list with commas; raises ValueError for a part that is neither a network nor a name."""
        networks: list[Network] = []
        hosts: set[str] = set()
        for part in filter(None, (one.strip() for one in text.split(","))):
            try:
                networks.append(ipaddress.ip_network(part, strict=False))
            except ValueError:
                if "/" in part or " " in part or ":" in part:
                    raise ValueError(
                        f"{part!r} is neither a network such as 10.0.0.0/8 nor the name of a host"
                    ) from None
                hosts.add(part.lower().removesuffix("."))
        return cls(tuple(networks), frozenset(hosts))

    def has(self, host: str, address: Address) -> bool:
        """Whether this host, or all that is not public about this address, may be reached."""
        return host.lower() in self.hosts or all(
            _is_public(one) or any(one.version == network.version and one in network for network in self.networks)
            for one in inner_addresses(address)
        )


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host as the system knows them, each once, in its order."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(item[4][0]) for item in found))


def checked(host: str, port: int, allowed: Allowed, look_up: Resolve = resolve) -> list[str]:
    """The addresses of a host that may be connected to; raises OutboundError when there is none, or any may not be.

    One forbidden address among several is enough to refuse: which of them a
    connection would take is not for the other side to choose.
    """
    name = host.removeprefix("[").removesuffix("]") if host.startswith("[") else host.removesuffix(".")
    if not _HOST.fullmatch(name):
        raise OutboundError(f"{host[:80]!r} is not the name of a host.", retryable=False)
    if not 1 <= port <= _HIGHEST_PORT:
        raise OutboundError(f"{port} is no port: it must be from 1 to {_HIGHEST_PORT}.", retryable=False)
    found = _found(name, port, look_up)
    for text in found:
        address = ipaddress.ip_address(text.partition("%")[0])
        if not is_public(address) and not allowed.has(name, address):
            raise OutboundError(
                f"{name} is at {text}, which is not a public address. To allow it, an operator adds it to "
                "outbound_allowed_networks.",
                retryable=False,
            )
    return found


def _found(name: str, port: int, look_up: Resolve) -> list[str]:
    try:
        # An address needs no look-up.
        return [str(ipaddress.ip_address(name))]
    except ValueError:
        pass
    try:
        found = look_up(name, port)
    except (OSError, ValueError) as error:
        sentence = f"There is no address for the host {name[:80]!r}; check its name."
        raise OutboundError(sentence, retryable=isinstance(error, OSError) and error.errno in _MAY_PASS) from error
    if not found:
        raise OutboundError(f"There is no address for the host {name[:80]!r}; check its name.", retryable=False)
    return found


def is_public(address: Address) -> bool:
    """Whether an address is one of the public internet, whatever form it hides in."""
    return all(map(_is_public, inner_addresses(address)))


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address) and address not in _GIVEN_OUT:
        return False
    return (
        address.is_global
        and not (address.is_multicast or address.is_reserved or address.is_unspecified)
        and not any(address.version == network.version and address in network for network in _NOT_PUBLIC)
    )


def inner_addresses(address: Address) -> list[Address]:
    """The address with those that it carries, or only what it carries.

    RFC 4291 (mapped and compatible), 2765 (translated), 6052 and 8215 (NAT64), 3056 (6to4), 4380 (Teredo),
    5214 (ISATAP).
    """
    if isinstance(address, IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    last = IPv4Address(int(address) & 0xFFFF_FFFF)
    if address in _NAT64:
        return [last]
    found: list[Address] = [address]
    if address.sixtofour is not None:
        found.append(address.sixtofour)
    if address.teredo is not None:
        found.extend(address.teredo)
    is_isatap = (int(address) >> 32) & 0xFFFF_FFFF in _ISATAP
    is_compatible = address in _COMPATIBLE and int(address) > 1
    if is_isatap or is_compatible or address in _NAT64_LOCAL or address in _TRANSLATED:
        found.append(last)
    return found
