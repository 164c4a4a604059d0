"""Who is calling, and what can be done with workspaces, members and the role matrix."""

import re
from collections.abc import Sequence

from releaseapp import clock
from releaseapp.auth import service as auth
from releaseapp.auth.models import Account
from releaseapp.db.api import Database, Reader, Row
from releaseapp.errors import Conflict, Fault, Invalid, NotAllowed, NotFound, NotSignedIn
from releaseapp.events.models import EventType
from releaseapp.events.service import append
from releaseapp.permissions import DEFAULT_MATRIX, Permission, Role, RoleMatrix
from releaseapp.settings import Settings
from releaseapp.workspaces import queries
from releaseapp.workspaces.models import Identity, Member, Membership, Workspace, parse_matrix

_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,46}[a-z0-9])?")


def identify(db: Reader, settings: Settings, token: str) -> Identity:
    """Who a token stands for, in one query; raises NotSignedIn when it stands for nobody (any more)."""
    digest = auth.api_token_digest(token)
    if digest is not None:
        row = queries.find_token_row(db, digest, clock.now_text())
        if row is None:
            raise NotSignedIn("The token is not valid, or no longer.")
        return _program(row)
    claims = auth.read_token(settings, token)
    rows = queries.list_session_rows(db, claims.jti, clock.now_text())
    if not rows or rows[0]["id"] != claims.sub or rows[0]["token_version"] != claims.ver:
        raise NotSignedIn("The session has ended; sign in again.")
    return _person(rows)


def _person(rows: Sequence[Row]) -> Identity:
    memberships = [_membership(row, Role(row["role"])) for row in rows if row["workspace_id"] is not None]
    return Identity(
        account=_account(rows[0]),
        session_id=rows[0]["session_id"],
        last_use=rows[0]["last_seen_at"],
        memberships={membership.workspace_id: membership for membership in memberships},
    )


def _program(row: Row) -> Identity:
    # A token never does more than its maker may by now: whoever is lowered lowers the own tokens.
    role = min(Role(row["role"]), Role(row["token_role"]), key=lambda role: role.rank)
    return Identity(
        account=_account(row),
        session_id=row["session_id"],
        memberships={row["workspace_id"]: _membership(row, role)},
        token_name=row["token_name"],
        last_use=row["last_used_at"],
    )


def _membership(row: Row, role: Role) -> Membership:
    return Membership(
        workspace_id=row["workspace_id"],
        slug=row["slug"],
        name=row["workspace_name"],
        role=role,
        permissions=parse_matrix(row["role_matrix"])[role],
    )


def _account(row: Row) -> Account:
    return Account(
        id=row["id"],
        email=row["email"],
        name=row["name"],
        is_operator=bool(row["is_operator"]),
        is_disabled=bool(row["is_disabled"]),
        must_change_password=bool(row["must_change_password"]),
        last_workspace_id=row["last_workspace_id"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def create_workspace(
    db: Database, slug: str, name: str, owner: Account, *, description: str = "", workspace_id: str | None = None
) -> Workspace:
    """Adds a workspace with its first owner; raises Invalid for a bad slug or name, Conflict for a taken slug."""
    faults = []
    if not _SLUG.fullmatch(slug):
        faults.append(Fault("/slug", "slug must be 1 to 48 small letters, digits and hyphens."))
    if not name.strip():
        faults.append(Fault("/name", "name must not be blank."))
    if faults:
        raise Invalid(faults)
    now = clock.now_text()
    workspace = Workspace(
        id=workspace_id or clock.new_id("wsp"),
        slug=slug,
        name=name.strip(),
        description=description.strip(),
        revision=1,
        created_at=now,
        updated_at=now,
    )
    try:
        with db.transaction() as tx:
            queries.insert_workspace(tx, workspace, DEFAULT_MATRIX)
            append(
                tx,
                EventType.WORKSPACE_CREATED,
                workspace.id,
                workspace_id=workspace.id,
                actor=owner.id,
                data={"slug": slug, "name": workspace.name},
            )
            add_member(db, workspace.id, owner, Role.OWNER, actor=None)
    except Conflict as error:
        raise Conflict(f"There is a workspace called {slug} already.") from error
    return workspace


def get_workspace(db: Reader, workspace_id: str) -> Workspace:
    """A workspace; raises NotFound."""
    workspace = queries.find_workspace(db, workspace_id)
    if workspace is None:
        raise NotFound("There is no such workspace.")
    return workspace


def get_workspace_by_slug(db: Reader, slug: str) -> Workspace:
    """A workspace by the name in its address; raises NotFound."""
    workspace = queries.find_workspace_by_slug(db, slug)
    if workspace is None:
        raise NotFound(f"There is no workspace {slug!r}.")
    return workspace


def get_matrix(db: Reader, workspace_id: str) -> RoleMatrix:
    """Which role has which permissions in a workspace."""
    return queries.get_matrix(db, workspace_id)


def set_permission(
    db: Database, workspace_id: str, role: Role, permission: Permission, *, granted: bool, actor: Identity
) -> RoleMatrix:
    """Gives a role a permission, or takes it; returns the new matrix.

    Raises NotAllowed without ``roles.manage``, Conflict for the owner's column, which always has everything.
    """
    if not actor.allows(workspace_id, Permission.ROLES_MANAGE):
        raise NotAllowed("Only an owner may change the role matrix.")
    if role is Role.OWNER:
        raise Conflict("An owner always has every permission.")
    with db.transaction() as tx:
        before = queries.get_matrix(tx, workspace_id)
        changed = before[role] | {permission} if granted else before[role] - {permission}
        matrix = {**before, role: changed}
        if matrix != before:
            queries.set_matrix(tx, workspace_id, matrix, clock.now_text())
            append(
                tx,
                EventType.WORKSPACE_ROLES_CHANGED,
                workspace_id,
                workspace_id=workspace_id,
                actor=actor.account.id,
                data={"role": role, "permission": permission, "before": not granted, "after": granted},
            )
    return matrix


def list_members(db: Reader, workspace_id: str, before: str, limit: int) -> list[Member]:
    """The people of a workspace, newest account first."""
    return queries.list_members(db, workspace_id, before, limit)


def find_member(db: Reader, workspace_id: str, account_id: str) -> Member | None:
    """One person of a workspace."""
    return queries.find_member(db, workspace_id, account_id)


def count_members(db: Reader, workspace_id: str) -> int:
    """How many people a workspace has."""
    return queries.count_members(db, workspace_id)


def invite_member(db: Database, workspace_id: str, email: str, role: Role, actor: Identity) -> Member:
    """Makes the account with that e-mail a member.

    Raises Invalid when there is no such account, NotAllowed above the own role, Conflict when it is a member.
    """
    _check_reach(actor, workspace_id, role)
    account = auth.find_account_by_email(db, email)
    if account is None:
        raise Invalid.at(
            "/email", "email belongs to no account here; an operator can add one with 'releaseapp user add'."
        )
    return add_member(db, workspace_id, account, role, actor=actor.account.id)


def add_member(db: Database, workspace_id: str, account: Account, role: Role, *, actor: str | None) -> Member:
    """Makes an account a member; raises Conflict when it is one."""
    now = clock.now_text()
    try:
        with db.transaction() as tx:
            queries.insert_membership(tx, workspace_id, account.id, role, now)
            append(
                tx,
                EventType.MEMBER_ADDED,
                account.id,
                workspace_id=workspace_id,
                actor=actor,
                data={"name": account.name, "role": role},
            )
    except Conflict as error:
        raise Conflict(f"{account.name} is a member of this workspace already.") from error
    return Member(id=account.id, email=account.email, name=account.name, role=role, since=now)


def change_role(db: Database, workspace_id: str, account_id: str, role: Role, actor: Identity) -> Member:
    """Gives a member another role.

    Raises NotFound for a stranger, NotAllowed above the own role, Conflict for the last owner.
    """
    _check_reach(actor, workspace_id, role)
    with db.transaction() as tx:
        member = _get_member(tx, workspace_id, account_id)
        _check_reach(actor, workspace_id, member.role)
        if member.role is Role.OWNER and role is not Role.OWNER:
            _check_another_owner(tx, workspace_id)
        queries.set_member_role(tx, workspace_id, account_id, role, clock.now_text())
        change = {"name": member.name, "before": member.role, "after": role}
        append(tx, EventType.MEMBER_UPDATED, account_id, workspace_id=workspace_id, actor=actor.account.id, data=change)
        return _get_member(tx, workspace_id, account_id)


def remove_member(db: Database, workspace_id: str, account_id: str, actor: Identity) -> None:
    """Ends a membership, another's or the own; errors as :func:`change_role`."""
    with db.transaction() as tx:
        member = _get_member(tx, workspace_id, account_id)
        if account_id != actor.account.id:
            _check_reach(actor, workspace_id, member.role)
        if member.role is Role.OWNER:
            _check_another_owner(tx, workspace_id)
        queries.delete_membership(tx, workspace_id, account_id)
        change = {"name": member.name, "role": member.role}
        append(tx, EventType.MEMBER_REMOVED, account_id, workspace_id=workspace_id, actor=actor.account.id, data=change)


def _check_reach(actor: Identity, workspace_id: str, role: Role) -> None:
    """Nobody raises anybody above the own role, nor touches somebody who stands above it."""
    membership = actor.memberships.get(workspace_id)
    if membership is None:
        raise NotFound("There is no such workspace.")
    needed = Permission.OWNERS_MANAGE if role is Role.OWNER else Permission.MEMBERS_MANAGE
    if needed not in membership.permissions or role.rank > membership.role.rank:
        raise NotAllowed(f"Your role does not allow you to manage a person with the role {role}.")


def _check_another_owner(db: Reader, workspace_id: str) -> None:
    if queries.count_members(db, workspace_id, Role.OWNER) <= 1:
        raise Conflict("A workspace needs at least one owner; make somebody else an owner first.")


def _get_member(db: Reader, workspace_id: str, account_id: str) -> Member:
    member = queries.find_member(db, workspace_id, account_id)
    if member is None:
        raise NotFound("There is no such member.")
    return member
