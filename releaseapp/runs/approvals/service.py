"""What happens to approvals: a step asks, a person decides, a deadline passes, nobody waits any more."""

from typing import Any

import msgspec

from releaseapp import clock
from releaseapp.db.api import Database, Reader, Transaction
from releaseapp.errors import Conflict, NotAllowed, NotFound
from releaseapp.events.models import EventType
from releaseapp.events.service import append
from releaseapp.runs.approvals import queries
from releaseapp.runs.approvals.deciders import keys_of, read_deciders, requester_of, why_not
from releaseapp.runs.approvals.models import Approval, ApprovalStatus, Decision, Filter, Outcome, Person
from releaseapp.runs.approvals.schemas import Say
from releaseapp.runs.approvals.values import check_form, check_values
from releaseapp.runs.machine.kit import Runs
from releaseapp.runs.machine.turns import nudge
from releaseapp.runs.models import Run
from releaseapp.steps.api import Ask, StepFailed
from releaseapp.workspaces.models import Identity

LONGEST_TITLE = 500
LONGEST_DEADLINE_SECONDS = 10 * 366 * 86_400
MOST_COUNTED = 100
_LONGEST_TOLD = 200

_EVENTS = {
    ApprovalStatus.PENDING: EventType.APPROVAL_REQUESTED,
    ApprovalStatus.APPROVED: EventType.APPROVAL_DECIDED,
    ApprovalStatus.REFUSED: EventType.APPROVAL_DECIDED,
    ApprovalStatus.EXPIRED: EventType.APPROVAL_EXPIRED,
    ApprovalStatus.WITHDRAWN: EventType.APPROVAL_WITHDRAWN,
}


def open_approval(tx: Transaction, run: Run, step_id: str, item: int, ask: Ask) -> Approval:
    """Asks people, in the transaction that has the step wait; raises StepFailed for what cannot be asked."""
    _check_ask(ask)
    requester = requester_of(tx, run)
    excluded = requester if ask.not_the_requester else None
    deciders, keys = read_deciders(tx, run.workspace_id, ask.deciders, excluded)
    seconds = ask.deadline_seconds
    approval = Approval(
        id=clock.new_id("apr"),
        workspace_id=run.workspace_id,
        run_id=run.id,
        step_id=step_id,
        item=item,
        workflow_id=run.workflow_id,
        workflow_name=run.workflow_name,
        title=_kept(ask.title),
        description=_kept(ask.description),
        form=ask.form,
        deciders=deciders,
        not_the_requester=ask.not_the_requester,
        requested_by=requester,
        status=ApprovalStatus.PENDING,
        deadline_at=clock.later_text(seconds) if seconds is not None else None,
        decided_by=None,
        decided_at=None,
        comment="",
        values={},
        created_at=clock.now_text(),
    )
    queries.insert_approval(tx, approval, keys)
    _record(tx, approval, actor=requester.id if requester else None)
    return approval


def outcome_of(db: Reader, approval_id: str) -> Outcome | None:
    """What the step that asked gets for its output, None while nobody has decided."""
    approval = queries.find_approval_anywhere(db, approval_id)
    if approval is None:
        return Outcome(_output("withdrawn", None, "", {}), "The approval is not kept any more.")
    if approval.is_pending:
        return None
    by = approval.decided_by.email if approval.decided_by else None
    output = _output(approval.status.value, by, approval.comment, approval.values)
    withdrawn = approval.status is ApprovalStatus.WITHDRAWN
    return Outcome(output, "Nobody waited for the approval any more." if withdrawn else None)


def withdraw_approvals(tx: Transaction, run_id: str, approval_id: str | None = None) -> None:
    """Nobody waits any more for what a run asked: for one approval of it, or for all."""
    for pending_id in queries.list_pending_of_run(tx, run_id):
        if approval_id in {None, pending_id}:
            _end(tx, pending_id, ApprovalStatus.WITHDRAWN)


def expire_due(db: Database, now: str, limit: int) -> list[str]:
    """Ends approvals whose deadline has passed; returns the ids of the runs to be woken."""
    if not queries.list_due(db, now, limit):
        return []
    run_ids = []
    with db.transaction() as tx:
        for approval_id in queries.list_due(tx, now, limit):
            expired = _end(tx, approval_id, ApprovalStatus.EXPIRED)
            if expired is not None:
                nudge(tx, expired.run_id)
                run_ids.append(expired.run_id)
    return list(dict.fromkeys(run_ids))


def decide(runs: Runs, approval: Approval, decision: Decision, say: Say, identity: Identity) -> Approval:
    """Approves or refuses; the run goes on.

    A refusal need not answer the form. Raises NotFound, Conflict when it is decided already or too late, NotAllowed
    for who may not decide this one, Invalid with every fault of the answers by pointers that begin with /values.
    """
    _check_open(_get_approval(runs.db, approval), identity)
    # The form never changes, and checking takes its time: not while everybody else waits to write.
    asked = decision is Decision.APPROVED or say.values
    values = check_values(approval.form, say.values) if asked else {}
    with runs.db.transaction() as tx:
        present = _get_approval(tx, approval)
        late = _is_late(present)
        if late:
            _end(tx, present.id, ApprovalStatus.EXPIRED)
        else:
            _check_open(present, identity)
            by = Person(identity.account.id, identity.account.name, identity.account.email)
            _end(tx, present.id, ApprovalStatus(decision.value), by=by, comment=_kept(say.comment), values=values)
        nudge(tx, present.run_id)
        tx.after_commit(lambda: runs.wake(present.run_id))
    ended = _get_approval(runs.db, approval)
    if late:
        raise _over(ended, identity)
    return ended


def find_approval(db: Reader, workspace_id: str, approval_id: str) -> Approval | None:
    """One approval of a workspace, or None."""
    return queries.find_approval(db, workspace_id, approval_id)


def list_approvals(db: Reader, workspace_id: str, wanted: Filter, before: str, limit: int) -> list[Approval]:
    """A workspace's approvals, newest first, without what is asked and answered."""
    return queries.list_approvals(db, workspace_id, wanted, before, limit)


def list_waiting_for(db: Reader, workspace_id: str, identity: Identity, before: str, limit: int) -> list[Approval]:
    """The pending approvals that somebody may decide, newest first, without what is asked."""
    keys = keys_of(identity, workspace_id)
    return queries.list_waiting_for(db, workspace_id, keys, identity.account.id, before, limit) if keys else []


def list_waiting_for_others(db: Reader, workspace_id: str, identity: Identity, limit: int) -> list[Approval]:
    """The newest pending approvals that somebody may not decide."""
    keys = keys_of(identity, workspace_id)
    return queries.list_waiting_for_others(db, workspace_id, keys, identity.account.id, limit)


def count_waiting_for(db: Reader, workspace_id: str, identity: Identity) -> int:
    """How many pending approvals somebody may decide, counted up to 100."""
    keys = keys_of(identity, workspace_id)
    return queries.count_waiting_for(db, workspace_id, keys, identity.account.id, MOST_COUNTED) if keys else 0


def _check_ask(ask: Ask) -> None:
    if len(ask.title) > LONGEST_TITLE:
        sentence = f"title has {len(ask.title):,} characters; it may have {LONGEST_TITLE}. Say more in the description."
        raise StepFailed(sentence, retryable=False)
    fault = check_form(ask.form)
    if fault is not None:
        raise StepFailed(fault, retryable=False)
    seconds = ask.deadline_seconds
    if seconds is not None and not 0 < seconds <= LONGEST_DEADLINE_SECONDS:
        raise StepFailed("deadline_seconds must be more than 0 and at most ten years.", retryable=False)


def _check_open(approval: Approval, identity: Identity) -> None:
    if not approval.is_pending:
        raise _over(approval, identity)
    refusal = why_not(approval, identity)
    if refusal is not None:
        raise NotAllowed(refusal)


def _is_late(approval: Approval) -> bool:
    return approval.is_pending and approval.deadline_at is not None and approval.deadline_at <= clock.now_text()


def _over(approval: Approval, identity: Identity) -> Conflict:
    by = approval.decided_by
    if by is not None:
        who = "You" if by.id == identity.account.id else by.name
        sentence = f"{who} {approval.status} this already."
    elif approval.status is ApprovalStatus.EXPIRED:
        sentence = "The deadline has passed, and this approval has expired."
    else:
        sentence = "The run is over or waits no more, and this approval was withdrawn."
    return Conflict(
        sentence,
        decision=approval.status.value,
        decided_by=by.email if by else None,
        decided_at=approval.decided_at,
    )


def _get_approval(db: Reader, approval: Approval) -> Approval:
    present = queries.find_approval(db, approval.workspace_id, approval.id)
    if present is None:
        raise NotFound("There is no such approval.")
    return present


def _end(
    tx: Transaction,
    approval_id: str,
    status: ApprovalStatus,
    *,
    by: Person | None = None,
    comment: str = "",
    values: dict[str, Any] | None = None,
) -> Approval | None:
    """Ends what is pending, with its event; None when it was not pending any more."""
    approval = queries.find_approval_anywhere(tx, approval_id)
    if approval is None or not approval.is_pending:
        return None
    ended = msgspec.structs.replace(
        approval,
        status=status,
        decided_by=by,
        decided_at=clock.now_text(),
        comment=comment.strip(),
        values=values or {},
    )
    queries.end_approval(tx, ended)
    queries.delete_waits(tx, approval_id)
    _record(tx, ended, actor=by.id if by else None)
    return ended


def _record(tx: Transaction, approval: Approval, *, actor: str | None) -> None:
    data = {
        "run_id": approval.run_id,
        "workflow_id": approval.workflow_id,
        "workflow_name": approval.workflow_name,
        "step_id": approval.step_id,
        "item": approval.item,
        "title": approval.title[:_LONGEST_TOLD],
        "status": approval.status,
        **({"decision": approval.status} if approval.decided_by else {}),
    }
    event_type = _EVENTS[approval.status]
    append(tx, event_type, approval.id, workspace_id=approval.workspace_id, actor=actor, data=data)


def _output(decision: str, by: str | None, comment: str, values: dict[str, Any]) -> dict[str, Any]:
    return {"decision": decision, "by": by, "comment": comment, "values": values}


def _kept(text: str) -> str:
    # PostgreSQL cannot keep it, and a step's title may come from anywhere.
    return text.replace("\x00", "")
