"""The replacement, in one transaction: rows go and come, what belongs to now is carried over, the rest is marked.

Everything is compared and computed inside the transaction, so that no write gets lost between looking and replacing.
Only rows that differ are touched: what has not changed since the snapshot costs a look.
"""

from collections.abc import Mapping

import msgspec

from releaseapp import clock
from releaseapp.db.api import Transaction
from releaseapp.db.catalog import PAST, Table, parents_first, tables_of
from releaseapp.db.older_schema import schema_built_by
from releaseapp.errors import Conflict
from releaseapp.snapshots.restoring import queries
from releaseapp.snapshots.restoring.remembered import find_remembered_tokens, set_remembered_tokens
from releaseapp.snapshots.restoring.rules import EVENTS, JOINED, KEPT, LEDGERS, is_of_signing_in

_MOST_NAMED = 3


class Carried(msgspec.Struct, frozen=True):
    """What must outlive the replacement: read before it, put back after it."""

    highest_event: int
    revoked: dict[str, list[str]]
    """When each API token was revoked, and when it would have expired."""


def replace_rows(tx: Transaction, engine: str, carried: Carried, *, ledger: bool = False) -> None:
    """Brings the live tables to the past ones; ``ledger``: those of applied migrations, too.

    The tables of both must have the same columns by now. Raises Conflict when the past contradicts itself.
    """
    tables = _tables_to_replace(tx, engine, ledger=ledger)
    order = parents_first(tables)
    cut = queries.last_event_of_past(tx)
    queries.delete_rivals(tx)
    for table in reversed(order):
        if table.name == EVENTS:
            queries.delete_what_differs(tx, table, f"n.workspace_id IS NULL AND n.id > {cut}")
        elif table.name not in JOINED:
            queries.delete_what_differs(tx, table)
    for table in order:
        queries.insert_what_lacks(tx, table)
        if table.name == "accounts":
            put_back = [name for name in table.columns if name not in table.key and not is_of_signing_in(name)]
            queries.update_accounts(tx, put_back)
    _bring_along(tx, engine, tables, carried)
    if engine == "sqlite":
        _refuse_broken(tx)


def carry(tx: Transaction, engine: str) -> Carried:
    """Reads it, before anything is changed."""
    revoked = {row["id"]: [row["revoked_at"], row["expires_at"]] for row in queries.list_revoked(tx)}
    return Carried(queries.highest_event_id(tx, engine), {**find_remembered_tokens(tx), **revoked})


def _tables_to_replace(tx: Transaction, engine: str, *, ledger: bool) -> dict[str, Table]:
    now, past = tables_of(tx, engine), tables_of(tx, engine, PAST)
    left_out = KEPT if ledger else KEPT | LEDGERS
    ours = (schema_built_by().tables.keys() | LEDGERS) - left_out
    found = {name: table for name, table in now.items() if name in past and name in ours}
    for name, table in found.items():
        if set(table.columns) != set(past[name].columns):
            raise Conflict(f"The table {name} of the snapshot has other columns than the server's; it cannot be used.")
    return found


def _bring_along(tx: Transaction, engine: str, tables: Mapping[str, Table], carried: Carried) -> None:
    now = clock.now_text()
    queries.delete_orphaned_sessions(tx)
    queries.go_on_above(tx, engine, carried.highest_event)
    if "vault_keys" in tables:
        queries.reopen_vault_keys(tx)
    gone: dict[str, list[str]] = {}
    there = {row["id"] for row in queries.list_token_ids(tx)}
    for token_id, (revoked_at, expires_at) in carried.revoked.items():
        if token_id in there:
            queries.revoke(tx, token_id, revoked_at)
        elif expires_at > now:
            gone[token_id] = [revoked_at, expires_at]
    if "server_state" in tables_of(tx, engine):
        set_remembered_tokens(tx, gone)


def _refuse_broken(tx: Transaction) -> None:
    broken = queries.broken_references(tx)
    if broken:
        named = ", ".join(sorted({f"{row['table']} → {row['parent']}" for row in broken})[:_MOST_NAMED])
        raise Conflict(
            f"The snapshot contradicts itself: {len(broken):,} rows refer to what is not in it ({named}). Nothing was"
            " changed; take another snapshot."
        )
