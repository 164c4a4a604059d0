"""Bodies of requests: read to their end before the application runs, and never beyond the limit."""

import re
from collections.abc import Callable
from http import HTTPStatus

from releaseapp.live.http.heads import BadRequest

_CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\x00-\x08\x0a-\x1f\x7f]*)?")
_LONGEST_CHUNK_LINE = 256
_LONGEST_TRAILERS = 4096


class Stream:
    """What one connection sends: bytes that came too early wait here for whom they are meant."""

    __slots__ = ("_receive", "pending")

    def __init__(self, receive: Callable[[], bytes]) -> None:
        """``receive`` waits for the next bytes, and gives none at the end."""
        self._receive = receive
        self.pending = b""

    def more(self) -> bool:
        """Waits for more; False when there is none."""
        data = self._receive()
        # The usual case, all at once, copies nothing.
        self.pending = self.pending + data if self.pending else data
        return bool(data)

    def take(self, size: int) -> bytes:
        """Exactly ``size`` bytes; raises EOFError."""
        if len(self.pending) < size:
            parts = [self.pending]
            missing = size - len(self.pending)
            while missing > 0:
                data = self._receive()
                if not data:
                    raise EOFError
                parts.append(data)
                missing -= len(data)
            self.pending = b"".join(parts)
        taken, self.pending = self.pending[:size], self.pending[size:]
        return taken

    def line(self, limit: int) -> bytes:
        """Up to the next CRLF, without it; raises EOFError, BadRequest for a line longer than ``limit``."""
        while (end := self.pending.find(b"\r\n")) < 0:
            if len(self.pending) > limit:
                break
            if not self.more():
                raise EOFError
        if not 0 <= end <= limit:
            raise BadRequest(HTTPStatus.BAD_REQUEST, "A line of the chunked body is too long.")
        line, self.pending = self.pending[:end], self.pending[end + 2 :]
        return line


def read_chunks(stream: Stream, limit: int) -> bytes:
    """A chunked body; raises BadRequest when it is malformed or larger than ``limit``, EOFError when it ends early."""
    parts: list[bytes] = []
    total = 0
    while size := _chunk_size(stream):
        total += size
        if total > limit:
            raise too_large(limit)
        parts.append(stream.take(size))
        if stream.take(2) != b"\r\n":
            raise BadRequest(HTTPStatus.BAD_REQUEST, "A chunk is longer than it says.")
    left = _LONGEST_TRAILERS
    while line := stream.line(left):
        left -= len(line)
        if left <= 0:
            raise BadRequest(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The trailers are too long.")
    return b"".join(parts)


def too_large(limit: int) -> BadRequest:
    """413."""
    return BadRequest(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"A body may have {limit} bytes here.")


def _chunk_size(stream: Stream) -> int:
    match = _CHUNK_LINE.fullmatch(stream.line(_LONGEST_CHUNK_LINE))
    if match is None:
        raise BadRequest(HTTPStatus.BAD_REQUEST, "The size of a chunk is malformed.")
    return int(match[1], 16)
