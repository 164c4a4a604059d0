"""What is asked: addresses and headers as somebody wrote them, made fit to be sent, and where a redirect leads."""

import re
from collections.abc import Mapping

import httpx
import msgspec

from releaseapp.outbound.errors import OutboundError

REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SEE_OTHER = 303
_POST_AS_GET = {301, 302}
_PORTS = {"http": 80, "https": 443}
_HIGHEST_PORT = 65_535
_SIGNING = frozenset({"authorization", "cookie", "proxy-authorization"})
_OF_THE_BODY = frozenset({"content-type", "content-encoding", "content-language", "content-location"})
# These say how a request is carried, which is not for the caller to say.
_CARRYING = frozenset(
    {"connection", "content-length", "expect", "host", "keep-alive", "proxy-connection", "te", "trailer",
     "transfer-encoding", "upgrade"}
)  # fmt: skip
_WORD = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_HOST = re.compile(r"[a-z0-9_.-]+|[0-9a-f:.]*:[0-9a-f:.]*")


class Request(msgspec.Struct, frozen=True):
    """One request of an exchange. ``secret`` are the names of headers that only this origin may see."""

    method: str
    url: httpx.URL
    headers: dict[str, str]
    content: bytes | None
    secret: frozenset[str]

    @property
    def host(self) -> str:
        """The host as it is looked up: in ASCII, for the same letters can mean different hosts."""
        return self.url.raw_host.decode("ascii")

    @property
    def shown(self) -> str:
        """The address without what may be secret in it: its path and its query."""
        return f"{self.url.scheme}://{self.url.netloc.decode('ascii')}"

    def sent_headers(self) -> list[tuple[bytes, bytes]]:
        """All headers, with those that say how it is carried."""
        headers = {"accept": "*/*", "user-agent": "releaseapp", **self.headers}
        headers |= {"host": self.url.netloc.decode("ascii"), "connection": "close", "accept-encoding": "gzip, deflate"}
        if self.content is not None or self.method in {"POST", "PUT", "PATCH"}:
            headers["content-length"] = str(len(self.content or b""))
        return [(name.encode("ascii"), value.encode("latin-1")) for name, value in headers.items()]

    def redirected(self, status: int, target: str) -> "Request":
        """What a browser would ask next; raises OutboundError for what is no address, or is less safe."""
        try:
            # Servers write other letters as they are, in UTF-8.
            written = target.encode("latin-1").decode("utf-8", "replace")
            url = read_url(str(self.url.join(written)))
        except (httpx.InvalidURL, ValueError, OutboundError) as error:
            reason = f" {error}" if isinstance(error, OutboundError) else ""
            raise OutboundError(f"{self.shown} sends on to what is no address.{reason}", retryable=False) from error
        if self.url.scheme == "https" and url.scheme == "http":
            raise OutboundError(f"{self.shown} sends on to an address without encryption.", retryable=False)
        headers, method, content = self.headers, self.method, self.content
        as_get = (status == _SEE_OTHER and method not in {"GET", "HEAD"}) or (
            status in _POST_AS_GET and method == "POST"
        )
        if as_get:
            method, content = "GET", None
            headers = {name: value for name, value in headers.items() if name not in _OF_THE_BODY}
        if _origin(url) != _origin(self.url):
            headers = {name: value for name, value in headers.items() if name not in self.secret}
        return Request(method, url, headers, content, self.secret)


def new_request(
    method: str, url: str, headers: Mapping[str, str], content: bytes | None, secret: frozenset[str]
) -> Request:
    """The first request of an exchange; raises OutboundError for what cannot be sent."""
    if not _WORD.fullmatch(method) or method.upper() == "CONNECT":
        raise OutboundError(f"{method[:20]!r} is no method of HTTP that can be sent.", retryable=False)
    for name, value in headers.items():
        if not _WORD.fullmatch(name) or not _VALUE.fullmatch(value):
            raise OutboundError(f"The header {name[:40]!r} has a sign that headers cannot have.", retryable=False)
        if name.lower() in _CARRYING:
            raise OutboundError(f"The header {name!r} is set by the server itself; leave it out.", retryable=False)
    given = {name.lower(): value.strip() for name, value in headers.items()}
    return Request(method.upper(), read_url(url), given, content, secret | _SIGNING)


def read_url(text: str) -> httpx.URL:
    """An address of http or https, without its fragment; raises OutboundError, which quotes no password."""
    try:
        url = httpx.URL(text.strip())
        # example.com. is example.com, to certificates and to who may get a credential. The library takes hosts that
        # it cannot show again, which this finds out too.
        url = url.copy_with(fragment=None, host=url.host.removesuffix("."))
        host, port = url.raw_host.decode("ascii"), url.port
    except (httpx.InvalidURL, ValueError, TypeError):
        raise OutboundError(
            f"{_quoted(text)} is no address; one is https://api.example.com/.", retryable=False
        ) from None
    if url.scheme not in _PORTS:
        raise OutboundError(f"{_quoted(text)} is no address that begins with https:// or http://.", retryable=False)
    if url.userinfo:
        raise OutboundError("An address must not hold a password; use a credential.", retryable=False)
    if not _HOST.fullmatch(host) or (port is not None and not 1 <= port <= _HIGHEST_PORT):
        raise OutboundError(f"{_quoted(text)} names no host, or a port that there is not.", retryable=False)
    return url


def _origin(url: httpx.URL) -> tuple[str, bytes, int]:
    return url.scheme, url.raw_host, url.port or _PORTS[url.scheme]


def _quoted(text: str) -> str:
    """The beginning of what somebody wrote, without what is secret in many addresses: password, path and query.

    Where the ``@`` is missing, what stands behind a colon may be a password too.
    """
    begin = re.split(r"[?#]", text.strip())[0].rpartition("@")[2]
    found = re.match(r"(?:[^/:]*:?//)?[^/:]*", begin)
    return repr((found[0] if found else "")[:80])
