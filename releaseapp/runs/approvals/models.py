"""What an approval is, and how it may end."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec


class ApprovalStatus(StrEnum):
    """Pending until somebody decides, the deadline passes, or the run ends without it."""

    PENDING = "pending"
    APPROVED = "approved"
    REFUSED = "refused"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


APPROVAL_TRANSITIONS: Mapping[ApprovalStatus, frozenset[ApprovalStatus]] = {
    status: frozenset(ApprovalStatus) - {status} if status is ApprovalStatus.PENDING else frozenset()
    for status in ApprovalStatus
}


class Decision(StrEnum):
    """What a person may say."""

    APPROVED = "approved"
    REFUSED = "refused"


class Person(msgspec.Struct, frozen=True):
    """Somebody who asked or decided, as people of the workspace see them."""

    id: str
    name: str
    email: str


class Approval(msgspec.Struct, frozen=True):
    """What a step of a run asks people, and what they said.

    ``form`` is a JSON Schema of what else is asked, ``values`` what was answered. ``deciders`` are e-mails and roles;
    without any, everybody with approvals.decide may. ``requested_by`` started the run, None when nobody did. ``item``
    is that of the step, WHOLE where it is done once.
    """

    id: str
    workspace_id: str
    run_id: str
    step_id: str
    item: int
    workflow_id: str
    workflow_name: str
    title: str
    description: str
    form: dict[str, Any]
    deciders: list[str]
    not_the_requester: bool
    requested_by: Person | None
    status: ApprovalStatus
    deadline_at: str | None
    decided_by: Person | None
    decided_at: str | None
    comment: str
    values: dict[str, Any]
    created_at: str

    @property
    def is_pending(self) -> bool:
        """Whether it can still be decided."""
        return self.status is ApprovalStatus.PENDING


class Outcome(msgspec.Struct, frozen=True):
    """What a step gets for its output when its approval is over; ``error`` when nobody waits for it any more."""

    output: Any
    error: str | None = None


class Filter(msgspec.Struct, frozen=True):
    """Which approvals of a workspace. ``over`` are those that are not pending."""

    status: ApprovalStatus | None = None
    over: bool = False
    run_id: str | None = None
