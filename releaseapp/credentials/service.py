"""What can be done with credentials."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

import msgspec

from releaseapp import clock
from releaseapp.credentials import contents, queries
from releaseapp.credentials.contents import Content
from releaseapp.credentials.models import (
    Breaks,
    Credential,
    CredentialState,
    CredentialType,
    Sealed,
    Secret,
    Use,
    VaultLocked,
    VaultState,
)
from releaseapp.credentials.rotation import Rotation, rotate
from releaseapp.credentials.schemas import CredentialChange, CredentialCreate
from releaseapp.credentials.state import refuse_unless_open, unreadable, vault_state
from releaseapp.credentials.vault import Vault
from releaseapp.db.api import Database, Reader, Transaction
from releaseapp.errors import Conflict, NotFound
from releaseapp.events.models import EventType
from releaseapp.events.service import append

__all__ = ["Rotation", "VaultState", "rotate", "unreadable", "vault_state"]

Guard = Callable[[int], None] | None
"""Called with the present revision inside the transaction; refuses by raising."""

_USE_IS_NEWS_SECONDS = 60
_LONGEST_USED_BY = 200
_NAMED_IN_A_SENTENCE = 5
_SHOWN_IN_EVENTS = ("name", "allowed_hosts", "scopes")


def open_credential(db: Reader, vault: Vault, workspace_id: str, name_or_id: str) -> Secret:
    """A credential of a workspace with its secrets, for whatever uses it.

    Raises NotFound when there is none of that id or name, VaultLocked when it cannot be opened.
    """
    sealed = queries.find_sealed(db, workspace_id, name_or_id)
    sealed = sealed or queries.find_sealed_by_name(db, workspace_id, contents.name_key(name_or_id))
    if sealed is None:
        raise NotFound(f"This workspace has no credential {name_or_id[:120]!r}; add it on the page Credentials.")
    return _opened(vault, sealed)


def secrets_of_workspace(db: Reader, vault: Vault, workspace_id: str) -> list[Secret]:
    """Every credential of a workspace that opens, by name. What does not open cannot turn up anywhere either."""
    found = []
    for sealed in queries.list_sealed(db, workspace_id):
        with suppress(VaultLocked):
            found.append(_opened(vault, sealed))
    return found


def note_use(db: Database, credential_id: str, used_by: str) -> None:
    """Notes that ``used_by`` (such as ``run run_1, step fetch``) used a credential; at most once a minute."""
    recently = clock.text(clock.now() - timedelta(seconds=_USE_IS_NEWS_SECONDS))
    last = queries.find_last_use(db, credential_id)
    if last is None or (last["last_used_at"] or "") > recently:
        return
    with db.transaction() as tx:
        queries.note_use(tx, credential_id, clock.now_text(), used_by[:_LONGEST_USED_BY])


def credential_names(db: Reader, workspace_id: str) -> list[str]:
    """The names of a workspace's credentials, in order."""
    return queries.list_names(db, workspace_id)


def list_credentials(
    db: Reader,
    workspace_id: str,
    before: str,
    limit: int,
    *,
    type_: CredentialType | None = None,
    search: str | None = None,
) -> list[CredentialState]:
    """Credentials of a workspace, newest first, maybe of one type or with a text in the name."""
    wanted = contents.name_key(search or "")
    pattern = queries.search_pattern(wanted) if wanted else None
    return queries.list_credentials(db, workspace_id, before, limit, type_=type_, pattern=pattern)


def find_credential(db: Reader, workspace_id: str, credential_id: str) -> CredentialState | None:
    """One credential of a workspace, or None."""
    return queries.find_credential(db, workspace_id, credential_id)


def create_credential(
    db: Database, vault: Vault, workspace_id: str, given: CredentialCreate, *, actor: str
) -> CredentialState:
    """Adds a credential.

    Raises Invalid with every fault, Conflict for a name that is taken, VaultLocked when nothing can be sealed now.
    """
    name = contents.clean_name(given.name)
    content = contents.content_of(given.type, given.fields, given.public, vault)
    now = clock.now_text()
    credential = Credential(
        id=clock.new_id("crd"),
        workspace_id=workspace_id,
        name=name,
        type=given.type,
        allowed_hosts=contents.clean_hosts(given.type, given.allowed_hosts, content.hosts),
        scopes=contents.clean_scopes(given.scopes),
        fields=content.shown,
        secret_fields=content.secret_fields,
        last_used_at=None,
        last_used_by=None,
        created_at=now,
        updated_at=now,
    )
    with db.transaction() as tx:
        refuse_unless_open(tx, vault)
        _refuse_taken(tx, credential)
        sealed = _sealed(vault, credential, contents.pack(content))
        queries.insert_credential(tx, sealed, contents.name_key(name))
        queries.note_key(tx, sealed.state.key_id, now)
        data = {"name": name, "type": given.type, "allowed_hosts": credential.allowed_hosts}
        append(tx, EventType.CREDENTIAL_CREATED, credential.id, workspace_id=workspace_id, actor=actor, data=data)
    return sealed.state


def change_credential(
    db: Database,
    vault: Vault,
    credential: Credential,
    change: CredentialChange,
    *,
    actor: str,
    guard: Guard = None,
) -> CredentialState:
    """Changes what was given and nothing else; new ``fields`` take the place of all that were there.

    ``guard`` is called with the present revision inside the transaction and may
    refuse. Raises NotFound, and what :func:`create_credential` raises.
    """
    with db.transaction() as tx:
        before = queries.find_sealed(tx, credential.workspace_id, credential.id)
        if before is None:
            raise NotFound("There is no such credential.")
        if guard is not None:
            guard(before.state.revision)
        old = before.state.credential
        content = _new_content(old, change, vault)
        after = msgspec.structs.replace(old, **_changes(old, change, content))
        changed = [name for name in _SHOWN_IN_EVENTS if getattr(after, name) != getattr(old, name)]
        if content is None and not changed:
            return before.state
        after = msgspec.structs.replace(after, updated_at=clock.now_text())
        _refuse_taken(tx, after)
        sealed = Sealed(msgspec.structs.replace(before.state, credential=after), before.sealed)
        if content is not None:
            refuse_unless_open(tx, vault)
            sealed = _sealed(vault, after, contents.pack(content))
            queries.note_key(tx, sealed.state.key_id, after.updated_at)
        queries.update_credential(tx, sealed, contents.name_key(after.name))
        data = {
            "name": after.name,
            "changed": [*changed, *(["fields"] if content is not None else [])],
            "before": {name: getattr(old, name) for name in changed},
            "after": {name: getattr(after, name) for name in changed},
        }
        append(tx, EventType.CREDENTIAL_UPDATED, old.id, workspace_id=old.workspace_id, actor=actor, data=data)
        return msgspec.structs.replace(sealed.state, revision=before.state.revision + 1)


def delete_credential(db: Database, credential: Credential, *, actor: str, guard: Guard = None) -> None:
    """Removes a credential for good; raises NotFound. It needs no key: what cannot be opened can still be removed."""
    with db.transaction() as tx:
        state = queries.find_credential(tx, credential.workspace_id, credential.id)
        if state is None:
            raise NotFound("There is no such credential.")
        if guard is not None:
            guard(state.revision)
        queries.delete_credential(tx, credential.id)
        data = {"name": state.credential.name, "type": state.credential.type}
        append(
            tx,
            EventType.CREDENTIAL_DELETED,
            credential.id,
            workspace_id=credential.workspace_id,
            actor=actor,
            data=data,
        )


def is_same_name(one: str, other: str) -> bool:
    """Whether two names are one: their case does not count."""
    return contents.name_key(one) == contents.name_key(other)


def refuse_breaking(uses: Sequence[Use], number: int, doing: str, *, force: bool) -> None:
    """Raises Breaks, which names what would break, unless told to go ahead with ``force``.

    ``number`` counts those too of which the caller may not know the name.
    """
    if not number or force:
        return
    named = [f"the {use.kind} {use.name!r}" for use in uses[:_NAMED_IN_A_SENTENCE]]
    if number > len(named):
        named.append(f"{number - len(named)} more" if named else f"{number} that you may not see")
    raise Breaks(
        f"{doing} would break {' and '.join(named)}. Change what names it first, or repeat this with ?force=1.",
        used_by=[{"kind": use.kind, "id": use.id, "name": use.name} for use in uses],
    )


def _opened(vault: Vault, sealed: Sealed) -> Secret:
    credential = sealed.state.credential
    packed = vault.open(sealed.sealed, credential.workspace_id, credential.id)
    return contents.unpack(sealed.state, packed, vault)


def _sealed(vault: Vault, credential: Credential, packed: bytes) -> Sealed:
    text = vault.seal(packed, credential.workspace_id, credential.id)
    return Sealed(CredentialState(credential, 1, vault.key_id or ""), text)


def _new_content(old: Credential, change: CredentialChange, vault: Vault) -> Content | None:
    if isinstance(change.fields, msgspec.UnsetType):
        contents.refuse_public_alone(change.public)
        return None
    public = [] if isinstance(change.public, msgspec.UnsetType) else change.public
    return contents.content_of(old.type, change.fields, public, vault)


def _changes(old: Credential, change: CredentialChange, content: Content | None) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    if content is not None:
        changes |= {"fields": content.shown, "secret_fields": content.secret_fields}
    if not isinstance(change.name, msgspec.UnsetType):
        changes["name"] = contents.clean_name(change.name)
    if not isinstance(change.scopes, msgspec.UnsetType):
        changes["scopes"] = contents.clean_scopes(change.scopes)
    return {**changes, "allowed_hosts": _hosts_after(old, change, content)}


def _hosts_after(old: Credential, change: CredentialChange, content: Content | None) -> list[str]:
    """What was given, what the new address says, or as before; the old address's host does not outlive it."""
    own = contents.own_hosts(old) if content is None else content.hosts
    if not isinstance(change.allowed_hosts, msgspec.UnsetType):
        return contents.clean_hosts(old.type, change.allowed_hosts, own)
    if content is None or own:
        return own or old.allowed_hosts
    return [] if contents.own_hosts(old) else old.allowed_hosts


def _refuse_taken(tx: Transaction, credential: Credential) -> None:
    other = queries.find_name(tx, credential.workspace_id, contents.name_key(credential.name))
    if other is not None and other["id"] != credential.id:
        raise Conflict(f"There is a credential {other['name']!r} already; choose another name.")
