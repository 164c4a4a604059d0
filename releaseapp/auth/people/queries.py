"""The statements on accounts as operators see them."""

from releaseapp.auth.people.models import PasswordKept
from releaseapp.db.api import Reader, Row, Transaction


def list_accounts(db: Reader, now: str) -> list[Row]:
    """Every account with its counts, by e-mail."""
    return db.all(
        """
        SELECT a.id, a.email, a.name, a.is_operator, a.is_disabled, a.must_change_password, a.created_at,
               a.password_used_at, a.password_hash, COALESCE(a.password_changed_at, a.created_at) AS changed_at,
               (SELECT MAX(s.created_at) FROM sessions s WHERE s.account_id = a.id) AS newest_session_at,
               (SELECT COUNT(*) FROM sessions s
                WHERE s.account_id = a.id AND s.ended_at IS NULL AND s.expires_at > :now) AS sessions,
               (SELECT COUNT(*) FROM api_tokens t
                WHERE t.account_id = a.id AND t.revoked_at IS NULL AND t.expires_at > :now) AS api_tokens
        FROM accounts a ORDER BY a.email
        """,
        now=now,
    )


def list_roles(db: Reader) -> list[Row]:
    """Who has which role where."""
    return db.all(
        """
        SELECT m.account_id, w.slug, m.role FROM memberships m JOIN workspaces w ON w.id = m.workspace_id
        ORDER BY w.slug
        """
    )


def list_passwords(db: Reader) -> list[PasswordKept]:
    """What is kept of the passwords of all accounts that are open; operators first, then the oldest."""
    rows = db.all(
        """
        SELECT id AS account_id, email, must_change_password, password_hash, password_mark,
               COALESCE(password_changed_at, created_at) AS password_changed_at
        FROM accounts WHERE is_disabled = 0 ORDER BY is_operator DESC, id
        """
    )
    return [PasswordKept(**{**row, "must_change_password": bool(row["must_change_password"])}) for row in rows]


def find_password_change(db: Reader, account_id: str) -> str | None:
    """When the password of an account was changed, or the account made; None for no account."""
    row = db.first("SELECT COALESCE(password_changed_at, created_at) AS at FROM accounts WHERE id = :id", id=account_id)
    return str(row["at"]) if row else None


def count_other_operators(db: Reader, account_id: str) -> int:
    """How many operators can sign in besides this account."""
    row = db.first(
        "SELECT COUNT(*) AS number FROM accounts WHERE is_operator = 1 AND is_disabled = 0 AND id <> :id",
        id=account_id,
    )
    return int(row["number"]) if row else 0


def set_operator(tx: Transaction, account_id: str, now: str, *, operator: bool) -> None:
    """Makes an account an operator's, or no longer."""
    tx.run(
        "UPDATE accounts SET is_operator = :operator, updated_at = :now WHERE id = :id",
        id=account_id,
        operator=int(operator),
        now=now,
    )


def set_must_change(tx: Transaction, account_id: str, now: str, *, must_change: bool) -> None:
    """Whether the password has to be changed at the next sign-in."""
    tx.run(
        "UPDATE accounts SET must_change_password = :must_change, updated_at = :now WHERE id = :id",
        id=account_id,
        must_change=int(must_change),
        now=now,
    )
