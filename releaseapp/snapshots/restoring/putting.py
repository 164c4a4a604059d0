"""Database and workflow file, replaced together: one commit decides, and whoever dies around it leaves no half.

Before the commit nothing has changed. With it, the database has the past data and, in a row of its own, the document
that the workflow file is to become; the file lies ready beside the old one. Then it takes its place. When a process
dies in between, the next that writes workflows, or starts, finishes it (:mod:`releaseapp.workflows.pending`).
"""

from collections.abc import Callable
from contextlib import ExitStack

import msgspec

from releaseapp import clock
from releaseapp.db.api import Database, Transaction
from releaseapp.db.beside import beside
from releaseapp.db.catalog import tables_of
from releaseapp.db.ledger import ledger_of
from releaseapp.db.older_schema import bring_back_schema, schema_built_by
from releaseapp.errors import Conflict
from releaseapp.events.models import EventType
from releaseapp.events.service import append
from releaseapp.snapshots.restoring.remembered import find_newest_restore, set_newest_restore
from releaseapp.snapshots.restoring.replacing import carry, replace_rows
from releaseapp.snapshots.restoring.rules import LEDGERS
from releaseapp.snapshots.restoring.standstill import Marked, stand_still
from releaseapp.workflows.file import Document, WorkflowFile
from releaseapp.workflows.pending import owe, settle, with_new_revision

_PATIENCE_SECONDS = 60.0
"""How long the turn to write is waited for: others' writes go first."""


class Past(msgspec.Struct, frozen=True):
    """What is put back: a database aside, the workflows, and what is said of them. ``before`` is what they replace."""

    name: str
    made_at: str
    before: str
    actor: str | None
    database: Database
    workflows: Document
    keep_schema: bool = False


class Outcome(msgspec.Struct, frozen=True):
    """How long nobody could write, and what was marked."""

    seconds_writes_waited: float
    marked: Marked


def put_back(
    live: Database, file: WorkflowFile, past: Past, in_transaction: Callable[[Transaction], None] = lambda _tx: None
) -> Outcome:
    """Replaces data and workflows; ``in_transaction`` is called last in the transaction, where the past has a journal.

    Raises Busy when the turn to write does not come or the disk takes no more, Conflict when the past contradicts
    itself; then nothing has changed.
    """
    ours = schema_built_by().tables.keys() | LEDGERS
    tables = sorted(tables_of(past.database, past.database.engine).keys() & ours)
    with beside(live, past.database, tables, patience=_PATIENCE_SECONDS) as door, ExitStack() as held:
        with door.transaction() as tx:
            began = clock.monotonic()
            marked = _replace(tx, live.engine, past)
            has_state = "server_state" in tables_of(tx, live.engine)
            # In this order everybody takes them: first the turn to write, then the file.
            held.enter_context(file.held())
            document = with_new_revision(tx, file, past.workflows)
            draft = file.lay_ready(document)
            held.callback(draft.unlink, missing_ok=True)
            if has_state:
                owe(tx, document)
            _tell(tx, past, document.revision, has_state=has_state)
            if has_state:
                in_transaction(tx)
        file.put_in_place(draft, document)
        waited = clock.monotonic() - began
    if has_state:
        settle(live, file)
    return Outcome(waited, marked)


def _replace(tx: Transaction, engine: str, past: Past) -> Marked:
    carried = carry(tx, engine)
    if past.keep_schema:
        bring_back_schema(tx, engine, ledger_of(past.database).applied())
    replace_rows(tx, engine, carried, ledger=past.keep_schema)
    return stand_still(tx, tables_of(tx, engine).keys(), past.made_at, clock.now_text())


def _tell(tx: Transaction, past: Past, revision: int, *, has_state: bool) -> None:
    data = {"name": past.name, "made_at": past.made_at, "before": past.before, "revision": revision}
    append(tx, EventType.SNAPSHOT_RESTORED, past.name, actor=past.actor, data=data)
    if has_state:
        told = {"snapshot": past.name, "before": past.before, "at": clock.now_text(), "actor": past.actor}
        set_newest_restore(tx, told)


def newest_before(live: Database) -> str:
    """The snapshot of what the newest restore replaced; raises Conflict when nothing was ever put back."""
    newest = find_newest_restore(live)
    if newest is None:
        raise Conflict("Nothing was put back yet, so there is nothing to undo.")
    return str(newest["before"])
