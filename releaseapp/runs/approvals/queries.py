"""The statements on approvals."""

from collections.abc import Sequence

import msgspec

from releaseapp.db.api import Reader, Row, Transaction
from releaseapp.runs.approvals.models import Approval, ApprovalStatus, Filter, Person

_APPROVAL = """
    p.id, p.workspace_id, p.run_id, p.step_id, p.item, p.workflow_id, p.workflow_name, p.title, p.description, p.form,
    p.deciders, p.not_the_requester, p.requested_by, p.status, p.deadline_at, p.decided_by, p.decided_at, p.comment,
    p.answers, p.created_at, asker.name AS asker_name, asker.email AS asker_email, decider.name AS decider_name,
    decider.email AS decider_email
"""
# What lists show. What may be large stays where it is.
_LISTED = _APPROVAL.replace("p.description, p.form,", "'' AS description, '{}' AS form,").replace(
    "p.answers,", "NULL AS answers,"
)
_PEOPLE = """
    LEFT JOIN accounts asker ON asker.id = p.requested_by
    LEFT JOIN accounts decider ON decider.id = p.decided_by
"""
_KEYS = 6
"""How many keys one person can have in the waits: everybody, four roles, and the own e-mail."""
_OF_KEY = """
    SELECT approval_id FROM approval_waits
    WHERE workspace_id = :w AND decider = :key{} AND approval_id < :before AND (not_by IS NULL OR not_by <> :me)
"""
# Each part is read in the order of its index, and what several parts have is merged without sorting.
_WAITING = " UNION ".join(_OF_KEY.format(number) for number in range(_KEYS)) + " ORDER BY approval_id DESC LIMIT :limit"


def insert_approval(tx: Transaction, approval: Approval, keys: Sequence[str]) -> None:
    """Adds an approval that waits for those with any of the keys."""
    tx.run(
        """
        INSERT INTO approvals (id, workspace_id, run_id, step_id, item, workflow_id, workflow_name, title, description,
                               form, deciders, not_the_requester, requested_by, status, deadline_at, created_at)
        VALUES (:id, :workspace_id, :run_id, :step_id, :item, :workflow_id, :workflow_name, :title, :description,
                :form, :deciders, :not_the_requester, :requested_by, :status, :deadline_at, :created_at)
        """,
        id=approval.id,
        workspace_id=approval.workspace_id,
        run_id=approval.run_id,
        step_id=approval.step_id,
        item=approval.item,
        workflow_id=approval.workflow_id,
        workflow_name=approval.workflow_name,
        title=approval.title,
        description=approval.description,
        form=_text(approval.form),
        deciders=_text(approval.deciders),
        not_the_requester=int(approval.not_the_requester),
        requested_by=approval.requested_by.id if approval.requested_by else None,
        status=approval.status.value,
        deadline_at=approval.deadline_at,
        created_at=approval.created_at,
    )
    excluded = approval.requested_by if approval.not_the_requester else None
    for key in keys:
        tx.run(
            """
            INSERT INTO approval_waits (workspace_id, decider, approval_id, not_by)
            VALUES (:workspace_id, :decider, :approval_id, :not_by)
            """,
            workspace_id=approval.workspace_id,
            decider=key,
            approval_id=approval.id,
            not_by=excluded.id if excluded else None,
        )


def end_approval(tx: Transaction, approval: Approval) -> int:
    """Writes how a pending approval ended; 0 when it is not pending any more."""
    return tx.run(
        """
        UPDATE approvals SET status = :status, decided_by = :decided_by, decided_at = :decided_at, comment = :comment,
               answers = :answers
        WHERE id = :id AND status = 'pending'
        """,
        id=approval.id,
        status=approval.status.value,
        decided_by=approval.decided_by.id if approval.decided_by else None,
        decided_at=approval.decided_at,
        comment=approval.comment,
        answers=_text(approval.values),
    )


def delete_waits(tx: Transaction, approval_id: str) -> None:
    """Nobody is waited for any more."""
    tx.run("DELETE FROM approval_waits WHERE approval_id = :id", id=approval_id)


def find_approval(db: Reader, workspace_id: str, approval_id: str) -> Approval | None:
    """One approval of a workspace."""
    approval = find_approval_anywhere(db, approval_id)
    return approval if approval is not None and approval.workspace_id == workspace_id else None


def find_approval_anywhere(db: Reader, approval_id: str) -> Approval | None:
    """One approval by id alone, for workers."""
    row = db.first(f"SELECT {_APPROVAL} FROM approvals p {_PEOPLE} WHERE p.id = :id", id=approval_id)
    return _approval(row) if row else None


def list_approvals(db: Reader, workspace_id: str, wanted: Filter, before: str, limit: int) -> list[Approval]:
    """A workspace's approvals with an id below ``before``, newest first, without what is asked and answered."""
    where = "p.workspace_id = :w"
    if wanted.status is not None:
        where += " AND p.status = :status"
    elif wanted.over:
        where += " AND p.status <> 'pending'"
    if wanted.run_id is not None:
        where += " AND p.run_id = :run_id"
    rows = db.all(
        f"""
        SELECT {_LISTED} FROM approvals p {_PEOPLE} WHERE {where} AND p.id < :before
        ORDER BY p.id DESC LIMIT :limit
        """,
        w=workspace_id,
        status=wanted.status.value if wanted.status else None,
        run_id=wanted.run_id,
        before=before,
        limit=limit,
    )
    return [_approval(row) for row in rows]


def list_waiting_for(
    db: Reader, workspace_id: str, keys: Sequence[str], account_id: str, before: str, limit: int
) -> list[Approval]:
    """The pending approvals that one person may decide, newest first, without what is asked."""
    rows = db.all(
        f"""
        SELECT {_LISTED} FROM ({_WAITING}) AS found
        JOIN approvals p ON p.id = found.approval_id {_PEOPLE}
        ORDER BY p.id DESC
        """,
        w=workspace_id,
        me=account_id,
        before=before,
        limit=limit,
        **_slots(keys),
    )
    return [_approval(row) for row in rows]


def list_waiting_for_others(
    db: Reader, workspace_id: str, keys: Sequence[str], account_id: str, limit: int
) -> list[Approval]:
    """The newest pending approvals that one person may not decide."""
    slots = _slots(keys)
    rows = db.all(
        f"""
        SELECT {_LISTED} FROM approvals p {_PEOPLE}
        WHERE p.workspace_id = :w AND p.status = 'pending' AND NOT EXISTS (
            SELECT 1 FROM approval_waits mine WHERE mine.approval_id = p.id
            AND mine.decider IN ({", ".join(f":{name}" for name in slots)})
            AND (mine.not_by IS NULL OR mine.not_by <> :me)
        )
        ORDER BY p.id DESC LIMIT :limit
        """,
        w=workspace_id,
        me=account_id,
        limit=limit,
        **slots,
    )
    return [_approval(row) for row in rows]


def count_waiting_for(db: Reader, workspace_id: str, keys: Sequence[str], account_id: str, most: int) -> int:
    """How many pending approvals one person may decide, counted up to ``most``."""
    row = db.first(
        f"SELECT COUNT(*) AS number FROM ({_WAITING}) AS found",
        w=workspace_id,
        me=account_id,
        before="\U0010ffff",
        limit=most,
        **_slots(keys),
    )
    return int(row["number"]) if row else 0


def list_pending_of_run(db: Reader, run_id: str) -> list[str]:
    """Ids of the approvals that a run waits for."""
    rows = db.all("SELECT id FROM approvals WHERE run_id = :id AND status = 'pending' ORDER BY id", id=run_id)
    return [row["id"] for row in rows]


def list_due(db: Reader, now: str, limit: int) -> list[str]:
    """Ids of pending approvals whose deadline has passed, longest ago first."""
    rows = db.all(
        """
        SELECT id FROM approvals WHERE status = 'pending' AND deadline_at IS NOT NULL AND deadline_at <= :now
        ORDER BY deadline_at LIMIT :limit
        """,
        now=now,
        limit=limit,
    )
    return [row["id"] for row in rows]


def _slots(keys: Sequence[str]) -> dict[str, object]:
    # No decider is the empty text, so what is left over finds nothing.
    return {f"key{number}": keys[number] if number < len(keys) else "" for number in range(_KEYS)}


def _approval(row: Row) -> Approval:
    return Approval(
        id=row["id"],
        workspace_id=row["workspace_id"],
        run_id=row["run_id"],
        step_id=row["step_id"],
        item=row["item"],
        workflow_id=row["workflow_id"],
        workflow_name=row["workflow_name"],
        title=row["title"],
        description=row["description"],
        form=msgspec.json.decode(row["form"]),
        deciders=msgspec.json.decode(row["deciders"]),
        not_the_requester=bool(row["not_the_requester"]),
        requested_by=_person(row["requested_by"], row["asker_name"], row["asker_email"]),
        status=ApprovalStatus(row["status"]),
        deadline_at=row["deadline_at"],
        decided_by=_person(row["decided_by"], row["decider_name"], row["decider_email"]),
        decided_at=row["decided_at"],
        comment=row["comment"],
        values=msgspec.json.decode(row["answers"]) if row["answers"] else {},
        created_at=row["created_at"],
    )


def _person(account_id: str | None, name: str | None, email: str | None) -> Person | None:
    return None if account_id is None else Person(account_id, name or "somebody who left", email or "")


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()
