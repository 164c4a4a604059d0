"""Heads of HTTP/1.1 requests: read strictly, so that this server and a proxy before it never disagree (RFC 9112)."""

import re
from dataclasses import dataclass
from http import HTTPStatus

_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}) ([!-~]{1,8192}) HTTP/1\.([01])")
_FIELDS = re.compile(rb"(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[^\x00-\x08\x0a-\x1f\x7f]*\r\n)*")
_MOST_FIELDS = 100
_LONGEST_LINE = 8192 + 64
_LENGTH = re.compile(r"[0-9]{1,18}")


class BadRequest(Exception):
    """A request that is answered by the server itself, and ends the connection."""

    def __init__(self, status: HTTPStatus, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Head:
    """A request's first line and fields. ``length`` is that of the body; None when it comes in chunks."""

    method: str
    target: str
    version: str
    fields: dict[str, str]
    length: int | None
    keep_alive: bool

    @property
    def expects_continue(self) -> bool:
        """Whether the client waits for a word before it sends the body."""
        return self.fields.get("HTTP_EXPECT", "").lower() == "100-continue"


def parse_head(data: bytes) -> Head:
    """Reads a head, from its first byte to the CRLF of its last line; raises BadRequest.

    Fields are named as WSGI names them. Names with an underscore are left out, since WSGI could not tell
    them from names with a hyphen.
    """
    line, _, rest = data.partition(b"\r\n")
    match = _LINE.fullmatch(line)
    if match is None:
        if len(line) > _LONGEST_LINE:
            raise BadRequest(HTTPStatus.REQUEST_URI_TOO_LONG, "The address is too long.")
        raise _malformed("The first line is not that of an HTTP/1.1 request.")
    if _FIELDS.fullmatch(rest) is None:
        raise _malformed("A header field is malformed.")
    fields, repeated = _fields(rest.decode("latin-1"))
    method, target, minor = match[1].decode(), match[2].decode(), match[3]
    if minor == b"1" and "HTTP_HOST" not in fields:
        raise _malformed("Host is missing.")
    return Head(
        method=method,
        target=target,
        version=f"HTTP/1.{minor.decode()}",
        fields=fields,
        length=_body_length(fields, repeated, minor),
        keep_alive=_keeps_alive(fields.get("HTTP_CONNECTION", ""), minor),
    )


def _fields(text: str) -> tuple[dict[str, str], set[str]]:
    fields: dict[str, str] = {}
    repeated = set()
    lines = text.split("\r\n")
    if len(lines) > _MOST_FIELDS:
        raise BadRequest(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"More than {_MOST_FIELDS - 1} header fields.")
    for line in lines[:-1]:
        name, _, value = line.partition(":")
        if "_" in name:
            continue
        key = "HTTP_" + name.upper().replace("-", "_")
        value = value.strip(" \t")
        if key in fields:
            repeated.add(key)
            fields[key] += ("; " if key == "HTTP_COOKIE" else ", ") + value
        else:
            fields[key] = value
    if "HTTP_HOST" in repeated:
        raise _malformed("Host stands there twice.")
    return fields, repeated


def _body_length(fields: dict[str, str], repeated: set[str], minor: bytes) -> int | None:
    coding = fields.pop("HTTP_TRANSFER_ENCODING", None)
    length = fields.pop("HTTP_CONTENT_LENGTH", None)
    if coding is not None:
        # Two statements about the length of a body are how requests are smuggled past a proxy.
        if length is not None or minor == b"0":
            raise _malformed("Transfer-Encoding may not stand beside Content-Length, nor in HTTP/1.0.")
        if coding.lower() != "chunked":
            raise BadRequest(HTTPStatus.NOT_IMPLEMENTED, "The only transfer coding known here is chunked.")
        return None
    if length is None:
        return 0
    if "HTTP_CONTENT_LENGTH" in repeated or _LENGTH.fullmatch(length) is None:
        raise _malformed("Content-Length must be one whole number.")
    return int(length)


def _keeps_alive(connection: str, minor: bytes) -> bool:
    if not connection:
        return minor == b"1"
    tokens = {token.strip().lower() for token in connection.split(",")}
    return "keep-alive" in tokens if minor == b"0" else "close" not in tokens


def _malformed(detail: str) -> BadRequest:
    return BadRequest(HTTPStatus.BAD_REQUEST, detail)
