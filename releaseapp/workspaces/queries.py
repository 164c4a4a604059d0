"""The statements on workspaces, memberships, and who is calling."""

from collections.abc import Iterable

import msgspec

from releaseapp.db.api import Reader, Row, Transaction
from releaseapp.permissions import Role, RoleMatrix
from releaseapp.workspaces.models import Happening, Member, Workspace, matrix_text, parse_matrix

_WORKSPACE = "id, slug, name, description, revision, created_at, updated_at"

_WHO = """
    a.id, a.email, a.name, a.is_operator, a.is_disabled, a.must_change_password, a.last_workspace_id,
    a.created_at, a.updated_at, a.token_version,
    m.role, w.id AS workspace_id, w.slug, w.name AS workspace_name, w.role_matrix
"""


def list_session_rows(db: Reader, session_id: str, now: str) -> list[Row]:
    """The account of a living session, once for each of its memberships (once with none)."""
    return db.all(
        f"""
        SELECT s.id AS session_id, s.last_seen_at, {_WHO}
        FROM sessions s
        JOIN accounts a ON a.id = s.account_id
        LEFT JOIN memberships m ON m.account_id = a.id
        LEFT JOIN workspaces w ON w.id = m.workspace_id
        WHERE s.id = :session_id AND s.ended_at IS NULL AND s.expires_at > :now AND a.is_disabled = 0
        """,
        session_id=session_id,
        now=now,
    )


def find_token_row(db: Reader, token_hash: str, now: str) -> Row | None:
    """The account of a living API token with its membership in the token's workspace."""
    return db.first(
        f"""
        SELECT t.id AS session_id, t.name AS token_name, t.role AS token_role, t.last_used_at, {_WHO}
        FROM api_tokens t
        JOIN accounts a ON a.id = t.account_id
        JOIN memberships m ON m.account_id = a.id AND m.workspace_id = t.workspace_id
        JOIN workspaces w ON w.id = t.workspace_id
        WHERE t.token_hash = :token_hash AND t.revoked_at IS NULL AND t.expires_at > :now AND a.is_disabled = 0
        """,
        token_hash=token_hash,
        now=now,
    )


def insert_workspace(tx: Transaction, workspace: Workspace, matrix: RoleMatrix) -> None:
    """Adds a workspace; raises Conflict when the slug is taken."""
    tx.run(
        """
        INSERT INTO workspaces (id, slug, name, description, role_matrix, revision, created_at, updated_at)
        VALUES (:id, :slug, :name, :description, :role_matrix, :revision, :created_at, :updated_at)
        """,
        id=workspace.id,
        slug=workspace.slug,
        name=workspace.name,
        description=workspace.description,
        role_matrix=matrix_text(matrix),
        revision=workspace.revision,
        created_at=workspace.created_at,
        updated_at=workspace.updated_at,
    )


def find_workspace(db: Reader, workspace_id: str) -> Workspace | None:
    """A workspace by id."""
    row = db.first(f"SELECT {_WORKSPACE} FROM workspaces WHERE id = :id", id=workspace_id)
    return Workspace(**row) if row else None


def find_workspace_by_slug(db: Reader, slug: str) -> Workspace | None:
    """A workspace by slug."""
    row = db.first(f"SELECT {_WORKSPACE} FROM workspaces WHERE slug = :slug", slug=slug)
    return Workspace(**row) if row else None


def get_matrix(db: Reader, workspace_id: str) -> RoleMatrix:
    """The role matrix of a workspace that exists."""
    row = db.first("SELECT role_matrix FROM workspaces WHERE id = :id", id=workspace_id)
    if row is None:
        raise LookupError(workspace_id)
    return parse_matrix(row["role_matrix"])


def set_matrix(tx: Transaction, workspace_id: str, matrix: RoleMatrix, updated_at: str) -> None:
    """Replaces the role matrix."""
    tx.run(
        """
        UPDATE workspaces SET role_matrix = :role_matrix, revision = revision + 1, updated_at = :updated_at
        WHERE id = :id
        """,
        id=workspace_id,
        role_matrix=matrix_text(matrix),
        updated_at=updated_at,
    )


def list_members(db: Reader, workspace_id: str, before: str, limit: int) -> list[Member]:
    """The people of a workspace with an account id below ``before``, newest account first."""
    rows = db.all(
        """
        SELECT a.id, a.email, a.name, m.role, m.created_at AS since
        FROM memberships m JOIN accounts a ON a.id = m.account_id
        WHERE m.workspace_id = :workspace_id AND m.account_id < :before
        ORDER BY m.account_id DESC LIMIT :limit
        """,
        workspace_id=workspace_id,
        before=before,
        limit=limit,
    )
    return [_member(row) for row in rows]


def find_member(db: Reader, workspace_id: str, account_id: str) -> Member | None:
    """One person of a workspace."""
    row = db.first(
        """
        SELECT a.id, a.email, a.name, m.role, m.created_at AS since
        FROM memberships m JOIN accounts a ON a.id = m.account_id
        WHERE m.workspace_id = :workspace_id AND m.account_id = :account_id
        """,
        workspace_id=workspace_id,
        account_id=account_id,
    )
    return _member(row) if row else None


def count_members(db: Reader, workspace_id: str, role: Role | None = None) -> int:
    """How many people a workspace has, all or of one role."""
    row = db.first(
        """
        SELECT COUNT(*) AS number FROM memberships
        WHERE workspace_id = :workspace_id AND (CAST(:role AS TEXT) IS NULL OR role = :role)
        """,
        workspace_id=workspace_id,
        role=role.value if role else None,
    )
    return int(row["number"]) if row else 0


def insert_membership(tx: Transaction, workspace_id: str, account_id: str, role: Role, now: str) -> None:
    """Makes an account a member; raises Conflict when it is one."""
    tx.run(
        """
        INSERT INTO memberships (workspace_id, account_id, role, created_at, updated_at)
        VALUES (:workspace_id, :account_id, :role, :now, :now)
        """,
        workspace_id=workspace_id,
        account_id=account_id,
        role=role.value,
        now=now,
    )


def set_member_role(tx: Transaction, workspace_id: str, account_id: str, role: Role, now: str) -> None:
    """Gives a member another role."""
    tx.run(
        """
        UPDATE memberships SET role = :role, updated_at = :now
        WHERE workspace_id = :workspace_id AND account_id = :account_id
        """,
        workspace_id=workspace_id,
        account_id=account_id,
        role=role.value,
        now=now,
    )


def delete_membership(tx: Transaction, workspace_id: str, account_id: str) -> None:
    """Ends a membership."""
    tx.run(
        "DELETE FROM memberships WHERE workspace_id = :workspace_id AND account_id = :account_id",
        workspace_id=workspace_id,
        account_id=account_id,
    )


def list_happenings(db: Reader, workspace_id: str, types: Iterable[str], before: int, limit: int) -> list[Happening]:
    """The newest events of a workspace with an id below ``before`` and of the given types, newest first."""
    rows = db.all(
        """
        SELECT e.id, e.workspace_id, e.type, e.subject, e.actor, e.at, e.data, a.name AS actor_name
        FROM events e LEFT JOIN accounts a ON a.id = e.actor
        WHERE e.workspace_id = :workspace_id AND e.id < :before AND :types LIKE '% ' || e.type || ' %'
        ORDER BY e.id DESC LIMIT :limit
        """,
        workspace_id=workspace_id,
        before=before,
        types=f" {' '.join(types)} ",
        limit=limit,
    )
    return [Happening(**{**row, "data": msgspec.json.decode(row["data"])}) for row in rows]


def _member(row: Row) -> Member:
    return Member(**{**row, "role": Role(row["role"])})
