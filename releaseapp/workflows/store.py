"""Where workflows are kept: the file and its events, which change together.

A change and its event: the event is appended in an open transaction, the file
is renamed into place, then the transaction commits. A crash between the last
two leaves a change without its event; ``service.reconcile`` finds that at the
next start, by the file's revision, and says so in the log of events.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from releaseapp import clock
from releaseapp.db.api import Database
from releaseapp.errors import Conflict, Invalid, NotFound
from releaseapp.events.models import EventType
from releaseapp.events.service import append
from releaseapp.workflows.definition import LARGEST_DEFINITION_BYTES, check
from releaseapp.workflows.file import Document, WorkflowFile
from releaseapp.workflows.models import Action, HistoryEntry, Version, VersionStatus, Workflow
from releaseapp.workflows.pending import settle_in
from releaseapp.workflows.yaml_keeping import worth_keeping

NO_VERSION = 0
"""For what is done to a workflow as a whole, and to none of its versions."""

_ONE_SITTING_SECONDS = 600
_EVENT_OF = {
    Action.CREATED: EventType.WORKFLOW_CREATED,
    Action.DELETED: EventType.WORKFLOW_DELETED,
    Action.PUBLISHED: EventType.VERSION_PUBLISHED,
}


class By(msgspec.Struct, frozen=True):
    """Who does something (None for the server itself), and what they say of it."""

    account_id: str | None
    summary: str = ""


class Store(msgspec.Struct, frozen=True):
    """The file with workflows and the database with events, which change together."""

    db: Database
    file: WorkflowFile


def change_workflow(
    store: Store,
    workflow: Workflow,
    action: Action,
    by: By,
    change: Callable[[Workflow], Workflow],
    version: int | None = None,
) -> Workflow:
    """Changes one workflow of the newest document, with an entry in its history and an event.

    Both name ``version``: the newest when it is left out, none for NO_VERSION.
    Raises NotFound when the workflow is gone, Conflict when it lies in the bin
    (unless ``action`` takes it out), and whatever ``change`` raises.
    """

    def apply(document: Document) -> tuple[Document, list[Workflow]]:
        present = next((one for one in document.workflows if one.id == workflow.id), None)
        if present is None:
            raise NotFound("There is no such workflow.")
        if present.deleted_at is not None and action is not Action.RESTORED:
            raise Conflict("This workflow is in the bin; restore it first.")
        after = change(present)
        number = (version or None) if version is not None else after.versions[-1].number
        history = _with_entry(present.history, entry_of(action, by, number))
        changed = msgspec.structs.replace(after, history=history, updated_at=clock.now_text())
        workflows = [changed if one.id == changed.id else one for one in document.workflows]
        return msgspec.structs.replace(document, workflows=workflows), [changed]

    return write(store, action, apply)[0]


def write(store: Store, action: Action, apply: Callable[[Document], tuple[Document, list[Workflow]]]) -> list[Workflow]:
    """Has ``apply`` make the next document and name the workflows it changed; each gets an event of its last entry."""
    with store.db.transaction() as tx:
        settle_in(tx, store.file)

        def with_events(document: Document) -> tuple[Document, list[Workflow]]:
            known = {one.id: len(one.history) for one in document.workflows}
            after, changed = apply(document)
            for workflow in changed:
                entry = workflow.history[-1]
                again = action is Action.UPDATED and known.get(workflow.id) == len(workflow.history)
                append(
                    tx,
                    EventType.VERSION_SAVED if again else _EVENT_OF.get(action, EventType.WORKFLOW_UPDATED),
                    workflow.id,
                    workspace_id=workflow.workspace_id,
                    actor=entry.author,
                    data={
                        "name": workflow.shown.name,
                        "action": action,
                        "version": entry.version,
                        "revision": document.revision + 1,
                    },
                )
            return after, changed

        return store.file.change(with_events)


def _with_entry(history: list[HistoryEntry], entry: HistoryEntry) -> list[HistoryEntry]:
    """The history with one more entry; saving the same draft on and on is one entry, which says when it was last."""
    last = history[-1] if history else None
    again = (
        last is not None
        and entry.action is last.action is Action.UPDATED
        and (entry.author, entry.version) == (last.author, last.version)
        and entry.summary in {"", last.summary}
        and last.at > clock.later_text(-_ONE_SITTING_SECONDS)
    )
    if again and last is not None:
        return [*history[:-1], msgspec.structs.replace(last, at=entry.at)]
    return [*history, entry]


class Written(msgspec.Struct, frozen=True):
    """A definition, and the YAML text that somebody wrote for it, if it was one."""

    definition: dict[str, Any] | msgspec.Raw
    source: str | None = None


def new_draft(number: int, written: Written, by: By, *, base: int | None) -> Version:
    """A draft that says what ``written`` says; raises Invalid with every fault of it."""
    definition = written.definition
    value = msgspec.json.decode(definition) if isinstance(definition, msgspec.Raw) else definition
    faults = check(value)
    if faults:
        raise Invalid(faults)
    text = msgspec.json.encode(value)
    if len(text) > LARGEST_DEFINITION_BYTES:
        raise Invalid.at("", f"The definition is larger than {LARGEST_DEFINITION_BYTES:,} bytes of JSON.")
    now = clock.now_text()
    return Version(
        number=number,
        status=VersionStatus.DRAFT,
        author=by.account_id,
        change_summary=by.summary,
        base=base,
        revision=1,
        created_at=now,
        updated_at=now,
        name=value["name"].strip(),
        description=value.get("description", ""),
        definition=msgspec.Raw(text),
        source=worth_keeping(written.source, value) if written.source is not None else None,
    )


def entry_of(action: Action, by: By, version: int | None) -> HistoryEntry:
    """What the history tells of something done now."""
    return HistoryEntry(clock.new_id("his"), clock.now_text(), action, by.account_id, by.summary.strip(), version)
