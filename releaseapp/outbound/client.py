"""The client: one request with its redirects, from an address as somebody wrote it to an answer of bounded size."""

import re
import ssl
import threading
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cache

import httpcore
import httpx
import msgspec

from releaseapp.outbound.addresses import Allowed, Resolve, checked, resolve
from releaseapp.outbound.errors import OutboundError
from releaseapp.outbound.lines import CheckedBackend, Patience
from releaseapp.settings import Settings

_MOST_REDIRECTS = 5
_REDIRECTS = {301, 302, 303, 307, 308}
_AS_GET = {301, 302, 303}
_PORTS = {"http": 80, "https": 443}
_SIGNING = frozenset({"authorization", "cookie", "proxy-authorization"})
_OF_THE_BODY = frozenset({"content-type", "content-length", "content-encoding"})
_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_HOST = re.compile(r"[^\s%\x00-\x20\x7f]+")
_HIGHEST_PORT = 65_535
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_ANY_FORMAT = 47
"""Tells zlib to find out itself whether it is gzip or zlib."""

Allows = Callable[[str, int | None], bool]


class Answer(msgspec.Struct, frozen=True):
    """What came back: the status, the headers by their names in lower case, the body, and the last address."""

    status: int
    headers: dict[str, str]
    body: bytes
    url: str


class Request(msgspec.Struct, frozen=True):
    """One request of an exchange. ``secret`` are the names of headers that only this origin may see."""

    method: str
    url: httpx.URL
    headers: dict[str, str]
    content: bytes | None
    secret: frozenset[str]


class Outbound:
    """Sends requests to public servers, and to those that the settings allow. For any number of threads.

    Every request has a connection of its own, whose address was checked the moment before.
    """

    def __init__(self, settings: Settings, look_up: Resolve = resolve) -> None:
        self._allowed = Allowed.read(settings.outbound_allowed_networks)
        self._ca_file = settings.outbound_ca_file
        self._look_up = look_up
        self._tls = cache(self._new_tls)

    def request(  # noqa: PLR0913 - each is a bound of its own
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        timeout: float = 30,
        max_bytes: int = 5_000_000,
        allows: Allows | None = None,
        secret_headers: Collection[str] = (),
        follow_redirects: bool = True,
        abandoned: threading.Event | None = None,
    ) -> Answer:
        """Sends a request and reads the whole answer, within ``timeout`` seconds and ``max_bytes`` (decompressed).

        ``allows`` is asked for the host and port of the first address and of every redirect; headers that sign in,
        and ``secret_headers``, do not go along to another origin. ``abandoned`` being set ends it within a second.
        Raises OutboundError with a sentence.
        """
        patience = Patience(timeout, abandoned)
        secret = _SIGNING | {name.lower() for name in secret_headers}
        given = _checked_headers(headers or {})
        request = Request(method.upper(), _read_url(url), given, content, frozenset(secret))
        for _ in range(_MOST_REDIRECTS + 1):
            self._ask(request.url, allows)
            status, answered, body = self._exchange(request, patience, max_bytes)
            target = answered.get("location") if status in _REDIRECTS and follow_redirects else None
            if target is None:
                return Answer(status, answered, body, str(request.url))
            request = _redirected(request, status, target)
        raise OutboundError(
            f"{_shown(request.url)} sends on and on: more than {_MOST_REDIRECTS} times.", retryable=False
        )

    def check_host(self, host: str, port: int) -> list[str]:
        """The addresses of a host that may be connected to, for other protocols; raises OutboundError."""
        return checked(host, port, self._allowed, self._look_up)

    def tls_context(self) -> ssl.SSLContext:
        """What checks certificates: the usual authorities, and that of ``outbound_ca_file``."""
        return self._tls()

    def close(self) -> None:
        """Nothing is kept open between requests."""

    def _new_tls(self) -> ssl.SSLContext:
        context = httpx.create_ssl_context(trust_env=False)
        if self._ca_file:
            context.load_verify_locations(self._ca_file)
        return context

    def _ask(self, url: httpx.URL, allows: Allows | None) -> None:
        if allows is not None and not allows(url.host, url.port):
            raise OutboundError(
                f"The credential is not for {_shown(url)}; add the host to its allowed hosts, or use another one.",
                retryable=False,
            )

    def _exchange(self, request: Request, patience: Patience, max_bytes: int) -> tuple[int, dict[str, str], bytes]:
        backend = CheckedBackend(self.check_host, patience)
        tls = self.tls_context() if request.url.scheme == "https" else None
        with httpcore.ConnectionPool(ssl_context=tls, network_backend=backend, http2=False) as pool:
            try:
                with pool.stream(
                    request.method,
                    httpcore.URL(
                        scheme=request.url.raw_scheme,
                        host=request.url.raw_host,
                        port=request.url.port,
                        target=request.url.raw_path,
                    ),
                    headers=_sent_headers(request),
                    content=request.content,
                ) as response:
                    headers = _read_headers(response.headers)
                    body = b"".join(_bounded(response.iter_stream(), headers, max_bytes))
            except httpcore.ConnectError as error:
                raise OutboundError(_tls_sentence(request.url, error)) from error
            except (httpcore.ProtocolError, httpcore.NetworkError) as error:
                raise OutboundError(f"{_shown(request.url)} broke off, or does not speak HTTP ({error}).") from error
            except httpcore.TimeoutException as error:
                patience.left()
                raise OutboundError(f"{_shown(request.url)} does not answer.") from error
        return response.status, headers, body


def open_outbound(settings: Settings) -> Outbound:
    """The way out that these settings allow."""
    return Outbound(settings)


def _read_url(text: str) -> httpx.URL:
    try:
        url = httpx.URL(text.strip())
        port = url.port
    except (httpx.InvalidURL, ValueError, TypeError) as error:
        raise OutboundError(f"{text[:80]!r} is no address ({error}).", retryable=False) from error
    if url.scheme not in _PORTS:
        raise OutboundError(f"{text[:80]!r} is no address that begins with https:// or http://.", retryable=False)
    if not _HOST.fullmatch(url.host) or port == 0 or (port or 0) > _HIGHEST_PORT:
        raise OutboundError(f"{text[:80]!r} names no host, or a port that there is not.", retryable=False)
    if url.userinfo:
        raise OutboundError("An address must not hold a password; use a credential.", retryable=False)
    return url.copy_with(fragment=None)


def _checked_headers(headers: Mapping[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            raise OutboundError(f"The header {name[:40]!r} has a sign that headers cannot have.", retryable=False)
    return {name.lower(): value.strip() for name, value in headers.items()}


def _sent_headers(request: Request) -> list[tuple[bytes, bytes]]:
    headers = {"accept": "*/*", "user-agent": "releaseapp", **request.headers}
    headers |= {"host": request.url.netloc.decode("ascii"), "connection": "close", "accept-encoding": "gzip, deflate"}
    if request.content is not None or request.method in {"POST", "PUT", "PATCH"}:
        headers["content-length"] = str(len(request.content or b""))
    return [(name.encode("ascii"), value.encode("latin-1")) for name, value in headers.items()]


def _read_headers(raw: list[tuple[bytes, bytes]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in raw:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        found[key] = f"{found[key]}, {text}" if key in found else text
    return found


def _bounded(chunks: Iterator[bytes], headers: dict[str, str], most: int) -> Iterator[bytes]:
    """The body, decompressed; raises OutboundError as soon as it is larger than it may be."""
    coding = headers.get("content-encoding", "").strip().lower()
    if coding in {"gzip", "x-gzip", "deflate"}:
        chunks = _decompressed(chunks, most)
    elif coding not in {"", "identity"}:
        raise OutboundError(f"The answer is compressed by {coding[:40]!r}, which was not asked for.", retryable=False)
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > most:
            raise OutboundError(f"The answer is larger than {most:,} bytes, the most that is read.", retryable=False)
        yield chunk


def _decompressed(chunks: Iterator[bytes], most: int) -> Iterator[bytes]:
    inflate = zlib.decompressobj(_ANY_FORMAT)
    first = True
    try:
        for chunk in chunks:
            if first and chunk:
                inflate, first = _inflater(chunk), False
            # Never more at once than would be refused anyway: a small answer may inflate a thousandfold.
            yield inflate.decompress(chunk, most + 1)
            while inflate.unconsumed_tail:
                yield inflate.decompress(inflate.unconsumed_tail, most + 1)
        yield inflate.flush()
    except zlib.error as error:
        raise OutboundError(f"The answer says that it is compressed, and is not ({error}).") from error
    if not first and not inflate.eof:
        raise OutboundError("The answer ends before its compressed body does.")


def _inflater(chunk: bytes) -> "zlib._Decompress":
    """Some servers mean the bare format when they say deflate (RFC 9110, section 8.4.1.2)."""
    try:
        zlib.decompressobj(_ANY_FORMAT).decompress(chunk, 1)
    except zlib.error:
        return zlib.decompressobj(-zlib.MAX_WBITS)
    return zlib.decompressobj(_ANY_FORMAT)


def _redirected(request: Request, status: int, target: str) -> Request:
    try:
        url = _read_url(str(request.url.join(target)))
    except httpx.InvalidURL as error:
        raise OutboundError(f"{_shown(request.url)} sends on to what is no address.", retryable=False) from error
    if request.url.scheme == "https" and url.scheme == "http":
        raise OutboundError(f"{_shown(request.url)} sends on to an address without encryption.", retryable=False)
    headers, method, content = request.headers, request.method, request.content
    if status in _AS_GET and method not in {"GET", "HEAD"}:
        method, content = "GET", None
        headers = {name: value for name, value in headers.items() if name not in _OF_THE_BODY}
    if _origin(url) != _origin(request.url):
        headers = {name: value for name, value in headers.items() if name not in request.secret}
    return Request(method, url, headers, content, request.secret)


def _origin(url: httpx.URL) -> tuple[str, str, int]:
    return url.scheme, url.host, url.port or _PORTS[url.scheme]


def _shown(url: httpx.URL) -> str:
    """An address without what may be secret in it: its path and its query."""
    return f"{url.scheme}://{url.netloc.decode('ascii')}"


def _tls_sentence(url: httpx.URL, error: Exception) -> str:
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLCertVerificationError):
        # The library hides what it was raised from, but does not forget it.
        cause = cause.__cause__ or cause.__context__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"The certificate of {_shown(url)} cannot be trusted ({cause.verify_message})."
    return f"{_shown(url)} cannot be reached securely ({error})."
