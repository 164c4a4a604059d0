"""The statements of the role matrix: who belongs where, with which role, and which programs act for them."""

from releaseapp.db.api import Reader, Row


def list_workspaces(db: Reader) -> list[Row]:
    """Every workspace with its matrix."""
    return db.all("SELECT id, slug, name, role_matrix FROM workspaces ORDER BY slug")


def list_people(db: Reader) -> list[Row]:
    """Every membership of an account that may sign in."""
    return db.all(
        """
        SELECT m.workspace_id, a.email, m.role
        FROM memberships m JOIN accounts a ON a.id = m.account_id
        WHERE a.is_disabled = 0 ORDER BY a.email
        """
    )


def list_operators(db: Reader) -> list[str]:
    """The e-mails of operators who may sign in."""
    rows = db.all("SELECT email FROM accounts WHERE is_operator = 1 AND is_disabled = 0 ORDER BY email")
    return [str(row["email"]) for row in rows]


def list_emails(db: Reader) -> set[str]:
    """The e-mail of every account."""
    return {str(row["email"]) for row in db.all("SELECT email FROM accounts")}


def list_tokens(db: Reader, now: str) -> list[Row]:
    """Every API token that opens something: neither revoked nor over, of a member who may sign in."""
    return db.all(
        """
        SELECT t.workspace_id, a.email, t.name, t.role, m.role AS member_role
        FROM api_tokens t
        JOIN accounts a ON a.id = t.account_id
        JOIN memberships m ON m.account_id = a.id AND m.workspace_id = t.workspace_id
        WHERE t.revoked_at IS NULL AND t.expires_at > :now AND a.is_disabled = 0
        ORDER BY a.email, t.name, t.id
        """,
        now=now,
    )


def find_frozen(db: Reader) -> Row | None:
    """The open release that froze the role matrix: its version and the matrix."""
    return db.first(
        """
        SELECT id, to_version, started_at, roles FROM releases
        WHERE finished_at IS NULL AND status IN ('started', 'promoted') ORDER BY id DESC LIMIT 1
        """
    )
