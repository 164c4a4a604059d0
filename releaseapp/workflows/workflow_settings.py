"""What is set of a workflow beside its definition: the agent that owns it, and its tags."""

import hashlib
from collections.abc import Callable, Iterable

import msgspec
from msgspec import UNSET

from releaseapp.agents.service import find_agent
from releaseapp.db.api import Reader
from releaseapp.errors import Fault, Invalid
from releaseapp.workflows.models import Action, Workflow
from releaseapp.workflows.schemas import LONGEST_SUMMARY, LONGEST_TAG, MOST_TAGS, WorkflowChange
from releaseapp.workflows.store import NO_VERSION, By, Store, change_workflow

_NOT_IN_TAGS = frozenset([",", "\x7f", *map(chr, range(32))])
"""Forms write tags on one line, with commas between them."""

Guard = Callable[[int], None] | None
"""Called with the number of the present settings inside the change; refuses by raising."""


class _NothingToChange(Exception):
    """Everything is as it should be already."""


def change_settings(
    store: Store, workflow: Workflow, given: WorkflowChange, by: By, *, guard: Guard = None
) -> Workflow:
    """Changes what was given and nothing else, with one entry in the history.

    Nothing is written when nothing would be another. Raises Invalid for an agent
    that is not of this workspace and for tags that cannot be, Conflict for a
    workflow in the bin, NotFound, and what ``guard`` raises.
    """
    tags = None if given.tags is UNSET else clean_tags(given.tags)

    def change(present: Workflow) -> Workflow:
        if guard is not None:
            guard(settings_number(present))
        after = present
        if given.agent_id is not UNSET:
            after = msgspec.structs.replace(after, agent_id=given.agent_id)
        if tags is not None:
            after = msgspec.structs.replace(after, tags=tags)
        if (after.agent_id, after.tags) == (present.agent_id, present.tags):
            raise _NothingToChange
        return after

    told = By(by.account_id, _told(store.db, workflow, given, tags))
    try:
        return change_workflow(store, workflow, Action.UPDATED, told, change, NO_VERSION)
    except _NothingToChange:
        return workflow


def settings_number(workflow: Workflow) -> int:
    """The same for the same settings, whatever else was done to the workflow: what ``If-Match`` guards by."""
    text = msgspec.json.encode((workflow.agent_id, workflow.tags))
    return int.from_bytes(hashlib.blake2b(text, digest_size=6).digest())


def etag(workflow: Workflow) -> str:
    """Another one with every change; it begins with the number of the settings, the only part that guards them."""
    return f"{settings_number(workflow)}.{''.join(filter(str.isdigit, workflow.updated_at))}"


def clean_tags(tags: Iterable[str]) -> list[str]:
    """The tags without space around them, each once; raises Invalid, at ``/tags``, for what cannot be a tag."""
    kept = list(dict.fromkeys(tag.strip() for tag in tags))
    faults = [Fault("/tags", fault) for fault in map(_fault_of, kept) if fault is not None]
    if len(kept) > MOST_TAGS:
        faults.append(Fault("/tags", f"There are {len(kept)} tags; a workflow has at most {MOST_TAGS}."))
    if faults:
        raise Invalid(faults)
    return kept


def tags_of(text: str) -> list[str]:
    """The tags that a person wrote with commas between them; raises Invalid as :func:`clean_tags`."""
    return clean_tags(tag for tag in text.split(",") if tag.strip())


def check_agent(db: Reader, workspace_id: str, agent_id: str) -> str:
    """The name of an agent of the workspace; raises Invalid, at ``/agent_id``, when there is none of that id."""
    state = find_agent(db, workspace_id, agent_id)
    if state is None:
        raise Invalid.at("/agent_id", "There is no such agent in this workspace; choose one of its agents, or none.")
    return state.agent.name


def _fault_of(tag: str) -> str | None:
    if not tag:
        return "A tag must not be blank."
    if len(tag) > LONGEST_TAG:
        return f"The tag {tag[:LONGEST_TAG]}… is longer than {LONGEST_TAG} characters."
    if any(sign in _NOT_IN_TAGS for sign in tag):
        return f"The tag {tag!a} holds a comma or a control character, which tags cannot."
    return None


def _told(db: Reader, workflow: Workflow, given: WorkflowChange, tags: list[str] | None) -> str:
    """What the history says; an agent that is owner already may be one that was deleted since."""
    told = []
    if given.agent_id is not UNSET and given.agent_id != workflow.agent_id:
        name = None if given.agent_id is None else check_agent(db, workflow.workspace_id, given.agent_id)
        told.append("No owner agent." if name is None else f"Owner agent: {name}.")
    if tags is not None and tags != workflow.tags:
        told.append(f"Tags: {', '.join(tags)}." if tags else "No tags.")
    return (" ".join(told) or "Settings.")[:LONGEST_SUMMARY]
