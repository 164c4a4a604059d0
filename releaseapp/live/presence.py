"""Who looks at the same agent or draft, and who edits it: in memory, by socket, gone with it.

Everything here runs in the hub's thread. SQL runs in native threads, while the
greenlet of the connection that asked waits.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import gevent
from gevent.hub import get_hub
from gevent.pool import Group

from releaseapp import clock
from releaseapp.db.api import Database
from releaseapp.errors import Busy, NotSignedIn
from releaseapp.live.connection import Connection
from releaseapp.live.locks import Locks, refused_frame
from releaseapp.live.messages import Force, Leave, OfPresence, Unlock, Unreadable, Watch
from releaseapp.live.protocol import message_frame
from releaseapp.live.rooms import Room
from releaseapp.live.subjects import Drafts, Subject, find_subject
from releaseapp.live.threads import Threads
from releaseapp.workspaces.models import Identity

MOST_SUBJECTS = 8
"""What one connection may watch at the same time."""

BURST = 20
_MESSAGES_A_SECOND = 5.0
_SOONEST_SECONDS = 0.05
_TELLINGS_A_SECOND = 1000
_AT_ONCE = 200
_UNKNOWN = "There is no such agent or draft, or you may not see it."


@dataclass(slots=True)
class _Guest:
    """What is known of a connection: where it is, and how much it has said lately."""

    rooms: list[Room] = field(default_factory=list)
    said: float = 0.0
    said_at: float = field(default_factory=clock.monotonic)

    def count_message(self) -> None:
        """Raises Unreadable when these are too many."""
        now = clock.monotonic()
        self.said = max(0.0, self.said - (now - self.said_at) * _MESSAGES_A_SECOND) + 1
        self.said_at = now
        if self.said > BURST:
            raise Unreadable("Too many messages at once; wait a second.")


class Presence:
    """The rooms of one process, and who is in them."""

    def __init__(self, db: Database, identify: Callable[[str], Identity], drafts: Drafts, threads: Threads) -> None:
        self._db = db
        self._identify = identify
        self._drafts = drafts
        self._threads = threads
        self._locks = Locks(db, identify, threads, self._tell_soon)
        self._rooms: dict[str, Room] = {}
        self._guests: dict[Connection, _Guest] = {}
        self._tellers = Group()

    def hear(self, connection: Connection, token: str, message: OfPresence) -> None:
        """Does what a client says; raises Unreadable when it says too much at once. May wait for the database."""
        if connection.code is not None:
            return
        self._guest(connection).count_message()
        room = self._rooms.get(message.subject)
        if room is not None and connection not in room:
            room = None
        if isinstance(message, Watch):
            self._watch(connection, token, message.subject)
        elif room is None:
            if not isinstance(message, Leave | Unlock):
                connection.write(refused_frame(message.subject, "Watch it first."))
        elif isinstance(message, Leave):
            self._leave(room, connection)
        elif isinstance(message, Force):
            self._locks.force(room, connection, token, message.reason)
        else:
            self._locks.act(room, connection, message)

    def forget(self, connection: Connection) -> None:
        """The connection has ended: it is nowhere any more, and holds nothing."""
        guest = self._guests.pop(connection, None)
        for room in guest.rooms if guest else ():
            self._leave(room, connection)

    def identity_changed(self, connection: Connection) -> None:
        """The connection's owner may do other things now, or has another name."""
        guest = self._guests.get(connection)
        for room in list(guest.rooms) if guest else ():
            if not connection.identity.allows(room.subject.workspace_id, room.subject.view):
                self._leave(room, connection)
                connection.write(message_frame(type="watch.ended", subject=room.subject.id, detail=_UNKNOWN))
                continue
            if not room.may_edit(connection):
                room.forget_asking(connection)
                if room.holder is connection:
                    self._locks.release(room, "role")
            self._tell_soon(room)

    def stop(self) -> None:
        """Forgets everybody, and returns when what they edited is written down."""
        for connection in list(self._guests):
            self.forget(connection)
        self._tellers.kill()
        self._locks.stop()

    def _guest(self, connection: Connection) -> _Guest:
        if connection not in self._guests:
            self._guests[connection] = _Guest()
            connection.on_end = partial(self._forget_soon, connection)
        return self._guests[connection]

    def _forget_soon(self, connection: Connection) -> None:
        # Not at once: a connection may end in the midst of being written to, by us.
        get_hub().loop.run_callback(self.forget, connection)

    def _watch(self, connection: Connection, token: str, subject_id: str) -> None:
        present = self._rooms.get(subject_id)
        if present is not None and connection in present:
            connection.write(present.frame())
            return
        found = self._admit(connection, token, subject_id)
        if connection.code is not None:
            return
        if isinstance(found, str):
            connection.write(message_frame(type="watch.refused", subject=subject_id, detail=found))
            return
        room = self._rooms.setdefault(subject_id, Room(found))
        room.subject = found
        room.join(connection, clock.now_text())
        self._guests[connection].rooms.append(room)
        connection.write(room.frame())
        self._tell_soon(room)

    def _admit(self, connection: Connection, token: str, subject_id: str) -> Subject | str:
        """What it may watch, or a sentence why not."""
        if connection.identity.token_name is not None:
            return "People are present at things; programs are not."
        if len(self._guests[connection].rooms) >= MOST_SUBJECTS:
            return f"A connection watches {MOST_SUBJECTS} things at most; leave one first."
        try:
            subject = self._threads.run(partial(self._find, token, subject_id))
        except Busy as busy:
            return str(busy)
        # The database may know of a change before we are told, and we of one after it was asked: both must allow it.
        if subject is None or not connection.identity.allows(subject.workspace_id, subject.view):
            return _UNKNOWN
        return subject

    def _find(self, token: str, subject_id: str) -> Subject | None:
        """Runs in a native thread."""
        try:
            identity = self._identify(token)
        except NotSignedIn:
            return None
        return find_subject(self._db, self._drafts, identity, subject_id)

    def _leave(self, room: Room, connection: Connection) -> None:
        room.leave(connection)
        if connection in self._guests:
            self._guests[connection].rooms.remove(room)
        if room.holder is connection:
            self._locks.release(room)
        if not room.size:
            self._rooms.pop(room.subject.id, None)
        self._tell_soon(room)

    def _tell_soon(self, room: Room) -> None:
        """Whatever happens until then is told in one: a crowd that comes costs each of its members a frame a second."""
        room.changed = True
        if not room.telling:
            room.telling = True
            self._tellers.spawn(self._tell, room)

    def _tell(self, room: Room) -> None:
        try:
            while room.changed:
                gevent.sleep(max(_SOONEST_SECONDS, room.size / _TELLINGS_A_SECOND))
                room.changed = False
                frame, everybody = room.frame(), room.connections()
                for start in range(0, len(everybody), _AT_ONCE):
                    for connection in everybody[start : start + _AT_ONCE]:
                        if connection in room:
                            connection.write(frame)
                    # Events go between, and what else is due; who was there may not be any more.
                    gevent.sleep(0)
        finally:
            room.telling = False
