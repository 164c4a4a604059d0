"""The client: one request with its redirects, from an address as somebody wrote it to an answer of bounded size."""

import logging
import ssl
import threading
from collections.abc import Callable, Collection, Mapping
from functools import cache

import httpcore
import httpx
import msgspec

from releaseapp.outbound.addresses import Allowed, Resolve, checked, resolve
from releaseapp.outbound.bodies import read_body
from releaseapp.outbound.errors import OutboundError
from releaseapp.outbound.lines import CheckedBackend
from releaseapp.outbound.patience import Patience
from releaseapp.outbound.requests import REDIRECTS, Request, new_request
from releaseapp.settings import Settings

_MOST_REDIRECTS = 5
_LOOK_UP_SECONDS = 15
_LONGEST_REASON = 120

Allows = Callable[[str, int | None], bool]


class Answer(msgspec.Struct, frozen=True):
    """What came back: the status, the headers by their names in lower case, the body, and the last address."""

    status: int
    headers: dict[str, str]
    body: bytes
    url: str


class Outbound:
    """Sends requests to public servers, and to those that the settings allow. For any number of threads.

    Every request has a connection of its own, whose address was checked the moment before.
    """

    def __init__(self, settings: Settings, look_up: Resolve = resolve) -> None:
        # At DEBUG the library would log every header that it sends and gets, secrets too.
        logging.getLogger("httpcore").setLevel(logging.INFO)
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

        ``allows`` is asked for the host (in ASCII) and the port of the first address and of every redirect; headers
        that sign in, and ``secret_headers``, do not go along to another origin. ``abandoned`` being set ends it within
        a second. Raises OutboundError with a sentence.
        """
        patience = Patience(timeout, abandoned)
        request = new_request(method, url, headers or {}, content, frozenset(name.lower() for name in secret_headers))
        for _ in range(_MOST_REDIRECTS + 1):
            _ask(request, allows)
            answer = self._exchange(request, patience, max_bytes, follows=follow_redirects)
            if not (follow_redirects and _leads_on(answer.status, answer.headers)):
                return answer
            request = request.redirected(answer.status, answer.headers["location"])
        raise OutboundError(f"{request.shown} sends on and on: more than {_MOST_REDIRECTS} times.", retryable=False)

    def check_host(self, host: str, port: int) -> list[str]:
        """The addresses of a host that may be connected to, for other protocols; raises OutboundError."""
        return self._checked(host, port, Patience(_LOOK_UP_SECONDS, None, f"address for the host {host[:80]!r}"))

    def tls_context(self) -> ssl.SSLContext:
        """What checks certificates: the usual authorities, and that of ``outbound_ca_file``; raises OutboundError."""
        try:
            return self._tls()
        except OSError as error:
            raise OutboundError(
                f"The file of outbound_ca_file cannot be read ({error.strerror}).", retryable=False
            ) from error

    def close(self) -> None:
        """Nothing is kept open between requests."""

    def _new_tls(self) -> ssl.SSLContext:
        context = httpx.create_ssl_context(trust_env=False)
        if self._ca_file:
            context.load_verify_locations(self._ca_file)
        return context

    def _checked(self, host: str, port: int, patience: Patience) -> list[str]:
        def look_up(name: str, its_port: int) -> list[str]:
            return patience.with_thread(lambda: self._look_up(name, its_port))

        return checked(host, port, self._allowed, look_up)

    def _exchange(self, request: Request, patience: Patience, max_bytes: int, *, follows: bool) -> Answer:
        backend = CheckedBackend(lambda host, port: self._checked(host, port, patience), patience)
        tls = self.tls_context() if request.url.scheme == "https" else None
        target = httpcore.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        )
        with httpcore.ConnectionPool(ssl_context=tls, network_backend=backend, http2=False) as pool:
            try:
                with pool.stream(
                    request.method, target, headers=request.sent_headers(), content=request.content
                ) as response:
                    headers = _read_headers(response.headers)
                    # Where it leads is said in the headers; nobody reads what stands below.
                    skips = follows and _leads_on(response.status, headers)
                    body = b"" if skips else read_body(response.iter_stream(), headers, max_bytes)
            except httpcore.ConnectError as error:
                raise _not_secured(request, error) from error
            except (httpcore.ProtocolError, httpcore.NetworkError) as error:
                reason = str(error)[:_LONGEST_REASON]
                raise OutboundError(f"{request.shown} broke off, or does not speak HTTP ({reason}).") from error
        return Answer(response.status, headers, body, str(request.url))


def open_outbound(settings: Settings) -> Outbound:
    """The way out that these settings allow."""
    return Outbound(settings)


def _ask(request: Request, allows: Allows | None) -> None:
    if allows is not None and not allows(request.host, request.url.port):
        raise OutboundError(
            f"The credential is not for {request.shown}; add the host to its allowed hosts, or use another one.",
            retryable=False,
        )


def _leads_on(status: int, headers: Mapping[str, str]) -> bool:
    return status in REDIRECTS and "location" in headers


def _read_headers(raw: list[tuple[bytes, bytes]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in raw:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        found[key] = f"{found[key]}, {text}" if key in found else text
    return found


def _not_secured(request: Request, error: Exception) -> OutboundError:
    # The line says what it was; the library drops what an error was raised from.
    cause = error.args[0] if error.args else None
    if isinstance(cause, ssl.SSLCertVerificationError):
        sentence = f"The certificate of {request.shown} cannot be trusted ({cause.verify_message})."
        return OutboundError(sentence, retryable=False)
    return OutboundError(f"{request.shown} cannot be reached securely ({str(error)[:_LONGEST_REASON]}).")
