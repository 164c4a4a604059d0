"""Who hears what: listeners in groups whose members may hear exactly the same.

People with the same role in the same workspaces hear the same events, so a
batch of events becomes bytes once for each group, not once for each listener.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from releaseapp.events.models import Event, is_for_everybody, is_for_operators, permission_for
from releaseapp.permissions import Permission
from releaseapp.workspaces.models import Identity

Signature = frozenset[tuple[str, frozenset[Permission]]]


class Hearer(Protocol):
    """Whoever has an identity may hear."""

    identity: Identity


H = TypeVar("H", bound=Hearer)


@dataclass(frozen=True, slots=True)
class Told:
    """An event, ready to be told: its frame, and whom it concerns."""

    id: int
    workspace_id: str | None
    permission: Permission | None
    accounts: frozenset[str]
    frame: bytes
    for_operators: bool = False
    for_everybody: bool = False

    @property
    def private(self) -> bool:
        """Whether it is heard by account, not by role: sign-ins, tokens, the account itself, the server."""
        return self.permission is None or self.workspace_id is None

    def may_hear(self, identity: Identity) -> bool:
        """Whether the identity may hear of it; private events reach people only, never their programs."""
        if self.for_everybody:
            return True
        if self.for_operators:
            return identity.token_name is None and identity.account.is_operator
        if self.permission is None or self.workspace_id is None:
            return identity.token_name is None and identity.account.id in self.accounts
        return identity.allows(self.workspace_id, self.permission)


def tell(event: Event, frame: bytes) -> Told | None:
    """An event to be told; None for a type that this version does not know, which nobody may hear."""
    try:
        permission = permission_for(event.type, event.subject)
    except KeyError:
        return None
    accounts = frozenset(account for account in (event.subject, event.actor) if account is not None)
    return Told(
        event.id,
        event.workspace_id,
        permission,
        accounts,
        frame,
        for_operators=is_for_operators(event.type),
        for_everybody=is_for_everybody(event.type),
    )


@dataclass(slots=True)
class _Group(Generic[H]):
    """Listeners that may hear the same; ``identity`` is that of any one of them."""

    identity: Identity
    members: dict[H, None] = field(default_factory=dict)


class Audience(Generic[H]):
    """The listeners that hear events as they happen. Belongs to one thread."""

    def __init__(self) -> None:
        self._groups: dict[Signature, _Group[H]] = {}
        self._rooms: dict[str, set[Signature]] = {}
        self._by_account: dict[str, dict[H, None]] = {}
        self._operators: dict[H, None] = {}
        self._seats: dict[H, tuple[Signature, str]] = {}

    def __contains__(self, listener: H) -> bool:
        return listener in self._seats

    def join(self, listener: H) -> None:
        """Seats a listener by its identity; again after its identity has changed."""
        self.leave(listener)
        identity = listener.identity
        signature = frozenset((item.workspace_id, item.permissions) for item in identity.memberships.values())
        if signature not in self._groups:
            self._groups[signature] = _Group(identity)
            for workspace_id in identity.memberships:
                self._rooms.setdefault(workspace_id, set()).add(signature)
        self._groups[signature].members[listener] = None
        self._by_account.setdefault(identity.account.id, {})[listener] = None
        if identity.account.is_operator:
            self._operators[listener] = None
        self._seats[listener] = (signature, identity.account.id)

    def leave(self, listener: H) -> None:
        """Takes a listener's seat away, if it has one."""
        signature, account_id = self._seats.pop(listener, (None, ""))
        if signature is None:
            return
        self._operators.pop(listener, None)
        del self._by_account[account_id][listener]
        if not self._by_account[account_id]:
            del self._by_account[account_id]
        del self._groups[signature].members[listener]
        if not self._groups[signature].members:
            del self._groups[signature]
            for workspace_id, _ in signature:
                self._rooms[workspace_id].discard(signature)
                if not self._rooms[workspace_id]:
                    del self._rooms[workspace_id]

    def deliveries(self, batch: Sequence[Told]) -> Iterator[tuple[bytes, int, list[H]]]:
        """What to write to whom: bytes, how many frames they are, and the listeners; in the order of the batch."""
        start = 0
        for index, told in enumerate(batch):
            if told.private:
                yield from self._to_groups(batch[start:index])
                yield from self._to_accounts(told)
                start = index + 1
        yield from self._to_groups(batch[start:])

    def _to_groups(self, batch: Sequence[Told]) -> Iterator[tuple[bytes, int, list[H]]]:
        for group in self._groups_of({told.workspace_id for told in batch}):
            frames = [told.frame for told in batch if told.may_hear(group.identity)]
            if frames:
                yield b"".join(frames), len(frames), list(group.members)

    def _groups_of(self, workspace_ids: Iterable[str | None]) -> list[_Group[H]]:
        signatures = {signature for item in workspace_ids if item for signature in self._rooms.get(item, ())}
        return [self._groups[signature] for signature in signatures]

    def _rooms_of(self, told: Told) -> list[Iterable[H]]:
        if told.for_everybody:
            return [self._seats]
        return [self._operators] if told.for_operators else [self._by_account.get(one, {}) for one in told.accounts]

    def _to_accounts(self, told: Told) -> Iterator[tuple[bytes, int, list[H]]]:
        for room in self._rooms_of(told):
            members = [item for item in room if told.may_hear(item.identity)]
            if members:
                yield told.frame, 1, members
