"""The statements on idempotency keys."""

from releaseapp.db.api import Reader, Row, Transaction


def find_idempotency_key(db: Reader, account_id: str, key: str) -> Row | None:
    """What is kept of an earlier request with this key."""
    return db.first(
        "SELECT * FROM idempotency_keys WHERE account_id = :account_id AND key = :key", account_id=account_id, key=key
    )


def insert_idempotency_key(
    tx: Transaction, account_id: str, key: str, fingerprint: str, owner: str, created_at: str
) -> None:
    """Claims a key for a request that is about to be done."""
    tx.run(
        """
        INSERT INTO idempotency_keys (account_id, key, fingerprint, owner, created_at)
        VALUES (:account_id, :key, :fingerprint, :owner, :created_at)
        """,
        account_id=account_id,
        key=key,
        fingerprint=fingerprint,
        owner=owner,
        created_at=created_at,
    )


def take_over_idempotency_key(tx: Transaction, account_id: str, key: str, owner: str, created_at: str) -> None:
    """Claims a key whose first request died."""
    tx.run(
        """
        UPDATE idempotency_keys SET owner = :owner, created_at = :created_at
        WHERE account_id = :account_id AND key = :key AND status IS NULL
        """,
        account_id=account_id,
        key=key,
        owner=owner,
        created_at=created_at,
    )


def answer_idempotency_key(  # noqa: PLR0913, PLR0917 - a row's columns
    tx: Transaction, account_id: str, key: str, owner: str, status: int, headers: str, body: str
) -> int:
    """Keeps the answer, when the claim is still ``owner``'s; returns how many rows that was."""
    return tx.run(
        """
        UPDATE idempotency_keys SET status = :status, headers = :headers, body = :body
        WHERE account_id = :account_id AND key = :key AND owner = :owner AND status IS NULL
        """,
        account_id=account_id,
        key=key,
        owner=owner,
        status=status,
        headers=headers,
        body=body,
    )


def release_idempotency_key(tx: Transaction, account_id: str, key: str, owner: str) -> None:
    """Gives up a claim, so that the request may be sent again at once."""
    tx.run(
        """
        DELETE FROM idempotency_keys
        WHERE account_id = :account_id AND key = :key AND owner = :owner AND status IS NULL
        """,
        account_id=account_id,
        key=key,
        owner=owner,
    )


def delete_idempotency_keys(tx: Transaction, before: str) -> None:
    """Forgets the keys made before ``before``."""
    tx.run("DELETE FROM idempotency_keys WHERE created_at < :before", before=before)
