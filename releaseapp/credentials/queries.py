"""The statements on credentials and on the keys that sealed them."""

from typing import Any

import msgspec

from releaseapp.credentials.models import Credential, CredentialState, CredentialType, Sealed
from releaseapp.db.api import Reader, Row, Transaction

_CREDENTIAL = """
    id, workspace_id, name, type, allowed_hosts, scopes, fields, secret_fields, revision, last_used_at, last_used_by,
    created_at, updated_at, key_id
"""
_DECODE_TEXTS = msgspec.json.Decoder(list[str]).decode
_DECODE_FIELDS = msgspec.json.Decoder(dict[str, str]).decode


def insert_credential(tx: Transaction, sealed: Sealed, name_key: str) -> None:
    """Adds a credential at revision 1."""
    tx.run(
        """
        INSERT INTO credentials (id, workspace_id, name, name_key, type, allowed_hosts, scopes, fields, secret_fields,
                                 revision, created_at, updated_at, key_id, sealed)
        VALUES (:id, :workspace_id, :name, :name_key, :type, :allowed_hosts, :scopes, :fields, :secret_fields,
                1, :created_at, :updated_at, :key_id, :sealed)
        """,
        **_values(sealed, name_key),
    )


def update_credential(tx: Transaction, sealed: Sealed, name_key: str) -> None:
    """Writes what people may change, as a new revision."""
    tx.run(
        """
        UPDATE credentials SET name = :name, name_key = :name_key, allowed_hosts = :allowed_hosts, scopes = :scopes,
               fields = :fields, secret_fields = :secret_fields, revision = revision + 1, updated_at = :updated_at,
               key_id = :key_id, sealed = :sealed
        WHERE id = :id
        """,
        **_values(sealed, name_key),
    )


def delete_credential(tx: Transaction, credential_id: str) -> None:
    """Removes a credential."""
    tx.run("DELETE FROM credentials WHERE id = :id", id=credential_id)


def seal_anew(tx: Transaction, credential_id: str, key_id: str, sealed: str) -> None:
    """Puts the same secret sealed by another key in the place of the old; no change that people would see."""
    tx.run(
        "UPDATE credentials SET key_id = :key_id, sealed = :sealed WHERE id = :id",
        id=credential_id,
        key_id=key_id,
        sealed=sealed,
    )


def note_use(tx: Transaction, credential_id: str, at: str, used_by: str) -> None:
    """Notes when and by what a credential was used last."""
    tx.run(
        "UPDATE credentials SET last_used_at = :at, last_used_by = :used_by WHERE id = :id",
        id=credential_id,
        at=at,
        used_by=used_by,
    )


def find_last_use(db: Reader, credential_id: str) -> Row | None:
    """When a credential was used last."""
    return db.first("SELECT last_used_at FROM credentials WHERE id = :id", id=credential_id)


def find_credential(db: Reader, workspace_id: str, credential_id: str) -> CredentialState | None:
    """One credential of a workspace, without its secrets."""
    row = db.first(
        f"SELECT {_CREDENTIAL} FROM credentials WHERE id = :id AND workspace_id = :workspace_id",
        id=credential_id,
        workspace_id=workspace_id,
    )
    return _state(row) if row else None


def find_sealed(db: Reader, workspace_id: str, credential_id: str) -> Sealed | None:
    """One credential of a workspace by id, sealed."""
    row = db.first(
        f"SELECT {_CREDENTIAL}, sealed FROM credentials WHERE id = :id AND workspace_id = :workspace_id",
        id=credential_id,
        workspace_id=workspace_id,
    )
    return _sealed(row) if row else None


def find_sealed_by_name(db: Reader, workspace_id: str, name_key: str) -> Sealed | None:
    """One credential of a workspace by name, sealed."""
    row = db.first(
        f"""
        SELECT {_CREDENTIAL}, sealed FROM credentials
        WHERE workspace_id = :workspace_id AND name_key = :name_key
        """,
        workspace_id=workspace_id,
        name_key=name_key,
    )
    return _sealed(row) if row else None


def find_name(db: Reader, workspace_id: str, name_key: str) -> Row | None:
    """The id of the credential of that name."""
    return db.first(
        "SELECT id, name FROM credentials WHERE workspace_id = :workspace_id AND name_key = :name_key",
        workspace_id=workspace_id,
        name_key=name_key,
    )


def list_credentials(
    db: Reader, workspace_id: str, before: str, limit: int, *, type_: str | None, pattern: str | None
) -> list[CredentialState]:
    """Credentials of a workspace with an id below ``before``, newest first, maybe of one type or matching a pattern."""
    rows = db.all(
        f"""
        SELECT {_CREDENTIAL} FROM credentials
        WHERE workspace_id = :workspace_id AND id < :before
          AND (CAST(:type AS TEXT) IS NULL OR type = :type)
          AND (CAST(:pattern AS TEXT) IS NULL OR name_key LIKE :pattern ESCAPE '!')
        ORDER BY id DESC LIMIT :limit
        """,
        workspace_id=workspace_id,
        before=before,
        limit=limit,
        type=type_,
        pattern=pattern,
    )
    return [_state(row) for row in rows]


def list_sealed(db: Reader, workspace_id: str) -> list[Sealed]:
    """Every credential of a workspace, sealed, by name."""
    rows = db.all(
        f"SELECT {_CREDENTIAL}, sealed FROM credentials WHERE workspace_id = :workspace_id ORDER BY name_key",
        workspace_id=workspace_id,
    )
    return [_sealed(row) for row in rows]


def list_names(db: Reader, workspace_id: str) -> list[str]:
    """The names of a workspace's credentials, in order."""
    rows = db.all(
        "SELECT name FROM credentials WHERE workspace_id = :workspace_id ORDER BY name_key", workspace_id=workspace_id
    )
    return [row["name"] for row in rows]


def list_sealed_after(db: Reader, after: str, limit: int) -> list[Sealed]:
    """Credentials of all workspaces with an id above ``after``, in order, sealed."""
    rows = db.all(
        f"SELECT {_CREDENTIAL}, sealed FROM credentials WHERE id > :after ORDER BY id LIMIT :limit",
        after=after,
        limit=limit,
    )
    return [_sealed(row) for row in rows]


def list_sealed_under(db: Reader, key_id: str, after: str, limit: int) -> list[Sealed]:
    """Credentials that one key sealed, with an id above ``after``, in order."""
    rows = db.all(
        f"""
        SELECT {_CREDENTIAL}, sealed FROM credentials WHERE key_id = :key_id AND id > :after ORDER BY id LIMIT :limit
        """,
        key_id=key_id,
        after=after,
        limit=limit,
    )
    return [_sealed(row) for row in rows]


def count_by_key(db: Reader) -> dict[str, int]:
    """How many credentials each key sealed."""
    rows = db.all("SELECT key_id, COUNT(*) AS number FROM credentials GROUP BY key_id ORDER BY key_id")
    return {row["key_id"]: int(row["number"]) for row in rows}


def note_key(tx: Transaction, key_id: str, at: str) -> None:
    """Keeps the fingerprint of a key that is in use; one that had been retired is in use again."""
    tx.run(
        """
        INSERT INTO vault_keys (key_id, first_used_at) VALUES (:key_id, :at)
        ON CONFLICT (key_id) DO UPDATE SET retired_at = NULL
        """,
        key_id=key_id,
        at=at,
    )


def retire_keys(tx: Transaction, key_id: str, at: str) -> None:
    """Marks every other key that seals nothing any more."""
    tx.run(
        """
        UPDATE vault_keys SET retired_at = :at
        WHERE retired_at IS NULL AND key_id <> :key_id
          AND NOT EXISTS (SELECT 1 FROM credentials WHERE credentials.key_id = vault_keys.key_id)
        """,
        key_id=key_id,
        at=at,
    )


def list_keys(db: Reader) -> list[Row]:
    """The fingerprints of every key that was ever used here, and when."""
    return db.all("SELECT key_id, first_used_at, retired_at FROM vault_keys ORDER BY first_used_at, key_id")


def search_pattern(text: str) -> str:
    """A LIKE pattern that finds ``text`` anywhere in a name's key. Its escape is ``!``."""
    escaped = text.replace("!", "!!").replace("%", "!%").replace("_", "!_")
    return f"%{escaped}%"


def _state(row: Row) -> CredentialState:
    credential = Credential(
        id=row["id"],
        workspace_id=row["workspace_id"],
        name=row["name"],
        type=CredentialType(row["type"]),
        allowed_hosts=_DECODE_TEXTS(row["allowed_hosts"]),
        scopes=_DECODE_TEXTS(row["scopes"]),
        fields=_DECODE_FIELDS(row["fields"]),
        secret_fields=_DECODE_TEXTS(row["secret_fields"]),
        last_used_at=row["last_used_at"],
        last_used_by=row["last_used_by"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )
    return CredentialState(credential, row["revision"], row["key_id"])


def _sealed(row: Row) -> Sealed:
    return Sealed(_state(row), row["sealed"])


def _values(sealed: Sealed, name_key: str) -> dict[str, Any]:
    credential = sealed.state.credential
    lists = {name: _text(getattr(credential, name)) for name in ("allowed_hosts", "scopes", "fields", "secret_fields")}
    return {
        **msgspec.structs.asdict(credential),
        **lists,
        "name_key": name_key,
        "key_id": sealed.state.key_id,
        "sealed": sealed.sealed,
    }


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()
