"""The statements on accounts, sessions, API tokens and sign-in attempts."""

from typing import Any

import msgspec

from releaseapp.auth.models import Account, ApiToken, KeptPassword, Secrets, Session
from releaseapp.db.api import Reader, Row, Transaction

_ACCOUNT = "id, email, name, is_operator, is_disabled, must_change_password, last_workspace_id, created_at, updated_at"
_TOKEN = "id, account_id, workspace_id, name, role, created_at, expires_at, last_used_at, revoked_at"  # noqa: S105


def insert_account(tx: Transaction, account: Account, kept: KeptPassword) -> None:
    """Adds an account; raises Conflict when the e-mail is taken."""
    tx.run(
        """
        INSERT INTO accounts (id, email, name, password_hash, password_mark, password_changed_at, is_operator,
                              is_disabled, must_change_password, token_version, created_at, updated_at)
        VALUES (:id, :email, :name, :password_hash, :password_mark, :created_at, :is_operator,
                :is_disabled, :must_change_password, 1, :created_at, :updated_at)
        """,
        **_values(account),
        **_values(kept),
    )


def find_account(db: Reader, account_id: str) -> Account | None:
    """An account by id."""
    return _account(db.first(f"SELECT {_ACCOUNT} FROM accounts WHERE id = :id", id=account_id))


def find_account_by_email(db: Reader, email: str) -> Account | None:
    """An account by its lower-case e-mail."""
    return _account(db.first(f"SELECT {_ACCOUNT} FROM accounts WHERE email = :email", email=email))


def find_secrets(db: Reader, email: str) -> Secrets | None:
    """What sign-in needs, by lower-case e-mail."""
    row = db.first(
        """
        SELECT id AS account_id, email, name, password_hash, password_mark, token_version, is_disabled
        FROM accounts WHERE email = :email
        """,
        email=email,
    )
    return Secrets(**{**row, "is_disabled": bool(row["is_disabled"])}) if row else None


def set_password(
    tx: Transaction,
    account_id: str,
    password_hash: str,
    updated_at: str,
    mark: str | None = None,
    *,
    must_change: bool = False,
) -> None:
    """Replaces the hash and ends every token given before."""
    tx.run(
        """
        UPDATE accounts SET password_hash = :password_hash, password_mark = :mark, password_changed_at = :updated_at,
               must_change_password = :must_change, token_version = token_version + 1, updated_at = :updated_at
        WHERE id = :id
        """,
        id=account_id,
        password_hash=password_hash,
        mark=mark,
        must_change=int(must_change),
        updated_at=updated_at,
    )


def set_kept_password(tx: Transaction, account_id: str, before: str, kept: KeptPassword) -> None:
    """The same password at another cost or with another mark: nothing ends. Does nothing if it was changed since."""
    tx.run(
        """
        UPDATE accounts SET password_hash = :password_hash, password_mark = :password_mark
        WHERE id = :id AND password_hash = :before
        """,
        id=account_id,
        before=before,
        **_values(kept),
    )


def set_password_used(tx: Transaction, account_id: str, now: str) -> None:
    """Notes that the password has opened the account."""
    tx.run("UPDATE accounts SET password_used_at = :now WHERE id = :id", id=account_id, now=now)


def set_account_name(tx: Transaction, account_id: str, name: str, updated_at: str) -> None:
    """Renames the person."""
    tx.run(
        "UPDATE accounts SET name = :name, updated_at = :updated_at WHERE id = :id",
        id=account_id,
        name=name,
        updated_at=updated_at,
    )


def set_account_disabled(tx: Transaction, account_id: str, updated_at: str, *, disabled: bool) -> int:
    """Closes or opens an account; returns how many rows changed."""
    return tx.run(
        "UPDATE accounts SET is_disabled = :disabled, updated_at = :updated_at WHERE id = :id",
        id=account_id,
        disabled=int(disabled),
        updated_at=updated_at,
    )


def set_last_workspace(tx: Transaction, account_id: str, workspace_id: str) -> None:
    """Remembers where the person was, for the next sign-in."""
    tx.run(
        "UPDATE accounts SET last_workspace_id = :workspace_id WHERE id = :id",
        id=account_id,
        workspace_id=workspace_id,
    )


def insert_session(tx: Transaction, session: Session) -> None:
    """Adds a session."""
    tx.run(
        """
        INSERT INTO sessions (id, account_id, user_agent, address, created_at, last_seen_at, expires_at)
        VALUES (:id, :account_id, :user_agent, :address, :created_at, :last_seen_at, :expires_at)
        """,
        **_values(session),
    )


def list_sessions(db: Reader, account_id: str, now: str) -> list[Session]:
    """The sessions of an account that are still good, newest first."""
    rows = db.all(
        """
        SELECT * FROM sessions
        WHERE account_id = :account_id AND ended_at IS NULL AND expires_at > :now
        ORDER BY id DESC
        """,
        account_id=account_id,
        now=now,
    )
    return [Session(**row) for row in rows]


def knows_address(db: Reader, account_id: str, address: str) -> bool:
    """Whether the account was ever signed in from this address, as far as sessions are kept."""
    row = db.first(
        "SELECT 1 AS yes FROM sessions WHERE account_id = :account_id AND address = :address LIMIT 1",
        account_id=account_id,
        address=address,
    )
    return row is not None


def set_session_seen(tx: Transaction, session_id: str, now: str) -> None:
    """Notes that a session is in use."""
    tx.run("UPDATE sessions SET last_seen_at = :now WHERE id = :id", id=session_id, now=now)


def end_session(tx: Transaction, account_id: str, session_id: str, now: str) -> int:
    """Ends one session of an account; returns how many that was."""
    return tx.run(
        "UPDATE sessions SET ended_at = :now WHERE id = :id AND account_id = :account_id AND ended_at IS NULL",
        id=session_id,
        account_id=account_id,
        now=now,
    )


def end_sessions(tx: Transaction, account_id: str, now: str) -> int:
    """Ends every session of an account; returns how many that was."""
    return tx.run(
        "UPDATE sessions SET ended_at = :now WHERE account_id = :account_id AND ended_at IS NULL",
        account_id=account_id,
        now=now,
    )


def delete_sessions_before(tx: Transaction, expires_at: str) -> int:
    """Forgets sessions that expired before the moment."""
    return tx.run("DELETE FROM sessions WHERE expires_at < :expires_at", expires_at=expires_at)


def count_attempts(db: Reader, bucket: str, since: str) -> int:
    """Failed sign-ins in a bucket since a moment."""
    row = db.first(
        "SELECT COUNT(*) AS number FROM sign_in_attempts WHERE bucket = :bucket AND at > :since",
        bucket=bucket,
        since=since,
    )
    return int(row["number"]) if row else 0


def oldest_attempt(db: Reader, bucket: str, since: str) -> str | None:
    """When the oldest attempt that still counts was made."""
    row = db.first(
        "SELECT MIN(at) AS at FROM sign_in_attempts WHERE bucket = :bucket AND at > :since", bucket=bucket, since=since
    )
    return row["at"] if row else None


def insert_attempt(tx: Transaction, attempt_id: str, bucket: str, at: str) -> None:
    """Counts an attempt."""
    tx.run(
        "INSERT INTO sign_in_attempts (id, bucket, at) VALUES (:id, :bucket, :at)", id=attempt_id, bucket=bucket, at=at
    )


def delete_attempts(tx: Transaction, bucket: str) -> None:
    """Forgets a bucket's attempts: the right password was given."""
    tx.run("DELETE FROM sign_in_attempts WHERE bucket = :bucket", bucket=bucket)


def delete_attempt(tx: Transaction, attempt_id: str, bucket: str) -> None:
    """Takes back one attempt."""
    tx.run("DELETE FROM sign_in_attempts WHERE id = :id AND bucket = :bucket", id=attempt_id, bucket=bucket)


def delete_attempts_before(tx: Transaction, at: str) -> None:
    """Forgets attempts that no longer count."""
    tx.run("DELETE FROM sign_in_attempts WHERE at < :at", at=at)


def insert_api_token(tx: Transaction, token: ApiToken, token_hash: str) -> None:
    """Adds an API token."""
    tx.run(
        """
        INSERT INTO api_tokens (id, account_id, workspace_id, name, role, token_hash, created_at, expires_at)
        VALUES (:id, :account_id, :workspace_id, :name, :role, :token_hash, :created_at, :expires_at)
        """,
        **_values(token),
        token_hash=token_hash,
    )


def list_api_tokens(db: Reader, account_id: str) -> list[ApiToken]:
    """The API tokens of an account, newest first."""
    rows = db.all(
        f"SELECT {_TOKEN} FROM api_tokens WHERE account_id = :account_id ORDER BY id DESC", account_id=account_id
    )
    return [ApiToken(**row) for row in rows]


def find_api_token(db: Reader, account_id: str, token_id: str) -> ApiToken | None:
    """One API token of an account."""
    row = db.first(
        f"SELECT {_TOKEN} FROM api_tokens WHERE account_id = :account_id AND id = :id",
        account_id=account_id,
        id=token_id,
    )
    return ApiToken(**row) if row else None


def revoke_api_token(tx: Transaction, account_id: str, token_id: str, now: str) -> int:
    """Ends an API token; returns how many that was."""
    return tx.run(
        "UPDATE api_tokens SET revoked_at = :now WHERE id = :id AND account_id = :account_id AND revoked_at IS NULL",
        id=token_id,
        account_id=account_id,
        now=now,
    )


def revoke_api_tokens(tx: Transaction, account_id: str, now: str) -> int:
    """Ends every API token of an account; returns how many that was."""
    return tx.run(
        "UPDATE api_tokens SET revoked_at = :now WHERE account_id = :account_id AND revoked_at IS NULL",
        account_id=account_id,
        now=now,
    )


def set_api_token_used(tx: Transaction, token_id: str, now: str) -> None:
    """Notes that an API token is in use."""
    tx.run("UPDATE api_tokens SET last_used_at = :now WHERE id = :id", id=token_id, now=now)


def _account(row: Row | None) -> Account | None:
    if row is None:
        return None
    flags = {name: bool(row[name]) for name in ("is_operator", "is_disabled", "must_change_password")}
    return Account(**{**row, **flags})


def _values(struct: msgspec.Struct) -> dict[str, Any]:
    values = msgspec.structs.asdict(struct)
    return {name: int(value) if isinstance(value, bool) else value for name, value in values.items()}
