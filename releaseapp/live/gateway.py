"""The front of the live channel: turns requests into connections and listens to them."""

import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from geventwebsocket.handler import WebSocketHandler

from releaseapp import clock
from releaseapp.auth import service as auth
from releaseapp.auth.models import PASSWORD_DUE, TOKEN_COOKIE
from releaseapp.db.api import Database
from releaseapp.errors import Busy, NotSignedIn
from releaseapp.events.queries import last_event_id
from releaseapp.live import protocol
from releaseapp.live.channel import Channel
from releaseapp.live.connection import Connection, make_send
from releaseapp.live.counters import Counters
from releaseapp.live.handshake import Ask, Refused, not_signed_in, read_handshake
from releaseapp.live.messages import Pong, Unreadable, read_message
from releaseapp.live.presence import Presence
from releaseapp.live.protocol import ClientClose, ClientPing, ClientText, Close, Heard, Incoming, Violation
from releaseapp.live.reader import Enrolled
from releaseapp.live.subjects import Drafts, no_drafts
from releaseapp.live.threads import Threads
from releaseapp.settings import Settings
from releaseapp.workspaces.models import Identity
from releaseapp.workspaces.service import identify

_THREADS = 2
_RECEIVE_BYTES = 16_384
_SEND_BUFFER_BYTES = 131_072
"""The kernel would grow it to megabytes for each slow reader."""

_MOST_STRIKES = 10
_ANSWER_SECONDS = 5.0
_DEAF_SECONDS = 2.0
BEYOND = -1
"""In place of a ``since`` that no event has: what the client remembers is not of this log."""


class UpgradingHandler(WebSocketHandler):
    """A handler of HTTP that can turn its connection into a WebSocket."""

    def upgrade(self) -> Any:
        """Answers 101 to a handshake that was found right; returns the bare socket.

        gevent-websocket makes the answer; its frame codec is set aside.
        """
        self.status = None
        self.headers_sent = False
        self.result = None
        self.upgrade_websocket()
        codec = self.websocket
        # It would say goodbye on its own when it is collected, into the middle of ours.
        codec.raw_write = len
        del self.websocket, self.environ["wsgi.websocket"], codec
        self.write(b"")
        bare = self.socket._sock  # noqa: SLF001 - greenlets read it, the channel writes to it
        bare.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
        return bare


@dataclass(frozen=True, slots=True)
class Admitted:
    """Who may be heard, until when, and from which event on."""

    identity: Identity
    checked: int
    since: int | None
    expires_at: str


class Gateway:
    """The live channel of one process. Made, started and stopped in the hub's thread."""

    def __init__(self, db: Database, settings: Settings, drafts: Drafts = no_drafts) -> None:
        """``drafts`` finds the drafts that people may be present at."""
        self._db = db
        self._settings = settings
        self._stopping = False
        self._send = make_send()
        self._threads = Threads(_THREADS, "live", db.close_thread)
        who = partial(identify, db, settings)
        self._presence = Presence(db, who, drafts, self._threads)
        self._channel = Channel(db, settings, who, self._threads, self._presence.identity_changed)

    @property
    def counters(self) -> Counters:
        """What was counted so far."""
        return self._channel.counters

    def start(self) -> None:
        """Begins to read events."""
        self._channel.start()

    def stop(self, grace_seconds: float = 3.0) -> None:
        """Says 1012 to everybody, takes nobody in any more, and ends."""
        self._stopping = True
        self._channel.stop(grace_seconds)
        self._presence.stop()
        self._threads.stop()

    def admit(self, environ: dict[str, Any]) -> tuple[Ask, Admitted]:
        """Whether the request may become a live connection; raises Refused."""
        try:
            ask = read_handshake(environ, self._settings.public_url, TOKEN_COOKIE)
            self._check_room()
            admitted = self._threads.run(partial(self._look_up, ask))
            self._check_room()
        except Refused as refused:
            self.counters.refused[refused.code] += 1
            raise
        return ask, admitted

    def serve(self, handler: UpgradingHandler, received: bytes, ask: Ask, admitted: Admitted) -> None:
        """Upgrades an admitted request and stays until the connection has ended.

        ``received``: what the client has sent already behind its handshake.
        """
        bare = handler.upgrade()
        connection = Connection(bare, self._send, admitted.identity, self._settings.live_buffer_frames)
        connection.expires_at = admitted.expires_at
        connection.since = admitted.since
        enrolled = Enrolled(ask.token, admitted.identity, admitted.checked)
        self._channel.add(enrolled, connection)
        try:
            self._listen(connection, ask.token, handler.socket.recv, received)
        except OSError:
            pass  # The client is gone; the count says 1006.
        finally:
            self._channel.remove(enrolled)

    def _check_room(self) -> None:
        if self._stopping or self.counters.open >= self._settings.live_max_connections:
            raise Refused("503 Service unavailable", "No more live connections just now.", ("Retry-After", "5"))

    def _look_up(self, ask: Ask) -> Admitted:
        """Runs in a native thread."""
        try:
            # In this order: whatever changes the identity after it was read has a greater id.
            newest = last_event_id(self._db)
            identity = identify(self._db, self._settings, ask.token)
            expires_at = self._expiry(ask.token, identity)
        except NotSignedIn:
            raise not_signed_in() from None
        except Busy as busy:
            raise Refused("503 Service unavailable", str(busy), ("Retry-After", "1")) from None
        if identity.token_name is None and identity.account.must_change_password:
            raise Refused("403 Forbidden", PASSWORD_DUE)
        if not identity.memberships:
            raise Refused("403 Forbidden", "You are not a member of any workspace.")
        since = BEYOND if ask.since is not None and ask.since > newest else ask.since
        return Admitted(identity, newest, since, expires_at)

    def _expiry(self, token: str, identity: Identity) -> str:
        if identity.token_name is None:
            claims = auth.read_token(self._settings, token)
            return clock.text(datetime.fromtimestamp(claims.exp, UTC))
        kept = auth.list_api_tokens(self._db, identity.account.id)
        return next(item.expires_at for item in kept if item.id == identity.session_id)

    def _listen(self, connection: Connection, token: str, receive: Callable[[int], bytes], received: bytes) -> None:
        incoming = Incoming()
        data = received or receive(_RECEIVE_BYTES)
        while data:
            connection.heard_at = clock.monotonic()
            try:
                # Half closed: nothing more is understood, only taken in until the client has read our goodbye.
                if not connection.half_closed and not all(
                    self._hear(connection, token, heard) for heard in incoming.feed(data)
                ):
                    return
            except Violation as violation:
                if connection.code is not None:
                    return
                connection.end(violation.code, violation.reason, patience=_DEAF_SECONDS, deaf=True)
            data = receive(_RECEIVE_BYTES)

    def _hear(self, connection: Connection, token: str, heard: Heard) -> bool:
        """Does what a message asks for; False when both sides have said goodbye."""
        if isinstance(heard, ClientClose):
            if connection.code is not None:
                return False
            connection.end(heard.code, "", patience=_ANSWER_SECONDS, deaf=True)
        elif isinstance(heard, ClientPing):
            connection.write(protocol.pong_frame(heard.payload))
        elif isinstance(heard, ClientText):
            self._read(connection, token, heard.text)
        return True

    def _read(self, connection: Connection, token: str, text: str) -> None:
        try:
            message = read_message(text)
            if not isinstance(message, Pong):
                self._presence.hear(connection, token, message)
        except Unreadable as error:
            connection.strikes += 1
            connection.write(protocol.error_frame(str(error)))
            if connection.strikes >= _MOST_STRIKES:
                connection.end(Close.POLICY, "Too many messages that are none.", patience=_ANSWER_SECONDS)
