"""The frames of the live channel: what the server says, and how it reads a client's frames.

Outgoing frames are bytes, ready to be written to any number of sockets. The
frame codec is wsproto's: gevent-websocket's own accepts unmasked frames, knows
no size limit and drops close codes.
"""

from collections.abc import Iterator
from enum import IntEnum
from typing import Any

import msgspec
from wsproto.frame_protocol import CloseReason, FrameProtocol, Opcode, ParseFailed

from releaseapp.events.models import Event
from releaseapp.workspaces.models import Identity

LARGEST_MESSAGE = 65_536
"""Bytes of one message from a client."""

_TEXT = 0x81  # a whole text message in one frame
_SHORT = 126
_MEDIUM = 65_536


class Close(IntEnum):
    """Why a connection ends, as its close code tells."""

    NORMAL = 1000
    PROTOCOL_ERROR = 1002
    UNSUPPORTED = 1003
    NO_CODE = 1005
    VANISHED = 1006
    BAD_TEXT = 1007
    POLICY = 1008
    TOO_BIG = 1009
    FAILED = 1011
    RESTART = 1012
    TOO_SLOW = 1013
    SIGNED_OUT = 4401
    NO_MEMBERSHIP = 4403


class Violation(Exception):
    """The client broke the protocol; ``code`` is the close code to answer with, None to echo no code."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class _EventMessage(msgspec.Struct, tag_field="type", tag="event"):
    event: Event


class ClientClose(msgspec.Struct, frozen=True):
    """The client says goodbye, or echoes ours; ``code`` is 1005 when it gave none."""

    code: int


class ClientPing(msgspec.Struct, frozen=True):
    """A ping of the protocol, to be answered with a pong of the same payload."""

    payload: bytes


class ClientText(msgspec.Struct, frozen=True):
    """A whole text message."""

    text: str


Heard = ClientClose | ClientPing | ClientText | None
"""What came in; None for a pong."""


def text_frame(payload: bytes) -> bytes:
    """A text message as one frame, unmasked as a server's must be."""
    length = len(payload)
    if length < _SHORT:
        return bytes((_TEXT, length)) + payload
    if length < _MEDIUM:
        return b"\x81\x7e" + length.to_bytes(2, "big") + payload
    return b"\x81\x7f" + length.to_bytes(8, "big") + payload


def message_frame(**fields: object) -> bytes:
    """A message of these fields."""
    return text_frame(msgspec.json.encode(fields))


def event_frame(event: Event) -> bytes:
    """Tells of an event."""
    return text_frame(msgspec.json.encode(_EventMessage(event)))


def hello_frame(newest: int, session_id: str) -> bytes:
    """The first frame: the id of the newest event, and which session the server takes the client for."""
    return message_frame(type="hello", id=newest, session=session_id)


def reset_frame(newest: int, *, restored: bool = False) -> bytes:
    """What was missed cannot be told; everything up to ``newest`` must be read anew. ``restored``: it is older now."""
    return message_frame(type="reset", id=newest, **({"restored": True} if restored else {}))


def ping_frames(newest: int) -> bytes:
    """A ping that a page can see, with the id up to which everything was told, and one of the protocol."""
    return message_frame(type="ping", id=newest) + b"\x89\x00"


def memberships_frame(identity: Identity) -> bytes:
    """What the client may see has changed; these are its workspaces now."""
    workspaces = [
        {"id": item.workspace_id, "slug": item.slug, "name": item.name, "role": item.role}
        for item in identity.memberships.values()
    ]
    return message_frame(type="memberships", workspaces=workspaces)


def error_frame(detail: str) -> bytes:
    """The last message could not be understood."""
    return message_frame(type="error", detail=detail)


def goodbye_frame(seconds: float) -> bytes:
    """The server stops: come back after so many seconds, which are others for each client."""
    return message_frame(type="goodbye", wait=round(seconds, 3))


def close_frame(code: int, reason: str = "") -> bytes:
    """Goodbye; without a code when ``code`` is 1005, which must never be sent."""
    protocol = FrameProtocol(client=False, extensions=[])
    if code == Close.NO_CODE:
        return bytes(protocol.close())
    return bytes(protocol.close(code, reason))


def pong_frame(payload: bytes) -> bytes:
    """The answer to a ping of the protocol."""
    return bytes(FrameProtocol(client=False, extensions=[]).pong(payload))


class Incoming:
    """Reads what one client sends."""

    def __init__(self) -> None:
        self._frames = FrameProtocol(client=False, extensions=[])
        self._parts: list[str] = []
        self._size = 0

    def feed(self, data: bytes) -> Iterator[Heard]:
        """The messages that ``data`` completes; raises Violation, after which nothing more may be fed."""
        self._frames.receive_bytes(data)
        try:
            for frame in self._frames.received_frames():
                if frame.opcode is Opcode.TEXT:
                    yield from self._text(frame.payload, finished=frame.message_finished)
                else:
                    yield _control(frame.opcode, frame.payload)
        except ParseFailed as error:
            raise Violation(int(error.code), str(error)) from error

    def _text(self, part: Any, *, finished: bool) -> Iterator[ClientText]:
        self._size += len(part.encode())
        if self._size > LARGEST_MESSAGE:
            raise Violation(Close.TOO_BIG, f"A message may have {LARGEST_MESSAGE} bytes.")
        self._parts.append(part)
        if finished:
            text = "".join(self._parts)
            self._parts.clear()
            self._size = 0
            yield ClientText(text)


def _control(opcode: Opcode, payload: Any) -> Heard:
    if opcode is Opcode.BINARY:
        raise Violation(CloseReason.UNSUPPORTED_DATA, "This channel speaks JSON text.")
    if opcode is Opcode.PING:
        return ClientPing(bytes(payload))
    if opcode is Opcode.CLOSE:
        return ClientClose(int(payload[0]))
    return None
