"""Whether a request may become a live connection: pure functions on its WSGI environ."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

import msgspec

_KEY_BYTES = 16
_VERSION = "13"
_DEFAULT_PORTS = {"http": "80", "https": "443"}
_LONGEST_ID = 18


class Refused(Exception):
    """The handshake is answered with an HTTP error instead; ``detail`` may be shown to the person."""

    def __init__(self, status: str, detail: str, *headers: tuple[str, str]) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers

    @property
    def code(self) -> int:
        """The status as a number."""
        return int(self.status[:3])

    def body(self) -> bytes:
        """RFC 9457 problem details."""
        code, _, title = self.status.partition(" ")
        problem = {"type": "about:blank", "title": title, "status": int(code), "detail": self.detail}
        return msgspec.json.encode(problem)


@dataclass(frozen=True, slots=True)
class Ask:
    """What the client asks for: to be heard as the owner of a token, from the event after ``since`` on."""

    token: str
    since: int | None


def read_handshake(environ: Mapping[str, str], public_url: str, cookie: str) -> Ask:
    """What is asked for; raises Refused. Who the token stands for is looked up later."""
    _check_upgrade(environ)
    origin = environ.get("HTTP_ORIGIN")
    if origin is not None and not same_origin(origin, public_url, environ.get("HTTP_HOST", "")):
        raise Refused("403 Forbidden", "Live connections are opened by pages of this server only.")
    scheme, _, bearer = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() == "bearer":
        token = bearer.strip()
    else:
        token = _cookie(environ.get("HTTP_COOKIE", ""), cookie)
        # A browser always names the page's origin; without it a cookie may have been sent along by anybody.
        if token and origin is None:
            raise Refused("403 Forbidden", "A cookie counts only together with an Origin header; send a bearer token.")
    if not token:
        raise not_signed_in()
    return Ask(token, _since(environ.get("QUERY_STRING", "")))


def not_signed_in() -> Refused:
    """401."""
    sentence = "Sign in first, or send a valid bearer token."
    return Refused("401 Not signed in", sentence, ("WWW-Authenticate", 'Bearer realm="releaseapp"'))


def same_origin(origin: str, public_url: str, host: str) -> bool:
    """Whether a page of that origin is ours: the public URL's, or, when none is set, of the host it asks for.

    The scheme does not count then: behind a proxy the server does not know its own.
    """
    if public_url:
        return _authority(origin) == _authority(public_url)
    scheme, authority = _authority(origin)
    return bool(authority) and authority == _authority(f"{scheme}://{host}")[1]


def _authority(url: str) -> tuple[str, str]:
    """Scheme and host with port, in small letters, without the scheme's own port; empty for what is no URL."""
    try:
        parts = urlsplit(url)
        port = str(parts.port or _DEFAULT_PORTS[parts.scheme])
    except (ValueError, KeyError):
        return "", ""
    if not parts.hostname or parts.path not in {"", "/"}:
        return "", ""
    return parts.scheme, f"{parts.hostname}:{port}"


def _check_upgrade(environ: Mapping[str, str]) -> None:
    if environ["REQUEST_METHOD"] != "GET":
        raise Refused("405 Method not allowed", "A live connection starts with GET.", ("Allow", "GET"))
    asked = [token.strip().lower() for token in environ.get("HTTP_CONNECTION", "").split(",")]
    if environ.get("HTTP_UPGRADE", "").lower() != "websocket" or "upgrade" not in asked:
        sentence = "This is the live channel; connect with a WebSocket."
        raise Refused("426 Upgrade required", sentence, ("Upgrade", "websocket"), ("Connection", "Upgrade"))
    if environ["SERVER_PROTOCOL"] != "HTTP/1.1":
        raise Refused("400 Bad request", "A WebSocket needs HTTP/1.1.")
    if environ.get("HTTP_SEC_WEBSOCKET_VERSION") != _VERSION:
        sentence = f"This server speaks version {_VERSION} of the WebSocket protocol."
        raise Refused("426 Upgrade required", sentence, ("Sec-WebSocket-Version", _VERSION))
    try:
        key = base64.b64decode(environ.get("HTTP_SEC_WEBSOCKET_KEY", ""), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != _KEY_BYTES:
        raise Refused("400 Bad request", f"Sec-WebSocket-Key must be {_KEY_BYTES} bytes in base 64.")


def _cookie(header: str, name: str) -> str:
    for part in header.split(";"):
        key, _, value = part.strip().partition("=")
        if key == name:
            return value
    return ""


def _since(query: str) -> int | None:
    values = [value for name, value in parse_qsl(query, keep_blank_values=True) if name == "since"]
    if not values:
        return None
    text = values[0]
    if len(values) > 1 or not (text.isascii() and text.isdigit()) or len(text) > _LONGEST_ID:
        raise Refused("400 Bad request", "since must be the id of an event: a whole number, once.")
    return int(text)
