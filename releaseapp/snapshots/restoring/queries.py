"""The statements that put a past state back: ``past.`` names it, everything else is the live database."""

from collections.abc import Sequence

from releaseapp.db.api import Reader, Row, Transaction
from releaseapp.db.catalog import Table

_NOT_OVER = "('queued', 'running', 'waiting')"
_STEP_NOT_OVER = "('pending', 'running', 'waiting')"
_TASK_NOT_OVER = "('pending', 'running')"


def delete_what_differs(tx: Transaction, table: Table, unless: str = "FALSE") -> int:
    """Deletes rows that the past has not, or has otherwise; not those for which ``unless`` is true."""
    same = " AND ".join(f'p."{column}" IS NOT DISTINCT FROM n."{column}"' for column in table.columns)
    name = table.name
    # The alias makes a column of the past, when it lacks one, an error and not the live one's.
    return tx.run(
        f"""
        DELETE FROM "{name}" AS n WHERE NOT EXISTS (
            SELECT 1 FROM past."{name}" AS p WHERE {_same_key(table, "n")} AND {same}
        ) AND NOT ({unless})
        """
    )


def insert_what_lacks(tx: Transaction, table: Table) -> int:
    """Adds the rows of the past whose keys are not there."""
    columns = ", ".join(f'"{column}"' for column in table.columns)
    values = ", ".join(f'p."{column}"' for column in table.columns)
    return tx.run(
        f"""
        INSERT INTO "{table.name}" ({columns}) SELECT {values} FROM past."{table.name}" AS p
        WHERE NOT EXISTS (SELECT 1 FROM "{table.name}" AS n WHERE {_same_key(table, "n")})
        """
    )


def last_event_of_past(tx: Transaction) -> int:
    """The newest event of the past; 0 when it has none."""
    row = tx.first("SELECT COALESCE(MAX(id), 0) AS id FROM past.events")
    return int(row["id"]) if row else 0


def delete_rivals(tx: Transaction) -> int:
    """Deletes accounts that the past has not, but whose e-mail it has for another one."""
    return tx.run(
        """
        DELETE FROM accounts WHERE id NOT IN (SELECT id FROM past.accounts)
        AND email IN (SELECT email FROM past.accounts)
        """
    )


def update_accounts(tx: Transaction, columns: Sequence[str]) -> int:
    """Accounts of both times get these columns of the past."""
    if not columns:
        return 0
    names = ", ".join(f'"{column}"' for column in columns)
    values = ", ".join(f'p."{column}"' for column in columns)
    return tx.run(
        f"""
        UPDATE accounts SET ({names}) = (SELECT {values} FROM past.accounts AS p WHERE p.id = accounts.id)
        WHERE id IN (SELECT id FROM past.accounts)
        """
    )


def delete_orphaned_sessions(tx: Transaction) -> int:
    """Deletes sessions of accounts that are gone."""
    return tx.run("DELETE FROM sessions WHERE account_id NOT IN (SELECT id FROM accounts)")


def reopen_vault_keys(tx: Transaction) -> int:
    """A key that seals what was put back is not retired."""
    return tx.run(
        """
        UPDATE vault_keys SET retired_at = NULL
        WHERE retired_at IS NOT NULL AND key_id IN (SELECT key_id FROM credentials)
        """
    )


def broken_references(tx: Transaction) -> list[Row]:
    """On SQLite: rows that refer to what is not there."""
    return tx.all("PRAGMA main.foreign_key_check")


def highest_event_id(tx: Transaction, engine: str) -> int:
    """The highest id that was ever given to an event."""
    if engine == "sqlite":
        row = tx.first("SELECT COALESCE(MAX(seq), 0) AS id FROM main.sqlite_sequence WHERE name = 'events'")
    else:
        row = tx.first("SELECT last_value AS id FROM events_id_seq")
    return int(row["id"]) if row else 0


def go_on_above(tx: Transaction, engine: str, highest: int) -> None:
    """The next event gets an id above ``highest`` and above every one there is."""
    if engine != "sqlite":
        tx.all(
            """
            SELECT setval(pg_get_serial_sequence('events', 'id'),
                          GREATEST(:highest, (SELECT COALESCE(MAX(id), 1) FROM events)))
            """,
            highest=highest,
        )
        return
    if not tx.run("UPDATE main.sqlite_sequence SET seq = MAX(seq, :n) WHERE name = 'events'", n=highest):
        tx.run("INSERT INTO main.sqlite_sequence (name, seq) VALUES ('events', :n)", n=highest)


def list_revoked(db: Reader) -> list[Row]:
    """API tokens that were revoked."""
    return db.all("SELECT id, revoked_at, expires_at FROM api_tokens WHERE revoked_at IS NOT NULL")


def list_token_ids(db: Reader) -> list[Row]:
    """The ids of all API tokens."""
    return db.all("SELECT id FROM api_tokens")


def revoke(tx: Transaction, token_id: str, revoked_at: str) -> int:
    """A token that was revoked stays so."""
    return tx.run(
        "UPDATE api_tokens SET revoked_at = :at WHERE id = :id AND (revoked_at IS NULL OR revoked_at > :at)",
        id=token_id,
        at=revoked_at,
    )


def list_runs_under_way(db: Reader) -> list[Row]:
    """Runs that are not over, oldest first."""
    return db.all(
        f"SELECT id, workspace_id, workflow_id, workflow_name FROM runs WHERE status IN {_NOT_OVER} ORDER BY id"
    )


def list_tasks_under_way(db: Reader) -> list[Row]:
    """Tasks that are not over, oldest first."""
    return db.all(
        f"""
        SELECT id, workspace_id, agent_id, title, attempts FROM tasks WHERE status IN {_TASK_NOT_OVER} ORDER BY id
        """
    )


def list_approvals_under_way(db: Reader) -> list[Row]:
    """Approvals that nobody has decided, oldest first."""
    return db.all(
        """
        SELECT id, workspace_id, run_id, workflow_id, workflow_name, step_id, item, title
        FROM approvals WHERE status = 'pending' ORDER BY id
        """
    )


def end_steps(tx: Transaction, now: str, error: str) -> None:
    """Steps at work have failed; those that wait, or have not begun, are cancelled."""
    tx.run(
        f"""
        UPDATE run_steps SET
            error = CASE WHEN status = 'running' THEN CAST(:error AS TEXT) ELSE error END,
            status = CASE WHEN status = 'running' THEN 'failed' ELSE 'cancelled' END,
            finished_at = :now, waits_for = NULL, wake_at = NULL
        WHERE status IN {_STEP_NOT_OVER}
        """,
        now=now,
        error=error,
    )


def end_runs(tx: Transaction, now: str, error: str) -> int:
    """Runs that are not over have failed; no worker has them, and nothing wakes them."""
    return tx.run(
        f"""
        UPDATE runs SET status = 'failed', error = :error, finished_at = :now, output = NULL,
               failed_step = (
                   SELECT MIN(s.step_id) FROM run_steps AS s WHERE s.run_id = runs.id AND s.status IN
                   ('failed', 'cancelled') AND s.finished_at = :now
               ),
               epoch = epoch + 1, lease_owner = NULL, lease_expires_at = NULL, turn = NULL, held_by = NULL,
               wake_at = NULL,
               bytes = LENGTH(inputs) + COALESCE((
                   SELECT SUM(LENGTH(COALESCE(s.input, '')) + LENGTH(COALESCE(s.output, ''))) FROM run_steps AS s
                   WHERE s.run_id = runs.id
               ), 0) + COALESCE((SELECT SUM(LENGTH(l.text)) FROM run_log_lines AS l WHERE l.run_id = runs.id), 0)
        WHERE status IN {_NOT_OVER}
        """,
        now=now,
        error=error,
    )


def end_tasks(tx: Transaction, now: str, error: str) -> int:
    """Tasks that are not over have failed; no worker has them."""
    return tx.run(
        f"""
        UPDATE tasks SET status = 'failed', error = :error, finished_at = :now, lease_owner = NULL,
               lease_expires_at = NULL
        WHERE status IN {_TASK_NOT_OVER}
        """,
        now=now,
        error=error,
    )


def delete_approval_waits(tx: Transaction) -> None:
    """Nobody is waited for any more."""
    tx.run("DELETE FROM approval_waits")


def withdraw_approvals(tx: Transaction, now: str) -> int:
    """Nobody waits for a decision any more."""
    return tx.run("UPDATE approvals SET status = 'withdrawn', decided_at = :now WHERE status = 'pending'", now=now)


def count_rows(db: Reader, table: str, where: str = "TRUE", **parameters: object) -> int:
    """How many rows a table has."""
    row = db.first(f'SELECT COUNT(*) AS number FROM "{table}" WHERE {where}', **parameters)
    return int(row["number"]) if row else 0


def count_runs_under_way(db: Reader) -> int:
    """How many runs are not over."""
    return count_rows(db, "runs", f"status IN {_NOT_OVER}")


def count_events_since(db: Reader, at: str) -> int:
    """How many events of workspaces happened since a moment: they go from the log."""
    return count_rows(db, "events", "workspace_id IS NOT NULL AND at > :at", at=at)


def names_by_id(db: Reader, table: str, column: str) -> dict[str, str]:
    """What each row of a table is called, by its id."""
    return {row["id"]: row["name"] for row in db.all(f'SELECT id, "{column}" AS name FROM "{table}"')}


def list_members(db: Reader) -> dict[str, str]:
    """Who is in which workspace, in words, by both ids."""
    rows = db.all(
        """
        SELECT m.workspace_id, m.account_id, a.email, w.slug FROM memberships m
        JOIN accounts a ON a.id = m.account_id JOIN workspaces w ON w.id = m.workspace_id
        """
    )
    return {f"{row['workspace_id']} {row['account_id']}": f"{row['email']} in {row['slug']}" for row in rows}


def _same_key(table: Table, live: str) -> str:
    return " AND ".join(f'p."{column}" = {live}."{column}"' for column in table.key)
