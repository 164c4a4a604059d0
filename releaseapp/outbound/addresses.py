"""Which addresses may be connected to: those of the public internet, and what the settings allow besides."""

import ipaddress
import socket
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

import msgspec

from releaseapp.outbound.errors import OutboundError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolve = Callable[[str, int], list[str]]
"""The addresses of a host, as text; raises OSError."""

_NAT64 = IPv6Network("64:ff9b::/96")
_NAT64_LOCAL = IPv6Network("64:ff9b:1::/48")
_SITE_LOCAL = IPv6Network("fec0::/10")
_COMPATIBLE = IPv6Network("::/96")


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
                hosts.add(part.lower().rstrip("."))
        return cls(tuple(networks), frozenset(hosts))

    def has(self, host: str, address: Address) -> bool:
        """Whether it says that this host, or this address, may be reached."""
        return host.lower().rstrip(".") in self.hosts or any(
            one in network
            for one in inner_addresses(address)
            for network in self.networks
            if one.version == network.version
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
    try:
        found = look_up(host, port)
    except (OSError, UnicodeError) as error:
        raise OutboundError(f"There is no address for the host {host!r}; check its name.") from error
    for text in found:
        address = ipaddress.ip_address(text.partition("%")[0])
        if not is_public(address) and not allowed.has(host, address):
            raise OutboundError(
                f"{host} is at {text}, which is not a public address. To allow it, an operator adds it to "
                "outbound_allowed_networks.",
                retryable=False,
            )
    return found


def is_public(address: Address) -> bool:
    """Whether an address is one of the public internet, whatever form it hides in."""
    return all(
        one.is_global
        and not (one.is_multicast or one.is_reserved or one.is_unspecified)
        and not (isinstance(one, IPv6Address) and one in _SITE_LOCAL)
        for one in inner_addresses(address)
    )


def inner_addresses(address: Address) -> list[Address]:
    """The address with those that it carries, or only what it carries (RFC 4291, 6052, 3056, 4380)."""
    if isinstance(address, IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    if address in _NAT64:
        return [IPv4Address(int(address) & 0xFFFFFFFF)]
    found: list[Address] = [address]
    if address.sixtofour is not None:
        found.append(address.sixtofour)
    if address.teredo is not None:
        found.extend(address.teredo)
    if address in _NAT64_LOCAL or (address in _COMPATIBLE and int(address) > 1):
        found.append(IPv4Address(int(address) & 0xFFFFFFFF))
    return found
