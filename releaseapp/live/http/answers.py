"""Running the application for one request, and its answer as bytes. Runs in native threads.

An answer is whole before any of it is sent, so that whoever fails half-way answers 500. One that says it is large, and
gives its parts one after the other, is sent as they come: a file of gigabytes is never in memory.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from typing import Any
from wsgiref.handlers import format_date_time

import msgspec

from releaseapp import clock

log = logging.getLogger(__name__)

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

LARGE_BYTES = 1_048_576
"""What is larger is sent part by part, if the application gives it in parts."""
_NO_BODY = {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}


class Rest:
    """The parts of a large body, one after the other; each is asked for in a native thread."""

    __slots__ = ("_left", "_parts", "_result")

    def __init__(self, result: Iterable[bytes], length: int) -> None:
        """``result`` is what the application returned, ``length`` the bytes it has promised."""
        self._result = result
        self._parts: Iterator[bytes] = iter(result)
        self._left = length

    def next(self) -> bytes:
        """The next part, empty at the end; raises RuntimeError when they are not as many bytes as promised."""
        part = next((one for one in self._parts if one), b"")
        self._left -= len(part)
        if self._left < 0 or (not part and self._left):
            raise RuntimeError("the application gave another number of bytes than it had said")
        return part

    def close(self) -> None:
        """Lets the application give back what it holds; also for what was never asked for."""
        close = getattr(self._result, "close", None)
        if close is not None:
            close()


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole response, head and body, and whether the connection may be used again; ``rest`` follows a large one."""

    data: bytes
    keep_alive: bool
    rest: Rest | None = None


class _Response:
    """Collects what the application says."""

    __slots__ = ("headers", "parts", "rest", "status")

    def __init__(self) -> None:
        self.status = ""
        self.headers: list[tuple[str, str]] = []
        self.parts: list[bytes] = []
        self.rest: Rest | None = None

    def start(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], None]:
        """WSGI's start_response: nothing is sent before the end, so it may be called again with ``exc_info``."""
        if self.status and exc_info is None:
            raise RuntimeError("start_response was called twice")
        self.status = status
        self.headers = headers
        return self.parts.append

    def large_length(self) -> int | None:
        """How many bytes it says it has, when those are many."""
        said = next((value for name, value in self.headers if name.lower() == "content-length"), "")
        return int(said) if said.isdigit() and int(said) > LARGE_BYTES else None


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
    length = response.large_length()
    if length is not None and not response.parts and not isinstance(result, list | tuple):
        response.rest = Rest(result, length)
        if environ["REQUEST_METHOD"] == "HEAD":
            response.rest.close()
        return response
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
    elif length is not None and method != "HEAD" and not bodiless and not response.rest and int(length) != len(body):
        raise RuntimeError(f"the application said {length} bytes and gave {len(body)}")
    lines.append(f"Date: {_date(int(clock.now().timestamp()))}")
    if not keep_alive:
        lines.append("Connection: close")
    head = "\r\n".join(lines)
    if head.count("\n") != len(lines) - 1 or head.count("\r") != len(lines) - 1:
        raise RuntimeError("the application put a line break into a header")
    data = f"{head}\r\n\r\n".encode("latin-1")
    if bodiless or method == "HEAD":
        return Answer(data, keep_alive)
    return Answer(data + body, keep_alive, response.rest)


@lru_cache(maxsize=2)
def _date(second: int) -> str:
    return format_date_time(second)
