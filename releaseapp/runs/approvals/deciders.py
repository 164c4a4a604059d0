"""Who may decide: whom an approval names, by e-mail or by role, and who is left out."""

from collections.abc import Sequence

from releaseapp.auth.service import find_account_by_email
from releaseapp.db.api import Reader
from releaseapp.permissions import Permission, Role
from releaseapp.runs.approvals.models import Approval, Person
from releaseapp.runs.models import Run
from releaseapp.steps.api import StepFailed
from releaseapp.workspaces.models import Identity, Member
from releaseapp.workspaces.service import find_member, get_matrix

MOST_DECIDERS = 100
_EVERYBODY = "*"
_ROLES = frozenset(Role)


def read_deciders(
    db: Reader, workspace_id: str, written: Sequence[str], excluded: Person | None
) -> tuple[list[str], list[str]]:
    """Those named, as accounts spell them, and the keys by which they find what waits for them.

    ``excluded`` must not decide. Raises StepFailed for who is no member and no role, and when nobody is left.
    """
    named = list(dict.fromkeys(text.strip().lower() for text in written if text.strip()))
    if len(named) > MOST_DECIDERS:
        raise StepFailed(f"deciders names {len(named)}; it may name {MOST_DECIDERS}. Name a role.", retryable=False)
    if not named:
        return [], [_EVERYBODY]
    # Of several roles the lowest says it all, for those above it may decide as well.
    roles = sorted((Role(name) for name in named if name in _ROLES), key=lambda role: role.rank)[:1]
    members = [_member(db, workspace_id, name) for name in named if name not in _ROLES]
    if not roles:
        _check_somebody_is_left(db, workspace_id, members, excluded)
    keys = list(dict.fromkeys([*(member.email for member in members), *roles]))
    return keys, keys


def keys_of(identity: Identity, workspace_id: str) -> list[str]:
    """The keys by which a person finds what waits for them; none for who may not decide at all."""
    membership = identity.memberships.get(workspace_id)
    if membership is None or Permission.APPROVALS_DECIDE not in membership.permissions:
        return []
    below = [role.value for role in Role if role.rank <= membership.role.rank]
    return [_EVERYBODY, *below, identity.account.email]


def why_not(approval: Approval, identity: Identity) -> str | None:
    """Why somebody may not decide, in a sentence for them; None when they may."""
    keys = keys_of(identity, approval.workspace_id)
    if not keys:
        return "Your role does not allow you to decide approvals."
    if approval.not_the_requester and approval.requested_by and approval.requested_by.id == identity.account.id:
        return "You started this run, and somebody else must decide."
    if approval.deciders and not set(approval.deciders) & set(keys):
        return f"Only {told(approval.deciders)} may decide this."
    return None


def told(deciders: Sequence[str]) -> str:
    """Those who may decide, in words."""
    names = [_told(name) for name in deciders]
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _told(decider: str) -> str:
    if decider not in _ROLES:
        return decider
    return "owners" if decider == Role.OWNER else f"{decider}s and above"


def requester_of(db: Reader, run: Run) -> Person | None:
    """Who started a run; None when nobody did: a clock, a hook, a command."""
    # A run that was started by another one knows the e-mail alone.
    email = run.trigger.get("by")
    account = find_account_by_email(db, email) if isinstance(email, str) else None
    return None if account is None else Person(account.id, account.name, account.email)


def _member(db: Reader, workspace_id: str, email: str) -> Member:
    account = find_account_by_email(db, email) if "@" in email else None
    member = find_member(db, workspace_id, account.id) if account else None
    if member is None:
        what = "is no member of this workspace" if "@" in email else "is neither a role nor an e-mail"
        sentence = f"deciders: {email!r} {what}. Name members by e-mail, or a role: {', '.join(Role)}."
        raise StepFailed(sentence, retryable=False)
    return member


def _check_somebody_is_left(db: Reader, workspace_id: str, members: Sequence[Member], excluded: Person | None) -> None:
    matrix = get_matrix(db, workspace_id)
    for member in members:
        if Permission.APPROVALS_DECIDE in matrix[member.role] and (excluded is None or member.id != excluded.id):
            return
    why = " and who started the run must not" if excluded else ""
    named = ", ".join(member.email for member in members)
    raise StepFailed(f"Nobody could decide: of {named} none has approvals.decide{why}.", retryable=False)
