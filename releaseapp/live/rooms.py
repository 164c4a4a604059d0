"""Who is at one subject, who holds its lock, who asked for it; and how that is told."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice

import msgspec

from releaseapp.live.connection import Connection
from releaseapp.live.protocol import message_frame
from releaseapp.live.subjects import Subject

_SHOWN = 20
"""People that a frame names; the others are a number, so that a crowd costs each of its members little."""


class Person(msgspec.Struct, frozen=True):
    """Somebody, as the others see them."""

    id: str
    name: str


class Present(Person, frozen=True):
    """Somebody who is here since then."""

    since: str
    editing: bool


class Holder(Person, frozen=True):
    """Who edits, since then."""

    since: str


def person(connection: Connection) -> Person:
    """Whose connection it is."""
    account = connection.identity.account
    return Person(account.id, account.name)


@dataclass(slots=True, eq=False)
class Room:
    """The connections at one subject, by account: one person with two tabs is one person.

    ``holder`` is the connection with the lock, ``asked`` one connection of each account that asked
    for it, the first first; ``forcing`` while somebody takes over; ``changed`` while that is not
    told yet, ``telling`` while somebody is at it.
    """

    subject: Subject
    people: dict[str, dict[Connection, str]] = field(default_factory=dict)
    holder: Connection | None = None
    held_since: str = ""
    asked: dict[str, Connection] = field(default_factory=dict)
    size: int = 0
    forcing: bool = False
    changed: bool = False
    telling: bool = False

    def __contains__(self, connection: Connection) -> bool:
        return connection in self.people.get(connection.identity.account.id, ())

    def join(self, connection: Connection, since: str) -> None:
        """Takes a connection in that is not here yet."""
        self.people.setdefault(connection.identity.account.id, {})[connection] = since
        self.size += 1

    def leave(self, connection: Connection) -> None:
        """Lets a connection go, with what it asked for."""
        account_id = connection.identity.account.id
        self.forget_asking(connection)
        del self.people[account_id][connection]
        self.size -= 1
        if not self.people[account_id]:
            del self.people[account_id]

    def forget_asking(self, connection: Connection) -> None:
        """The connection does not ask for the lock any more."""
        if self.asked.get(connection.identity.account.id) is connection:
            del self.asked[connection.identity.account.id]

    def connections(self) -> list[Connection]:
        """Everybody here, tab by tab."""
        return [connection for tabs in self.people.values() for connection in tabs]

    def may_edit(self, connection: Connection) -> bool:
        """Whether the connection's owner may edit the subject."""
        return connection.identity.allows(self.subject.workspace_id, self.subject.edit)

    def holder_shown(self) -> Holder | None:
        """Who edits, for everybody."""
        if self.holder is None:
            return None
        editor = person(self.holder)
        return Holder(editor.id, editor.name, self.held_since)

    def frame(self) -> bytes:
        """What all of them are told: who is here, the editor first, then whoever came first."""
        editor = None if self.holder is None else self.holder.identity.account.id
        others = (account_id for account_id in self.people if account_id != editor)
        shown = [*([editor] if editor in self.people else []), *islice(others, _SHOWN)][:_SHOWN]
        return message_frame(
            type="presence",
            subject=self.subject.id,
            people=list(self._present(shown, editor)),
            more=len(self.people) - len(shown),
            lock=self.holder_shown(),
        )

    def _present(self, account_ids: Iterable[str], editor: str | None) -> Iterable[Present]:
        for account_id in account_ids:
            connection, since = next(iter(self.people[account_id].items()))
            yield Present(account_id, connection.identity.account.name, since, account_id == editor)
