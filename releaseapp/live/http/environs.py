"""The WSGI environ of a request."""

import sys
from collections.abc import Mapping
from http import HTTPStatus
from io import BytesIO
from typing import Any
from urllib.parse import unquote

from releaseapp.live.http.heads import BadRequest, Head

_FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST", "HTTP_FORWARDED")


def base_environ(address: tuple[Any, ...]) -> dict[str, Any]:
    """What is the same in every request to a server that listens at ``address``."""
    return {
        "SCRIPT_NAME": "",
        "SERVER_NAME": str(address[0]),
        "SERVER_PORT": str(address[1]),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,
    }


def make_environ(
    base: Mapping[str, Any], head: Head, body: bytes, peer: tuple[Any, ...], trusted_proxy: str
) -> dict[str, Any]:
    """The environ of one request; raises BadRequest for an address that is none.

    The address ``trusted_proxy`` is believed when it says whom it speaks for (X-Forwarded-For, -Proto); the
    application never sees these fields, which anybody else may have made up.
    """
    path, _, query = _origin_form(head.target).partition("?")
    fields = head.fields
    environ = {
        **base,
        **fields,
        "REQUEST_METHOD": head.method,
        "PATH_INFO": unquote(path, "latin-1") if "%" in path else path,
        "QUERY_STRING": query,
        "SERVER_PROTOCOL": head.version,
        "REMOTE_ADDR": peer[0],
        "REMOTE_PORT": str(peer[1]),
        "wsgi.input": BytesIO(body),
    }
    content_type = environ.pop("HTTP_CONTENT_TYPE", None)
    if content_type is not None:
        environ["CONTENT_TYPE"] = content_type
    if body or head.length is None:
        environ["CONTENT_LENGTH"] = str(len(body))
    forwarded = {name: environ.pop(name) for name in _FORWARDED if name in environ}
    if forwarded and peer[0] == trusted_proxy:
        _believe(environ, forwarded)
    return environ


def _believe(environ: dict[str, Any], forwarded: Mapping[str, str]) -> None:
    # The last entry is the one that the proxy itself has written; those before it came from outside.
    client = forwarded.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip()
    if client:
        environ["REMOTE_ADDR"] = client
    scheme = forwarded.get("HTTP_X_FORWARDED_PROTO", "")
    if scheme in {"http", "https"}:
        environ["wsgi.url_scheme"] = scheme


def _origin_form(target: str) -> str:
    if target.startswith("/") or target == "*":
        return target
    scheme, separator, rest = target.partition("://")
    if scheme.lower() in {"http", "https"} and separator:
        slash = rest.find("/")
        return rest[slash:] if slash >= 0 else "/"
    raise BadRequest(HTTPStatus.BAD_REQUEST, "The address of the request is malformed.")
