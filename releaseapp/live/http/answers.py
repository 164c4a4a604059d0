"""Running the application for one request, and its answer as bytes. Runs in native threads."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from typing import Any
from wsgiref.handlers import format_date_time

import msgspec

from releaseapp import clock

log = logging.getLogger(__name__)

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

_NO_BODY = {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole response, head and body, and whether the connection may be used again."""

    data: bytes
    keep_alive: bool


class _Response:
    """Collects what the application says."""

    __slots__ = ("headers", "parts", "status")

    def __init__(self) -> None:
        self.status = ""
        self.headers: list[tuple[str, str]] = []
        self.parts: list[bytes] = []

    def start(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], None]:
        """WSGI's start_response: nothing is sent before the end, so it may be called again with ``exc_info``."""
        if self.status and exc_info is None:
            raise RuntimeError("start_response was called twice")
        self.status = status
        self.headers = headers
        return self.parts.append


def answer_of(app: Application, environ: dict[str, Any], *, keep_alive: bool) -> Answer:
    """What the application answers; 500 when it fails."""
    try:
        response = _run(app, environ)
        return _render(response, environ["REQUEST_METHOD"], keep_alive=keep_alive)
    except Exception:
        log.exception("%s %s failed", environ["REQUEST_METHOD"], environ["PATH_INFO"])
        return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "It is in the server's log.", keep_alive=keep_alive)


def problem(
    status: HTTPStatus | str, detail: str, headers: Iterable[tuple[str, str]] = (), *, keep_alive: bool = False
) -> Answer:
    """An answer of the server itself, as RFC 9457 problem details."""
    line = f"{status.value} {status.phrase}" if isinstance(status, HTTPStatus) else status
    code, _, title = line.partition(" ")
    response = _Response()
    response.status = line
    response.headers = [("Content-Type", "application/problem+json"), *headers]
    body = {"type": "about:blank", "title": title, "status": int(code), "detail": detail}
    response.parts = [msgspec.json.encode(body)]
    return _render(response, "", keep_alive=keep_alive)


def _run(app: Application, environ: dict[str, Any]) -> _Response:
    response = _Response()
    result = app(environ, response.start)
    try:
        response.parts.extend(result)
    finally:
        close = getattr(result, "close", None)
        if close is not None:
            close()
    if not response.status:
        raise RuntimeError("the application did not call start_response")
    return response


def _render(response: _Response, method: str, *, keep_alive: bool) -> Answer:
    body = b"".join(response.parts)
    lines = [f"HTTP/1.1 {response.status}"]
    length = None
    for name, value in response.headers:
        lower = name.lower()
        if lower == "content-length":
            length = value
        elif lower == "connection" and value.lower() == "close":
            keep_alive = False
            continue
        lines.append(f"{name}: {value}")
    bodiless = int(response.status[:3]) in _NO_BODY
    if length is None and not bodiless:
        lines.append(f"Content-Length: {len(body)}")
    elif length is not None and method != "HEAD" and not bodiless and int(length) != len(body):
        raise RuntimeError(f"the application said {length} bytes and gave {len(body)}")
    lines.append(f"Date: {_date(int(clock.now().timestamp()))}")
    if not keep_alive:
        lines.append("Connection: close")
    head = "\r\n".join(lines)
    if head.count("\n") != len(lines) - 1 or head.count("\r") != len(lines) - 1:
        raise RuntimeError("the application put a line break into a header")
    data = f"{head}\r\n\r\n".encode("latin-1")
    return Answer(data if bodiless or method == "HEAD" else data + body, keep_alive)


@lru_cache(maxsize=2)
def _date(second: int) -> str:
    return format_date_time(second)
