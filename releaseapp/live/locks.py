"""The lock of a subject: who may begin to edit, ask, hand over, take over.

It is advice: writes by HTTP are guarded by their ETags, not by it.
"""

from collections.abc import Callable
from functools import partial

from releaseapp import clock
from releaseapp.db.api import Database
from releaseapp.errors import Busy, NotAllowed, NotSignedIn
from releaseapp.events.models import EventType
from releaseapp.live.connection import Connection
from releaseapp.live.edits import Edit, Edits
from releaseapp.live.messages import Ask, Decline, HandOver, Lock, Unlock
from releaseapp.live.protocol import message_frame
from releaseapp.live.rooms import Holder, Room, person
from releaseapp.live.subjects import Subject
from releaseapp.live.threads import Threads
from releaseapp.maintenance.service import find_maintenance, sentence_of
from releaseapp.permissions import Permission
from releaseapp.workspaces.models import Identity

FORCE = Permission.MEMBERS_MANAGE
"""Taking over is over people, not over agents or workflows: for those who may also put a member out."""

_NOT_EDITING = "Your role may not edit this."
_NOT_FORCING = "Only those who manage members may take over; ask instead."


class Locks:
    """Gives and takes locks. State changes first, then it is told: a write may end the connection it goes to."""

    def __init__(
        self, db: Database, identify: Callable[[str], Identity], threads: Threads, changed: Callable[[Room], None]
    ) -> None:
        """``changed`` is told of rooms whose people must hear something new."""
        self._db = db
        self._identify = identify
        self._threads = threads
        self._edits = Edits(db, threads)
        self._changed = changed

    def stop(self) -> None:
        """Returns when what happened is written down."""
        self._edits.flush()

    def act(self, room: Room, connection: Connection, message: Lock | Unlock | Ask | HandOver | Decline) -> None:
        """Does what somebody in the room asks for. May wait for the database."""
        match message:
            case Unlock():
                if room.holder is connection:
                    self.release(room)
            case HandOver(to=asker_id):
                self._hand_over(room, connection, asker_id)
            case Decline(to=asker_id):
                self._decline(room, connection, asker_id)
            case Lock() | Ask():
                if not self._stands_still(room, connection):
                    self._ask(room, connection, tell=isinstance(message, Ask))

    def _stands_still(self, room: Room, connection: Connection) -> bool:
        """Refuses during maintenance, when nobody can change anything; also True when the asker is gone meanwhile."""
        lasting = self._threads.run(partial(find_maintenance, self._db))
        if connection.code is not None or connection not in room:
            return True
        if lasting is not None:
            _refuse(room, connection, sentence_of(lasting))
        return lasting is not None

    def release(self, room: Room, why: str = "") -> None:
        """Nobody holds the lock now, or whoever asked first; the holder is told ``why`` unless it let go itself."""
        holder = room.holder
        if holder is None:
            return
        room.holder = None
        self._note(EventType.EDIT_UNLOCKED, room, holder)
        self._give_next(room)
        self._changed(room)
        if why:
            holder.write(_lost_frame(room, why))

    def force(self, room: Room, connection: Connection, token: str, reason: str) -> None:
        """Takes the lock from whoever holds it, once that is written down. Waits for the database."""
        reason = " ".join("".join(letter if letter.isprintable() else " " for letter in reason).split())
        if self._stands_still(room, connection):
            return
        held_by = room.holder
        if held_by is None or person(held_by).id == person(connection).id:
            self._ask(room, connection, tell=False)
            return
        refusal = self._no_force(room, connection, reason)
        if refusal is None:
            data = {"from": person(held_by).id, "from_name": person(held_by).name, "reason": reason}
            edit = Edit(EventType.EDIT_FORCED, room.subject, person(connection).id, data)
            refusal = self._record(room, connection, token, edit)
        if refusal is not None:
            self._give_next(room)
            _refuse(room, connection, refusal)
        elif room.holder is not None and room.holder is not connection:
            self._move(room, connection, "forced", reason)
        elif room.holder is None:
            self._give(room, connection)

    def _no_force(self, room: Room, connection: Connection, reason: str) -> str | None:
        if not _may_force(connection.identity, room.subject):
            return _NOT_FORCING
        if not reason:
            return "Say why you take over; it is written down."
        return "Somebody else is just taking over." if room.forcing else None

    def _record(self, room: Room, connection: Connection, token: str, edit: Edit) -> str | None:
        """Writes down who takes over from whom; why that cannot be, or None."""
        # Until it is written down, nobody else may come between.
        room.forcing = True
        try:
            self._edits.flush()
            self._threads.run(partial(self._append_forced, token, edit))
        except (Busy, NotAllowed) as error:
            return str(error)
        finally:
            room.forcing = False
        if connection.code is not None or connection not in room or not room.may_edit(connection):
            return _NOT_EDITING
        return None

    def _append_forced(self, token: str, edit: Edit) -> None:
        """Runs in a native thread."""
        try:
            identity = self._identify(token)
        except NotSignedIn:
            raise NotAllowed(_NOT_FORCING) from None
        if not _may_force(identity, edit.subject):
            raise NotAllowed(_NOT_FORCING)
        self._edits.append([edit])

    def _ask(self, room: Room, connection: Connection, *, tell: bool) -> None:
        """Gives the lock when it is free, moves it between tabs of one person, else asks the holder (or does not)."""
        holder, asker = room.holder, person(connection)
        if not room.may_edit(connection):
            _refuse(room, connection, _NOT_EDITING)
        elif room.forcing:
            _refuse(room, connection, "Somebody is just taking over.")
        elif holder is None:
            self._give(room, connection)
        elif holder is connection:
            connection.write(_granted_frame(room))
        elif not tell:
            _refuse(room, connection, f"{person(holder).name} is editing.")
        elif person(holder).id == asker.id:
            self._move(room, connection, "elsewhere")
        else:
            first = asker.id not in room.asked
            room.asked[asker.id] = connection
            if first:
                holder.write(message_frame(type="lock.asked", subject=room.subject.id, by=asker))

    def _hand_over(self, room: Room, connection: Connection, asker_id: str) -> None:
        asker = room.asked.get(asker_id)
        if room.holder is not connection:
            _refuse(room, connection, "You are not editing.")
        elif asker is None or asker.code is not None:
            _refuse(room, connection, "Whoever asked is not here any more.")
        elif room.forcing:
            _refuse(room, connection, "Somebody is just taking over.")
        else:
            self._move(room, asker, "handed_over")

    def _decline(self, room: Room, connection: Connection, asker_id: str) -> None:
        asker = room.asked.pop(asker_id, None) if room.holder is connection else None
        if asker is not None:
            asker.write(message_frame(type="lock.declined", subject=room.subject.id, by=person(connection)))

    def _move(self, room: Room, to: Connection, why: str, reason: str = "") -> None:
        loser = room.holder
        assert loser is not None
        self._note(EventType.EDIT_UNLOCKED, room, loser)
        self._give(room, to)
        loser.write(_lost_frame(room, why, to, reason))

    def _give_next(self, room: Room) -> None:
        if room.holder is None and not room.forcing:
            heir = next((asker for asker in room.asked.values() if asker.code is None), None)
            if heir is not None:
                self._give(room, heir)

    def _give(self, room: Room, to: Connection) -> None:
        room.holder, room.held_since = to, clock.now_text()
        room.asked.pop(person(to).id, None)
        self._note(EventType.EDIT_LOCKED, room, to)
        self._changed(room)
        to.write(_granted_frame(room))
        for asker in list(room.asked.values()):
            to.write(message_frame(type="lock.asked", subject=room.subject.id, by=person(asker)))

    def _note(self, event_type: EventType, room: Room, connection: Connection) -> None:
        self._edits.note(Edit(event_type, room.subject, person(connection).id))


def refused_frame(subject_id: str, detail: str, holder: Holder | None = None) -> bytes:
    """No, and who edits."""
    return message_frame(type="lock.refused", subject=subject_id, detail=detail, holder=holder)


def _refuse(room: Room, connection: Connection, detail: str) -> None:
    connection.write(refused_frame(room.subject.id, detail, room.holder_shown()))


def _may_force(identity: Identity, subject: Subject) -> bool:
    return identity.allows(subject.workspace_id, subject.edit) and identity.allows(subject.workspace_id, FORCE)


def _granted_frame(room: Room) -> bytes:
    return message_frame(type="lock.granted", subject=room.subject.id)


def _lost_frame(room: Room, why: str, to: Connection | None = None, reason: str = "") -> bytes:
    by = person(to) if to is not None else None
    return message_frame(type="lock.lost", subject=room.subject.id, why=why, by=by, reason=reason)
