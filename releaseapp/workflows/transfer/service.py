"""What can be done: export a version, a workflow or all; tell what an import will do; import."""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from functools import cache
from typing import Any

import msgspec

from releaseapp.agents import service as agents
from releaseapp.credentials.service import credential_names
from releaseapp.db.api import Reader
from releaseapp.errors import Conflict, Fault, Invalid
from releaseapp.web.paging import FIRST
from releaseapp.workflows import yaml_text
from releaseapp.workflows.file import Document
from releaseapp.workflows.models import Action, Version, Workflow
from releaseapp.workflows.names import account_names, agent_names
from releaseapp.workflows.service import list_workflows
from releaseapp.workflows.store import By, Store, entry_of, write
from releaseapp.workflows.transfer import export
from releaseapp.workflows.transfer.candidates import Candidate, candidates_of
from releaseapp.workflows.transfer.carrying import carried_out
from releaseapp.workflows.transfer.export import Names, as_text, file_name
from releaseapp.workflows.transfer.plan import Outcome, Plan, Surroundings, make_plan
from releaseapp.workflows.transfer.reading import FROM_THE_SHELL, OVER_HTTP, File, Format, Limits, read_file
from releaseapp.workspaces import service as workspaces

__all__ = [
    "FROM_THE_SHELL", "OVER_HTTP", "File", "Format", "Incoming", "Limits", "Outcome", "Plan",
    "as_text", "export_all", "export_version", "export_workflow", "exportable", "file_name",
    "import_workflows", "note_export", "plan_import", "read_incoming", "shown", "surroundings",
]  # fmt: skip

_PAGE = 200


class Incoming(msgspec.Struct, frozen=True):
    """A file that was read, and the workflows that it asks for."""

    file: File
    candidates: list[Candidate]

    def told(self, faults: list[Fault]) -> list[Fault]:
        """Faults with the line of the file that each is in."""
        lines = self.file.lines() if faults else {}
        if not lines:
            return faults
        return [
            Fault(fault.pointer, f"Line {yaml_text.line_of(lines, fault.pointer)}: {fault.detail}")
            if not fault.detail.startswith("Line ")
            else fault
            for fault in faults
        ]


def exportable(store: Store, workspace_id: str) -> list[Workflow]:
    """The workflows that an export of all has: those in the bin are left out, the oldest comes first."""
    return sorted(list_workflows(store, workspace_id), key=lambda one: (one.created_at, one.id))


def export_all(store: Store, workspace_id: str) -> dict[str, Any]:
    """All workflows of a workspace but those in the bin."""
    return export.all_of(exportable(store, workspace_id), names_of(store.db, workspace_id))


def export_workflow(store: Store, workflow: Workflow) -> dict[str, Any]:
    """One workflow with its versions, history and triggers."""
    return export.all_of([workflow], names_of(store.db, workflow.workspace_id), "workflow")


def export_version(store: Store, workflow: Workflow, version: Version) -> dict[str, Any]:
    """One version alone."""
    return export.version_of(workflow, version, names_of(store.db, workflow.workspace_id))


def note_export(store: Store, exported: list[Workflow], by: By, version: int | None = None) -> None:
    """Tells in the history of each workflow that it was exported; nothing else of it changes."""
    ids = {one.id for one in exported}

    def note(document: Document) -> tuple[Document, list[Workflow]]:
        noted = {
            one.id: msgspec.structs.replace(one, history=[*one.history, entry_of(Action.EXPORTED, by, version)])
            for one in document.workflows
            if one.id in ids
        }
        workflows = [noted.get(one.id, one) for one in document.workflows]
        return msgspec.structs.replace(document, workflows=workflows), list(noted.values())

    if ids:
        write(store, Action.EXPORTED, note)


def read_incoming(data: bytes, given: Format | None, limits: Limits) -> Incoming:
    """The workflows that a file asks for, each with its faults.

    Raises TooLarge, and Invalid for what cannot be read at all or is neither
    an export nor a definition.
    """
    file = read_file(data, given, limits)
    try:
        return Incoming(file, candidates_of(file.value, limits))
    except Invalid as error:
        raise Invalid(Incoming(file, []).told(list(error.faults))) from error


def plan_import(store: Store, incoming: Incoming, into: Surroundings, *, publish: bool) -> Plan:
    """What importing the file would do now; does nothing."""
    return make_plan(incoming.candidates, store.file.read().workflows, into, publish=publish)


def import_workflows(
    store: Store, incoming: Incoming, into: Surroundings, by: By, *, publish: bool, digest: str | None = None
) -> Plan:
    """Imports all workflows of a file in one write, and tells what was done.

    Raises Invalid with every fault when one of them is refused, and Conflict
    when the plan is not any more the one that ``digest`` stands for; then
    nothing was done.
    """
    plan = plan_import(store, incoming, into, publish=publish)
    _check(plan, incoming, digest)
    if all(item.outcome is Outcome.UNCHANGED for item in plan.items):
        return plan
    done: list[Plan] = []

    def carry(document: Document) -> tuple[Document, list[Workflow]]:
        now = make_plan(incoming.candidates, document.workflows, into, publish=publish)
        _check(now, incoming, plan.digest)
        workflows, changed = carried_out(now.items, document.workflows, into, by)
        done.append(now.carried(changed))
        return msgspec.structs.replace(document, workflows=workflows), changed

    write(store, Action.IMPORTED, carry)
    return done[-1]


def shown(plan: Plan, incoming: Incoming) -> dict[str, Any]:
    """A plan, or what was done, as programs get it."""
    return {
        **{outcome.value: plan.count(outcome) for outcome in Outcome},
        "workflows": [
            {
                "outcome": item.outcome,
                "name": item.candidate.name,
                "id": item.here.id if item.here is not None else None,
                "versions": item.versions,
                "version": item.version,
                "publishes": item.publishes,
                "errors": [
                    {"pointer": fault.pointer, "detail": fault.detail} for fault in incoming.told(list(item.faults))
                ],
            }
            for item in plan.items
        ],
        "missing": {
            kind: [{"name": name, "needed_by": by} for name, by in sorted(names.items())]
            for kind, names in msgspec.structs.asdict(plan.missing).items()
        },
    }


def _check(plan: Plan, incoming: Incoming, digest: str | None) -> None:
    if plan.faults:
        raise Invalid(incoming.told(plan.faults))
    if digest is not None and digest != plan.digest:
        raise Conflict("The workflows here have changed since the plan was made; look at it again.")


def surroundings(db: Reader, workspace_id: str) -> Surroundings:
    """A workspace as an import sees it: its people, agents and credentials."""
    members: dict[str, str] = {}
    before = FIRST
    while page := workspaces.list_members(db, workspace_id, before, _PAGE):
        members.update((one.email.casefold(), one.id) for one in page)
        before = page[-1].id
    return Surroundings(workspace_id, members, _agents_of(db, workspace_id), _credentials_of(db, workspace_id))


def _credentials_of(db: Reader, workspace_id: str) -> Callable[[AbstractSet[str]], AbstractSet[str]]:
    @cache
    def known() -> set[str]:
        return {name.casefold() for name in credential_names(db, workspace_id)}

    return lambda names: {name for name in names if name.casefold() in known()}


def _agents_of(db: Reader, workspace_id: str) -> Callable[[AbstractSet[str]], Mapping[str, str]]:
    @cache
    def ids() -> Mapping[str, str]:
        found: dict[str, str] = {}
        before = FIRST
        while page := agents.list_agents(db, workspace_id, before, _PAGE):
            # The newest comes first; of two with one name the older one counts, which was there before.
            found.update((one.name, one.id) for one in page)
            found.update((one.id, one.id) for one in page)
            before = page[-1].id
        return found

    return lambda names: {name: ids()[name] for name in names if name in ids()} if names else {}


def names_of(db: Reader, workspace_id: str) -> Names:
    """How accounts and agents of a workspace are called in its exports."""

    account_name = account_names(db)

    @cache
    def author(account_id: str) -> str | None:
        member = workspaces.find_member(db, workspace_id, account_id)
        return member.email if member is not None else account_name(account_id)

    return Names(author, agent_names(db, workspace_id))
