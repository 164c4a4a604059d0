"""Carries a plan out: from one state of the workflow file to the next, with an entry in each history."""

from collections.abc import Callable

import msgspec

from releaseapp import clock
from releaseapp.workflows.models import (
    Action,
    HistoryEntry,
    Trigger,
    Version,
    VersionStatus,
    Workflow,
    WorkflowStatus,
)
from releaseapp.workflows.store import By, entry_of
from releaseapp.workflows.transfer.authors import Author
from releaseapp.workflows.transfer.bundle import BundledVersion
from releaseapp.workflows.transfer.candidates import Candidate
from releaseapp.workflows.transfer.plan import Outcome, Planned, Surroundings


def carried_out(
    items: list[Planned], workflows: list[Workflow], into: Surroundings, by: By
) -> tuple[list[Workflow], list[Workflow]]:
    """All workflows as they are afterwards, and those that have changed."""
    taken = {one.id for one in workflows}
    changed = []
    for item in items:
        if item.outcome is Outcome.MATCHED and item.here is not None:
            changed.append(_with_draft(item, item.here, by))
        elif item.outcome is Outcome.CREATED:
            made = _made(item, into, by, taken)
            taken.add(made.id)
            changed.append(made)
    after = {one.id: one for one in changed}
    kept = [after.pop(one.id, one) for one in workflows]
    return [*kept, *after.values()], changed


def _with_draft(item: Planned, here: Workflow, by: By) -> Workflow:
    """A workflow that is here, with one more draft, or with its draft published."""
    versions, history = list(here.versions), list(here.history)
    if item.versions and item.version is not None:
        given = item.candidate.counts
        told = by.summary.strip() or Author(given.author, None).told(given.change_summary) or "Imported"
        said = By(by.account_id, told)
        draft = _version(given, item.version, VersionStatus.DRAFT, said, here.published_version)
        draft = msgspec.structs.replace(draft, created_at=clock.now_text(), updated_at=clock.now_text())
        versions.append(draft)
        history.append(entry_of(Action.IMPORTED, By(by.account_id, told), item.version))
    after = msgspec.structs.replace(here, versions=versions, history=history, updated_at=clock.now_text())
    if item.publishes is None:
        return after
    history.append(entry_of(Action.PUBLISHED, By(by.account_id, "By an import"), item.publishes))
    return msgspec.structs.replace(after.publishing(item.publishes), history=history)


def _made(item: Planned, into: Surroundings, by: By, taken: set[str]) -> Workflow:
    """A workflow that is new here, with all its versions; its id is kept unless somebody has it."""
    candidate, head, now = item.candidate, item.candidate.head, clock.now_text()
    agents = into.agents({head.agent}) if head.agent is not None else {}
    author = _authors(into)
    told = by.summary.strip() or _count(len(candidate.versions), "version")
    return Workflow(
        id=head.id if head.id is not None and head.id not in taken else clock.new_id("wfl"),
        workspace_id=into.workspace_id,
        status=_status(candidate, item.publishes),
        agent_id=agents.get(head.agent or ""),
        tags=list(dict.fromkeys(head.tags)),
        published_version=item.publishes,
        versions=[_incoming(candidate, one, item.publishes, author, by) for one in candidate.versions],
        history=[
            *(_entry(one.at, one.action, author(one.author), one.summary, one.version) for one in candidate.history),
            entry_of(Action.IMPORTED, By(by.account_id, told), candidate.versions[-1].number),
        ],
        created_at=_moment(head.created_at) or now,
        updated_at=_moment(head.updated_at) or now,
        triggers=[Trigger(clock.new_id("trg"), one.kind, one.config, one.active) for one in candidate.triggers],
    )


def _status(candidate: Candidate, publishes: int | None) -> WorkflowStatus:
    asked = candidate.head.status
    if publishes is None:
        return asked if asked is WorkflowStatus.ARCHIVED else WorkflowStatus.DRAFT
    return asked if asked is WorkflowStatus.PAUSED else WorkflowStatus.ACTIVE


def _incoming(
    candidate: Candidate, given: BundledVersion, publishes: int | None, author: Callable[[str | None], Author], by: By
) -> Version:
    """A version of a workflow that is new here: what was published becomes a draft, unless it is to be published."""
    status, base = given.status, given.base
    if given.number == publishes:
        status = VersionStatus.PUBLISHED
    elif status is VersionStatus.PUBLISHED:
        status, base = VersionStatus.DRAFT, None
    whose = author(given.author)
    if candidate.alone and given.author is None:
        whose = Author(None, by.account_id)
    told = whose.told(given.change_summary)
    if not candidate.pointer:
        told = by.summary.strip() or "Imported"
    return _version(given, given.number, status, By(whose.account_id, told), base)


def _version(given: BundledVersion, number: int, status: VersionStatus, by: By, base: int | None) -> Version:
    now = clock.now_text()
    return Version(
        number=number,
        status=status,
        author=by.account_id,
        change_summary=by.summary,
        base=base,
        revision=1,
        created_at=_moment(given.created_at) or now,
        updated_at=_moment(given.updated_at) or now,
        name=given.definition["name"].strip(),
        description=given.definition.get("description", ""),
        definition=msgspec.Raw(msgspec.json.encode(given.definition)),
    )


def _entry(at: str, action: Action, author: Author, summary: str, version: int | None) -> HistoryEntry:
    told = author.told(summary)
    return HistoryEntry(clock.new_id("his"), _moment(at) or at, action, author.account_id, told, version)


def _authors(into: Surroundings) -> Callable[[str | None], Author]:
    def author(name: str | None) -> Author:
        return Author(name, into.accounts.get(name.casefold()) if name is not None else None)

    return author


def _moment(given: str | None) -> str | None:
    return clock.text(clock.parse(given)) if given is not None else None


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
