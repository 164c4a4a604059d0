"""Finding workflows in the list: what one may ask for, in which order, and what there is to choose from.

The list is made from the copy of the file that is in memory. It looks into no
definition, but for the one question whether a type of step is used, which is
answered by the bytes of the definition as they stand.
"""

from collections import Counter
from collections.abc import Callable
from enum import StrEnum

import msgspec

from releaseapp.errors import Invalid
from releaseapp.steps import step_types
from releaseapp.web.paging import FIRST
from releaseapp.workflows.models import Version, Workflow, WorkflowStatus
from releaseapp.workflows.store import Store

MOST_TAGS_OFFERED = 100


class Standing(StrEnum):
    """Where a workflow stands; ``unpublished`` is one that has a newer draft than the version that is published."""

    DRAFT = "draft"
    ACTIVE = "active"
    UNPUBLISHED = "unpublished"
    PAUSED = "paused"
    ARCHIVED = "archived"


class Order(StrEnum):
    """What comes first: what was changed last, or the beginning of the alphabet."""

    CHANGED = "changed"
    NAME = "name"


class Wanted(msgspec.Struct, frozen=True):
    """Which workflows; what is empty is not asked for. ``deleted`` asks for those in the bin."""

    search: str = ""
    tag: str = ""
    standing: Standing | None = None
    agent_id: str = ""
    order: Order = Order.CHANGED
    deleted: bool = False

    @property
    def narrows(self) -> bool:
        """Is anything asked for that not all fit?"""
        return bool(self.search.strip() or self.tag or self.standing or self.agent_id)


class Found(msgspec.Struct, frozen=True):
    """What fits, in order; how many there are altogether; and what could be asked for: tags, and owners' ids."""

    workflows: list[Workflow]
    total: int
    tags: list[str]
    agent_ids: set[str]


def find_workflows(store: Store, workspace_id: str, wanted: Wanted) -> Found:
    """The workflows of a workspace that fit, in the order that is asked for."""
    here = [
        workflow
        for workflow in store.file.read().workflows
        if workflow.workspace_id == workspace_id and (workflow.deleted_at is not None) is wanted.deleted
    ]
    found = here
    for test in _tests_of(wanted):
        found = [workflow for workflow in found if test(workflow)]
    tags = Counter(tag for workflow in here for tag in workflow.tags)
    return Found(
        workflows=sorted(found, key=_KEYS[wanted.order], reverse=wanted.order is Order.CHANGED),
        total=len(here),
        tags=sorted((tag for tag, _ in tags.most_common(MOST_TAGS_OFFERED)), key=str.casefold),
        agent_ids={workflow.agent_id for workflow in here if workflow.agent_id is not None},
    )


def page_key(order: Order) -> Callable[[Workflow], str]:
    """Where a page that ends with a workflow ends, as a text that names the order."""
    key = _KEYS[order]
    return lambda workflow: f"{order}\n{key(workflow)}"


def after(workflows: list[Workflow], before: str, order: Order) -> list[Workflow]:
    """What follows after the place that a cursor names; raises Invalid for a cursor of another list."""
    if before == FIRST:
        return workflows
    given, _, place = before.partition("\n")
    if given != order or "\n" not in place:
        raise Invalid.at("/cursor", "cursor is not one that this list gave; begin again without it.")
    key = _KEYS[order]
    if order is Order.CHANGED:
        return [workflow for workflow in workflows if key(workflow) < place]
    return [workflow for workflow in workflows if key(workflow) > place]


def _tests_of(wanted: Wanted) -> list[Callable[[Workflow], bool]]:
    """The questions that each workflow must answer with yes, the quickest first."""
    tests: list[Callable[[Workflow], bool]] = []
    if wanted.tag:
        tests.append(lambda workflow: wanted.tag in workflow.tags)
    if wanted.agent_id:
        tests.append(lambda workflow: workflow.agent_id == wanted.agent_id)
    if wanted.standing is Standing.UNPUBLISHED:
        tests.append(lambda workflow: workflow.has_newer_draft)
    elif wanted.standing is not None:
        status = WorkflowStatus(wanted.standing)
        tests.append(lambda workflow: workflow.status is status)
    text = wanted.search.strip().casefold()
    if text in step_types():
        tests.append(lambda workflow: _holds(workflow, text) or _uses(workflow.shown, text))
    elif text:
        tests.append(lambda workflow: _holds(workflow, text))
    return tests


def _holds(workflow: Workflow, text: str) -> bool:
    shown = workflow.shown
    return text in f"{shown.name}\n{shown.description}\n{chr(10).join(workflow.tags)}".casefold()


def _uses(version: Version, step_type: str) -> bool:
    # As it is written by the server, or by somebody who laid the file out by hand.
    written = bytes(version.definition)
    return f'"type":"{step_type}"'.encode() in written or f'"type": "{step_type}"'.encode() in written


def _changed(workflow: Workflow) -> str:
    return f"{workflow.updated_at}\n{workflow.id}"


def _name(workflow: Workflow) -> str:
    return f"{workflow.shown.name.casefold()}\n{workflow.id}"


_KEYS: dict[Order, Callable[[Workflow], str]] = {Order.CHANGED: _changed, Order.NAME: _name}
