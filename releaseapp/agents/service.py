"""What can be done with agents."""

from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any

import msgspec

from releaseapp import clock
from releaseapp.agents import queries, runtimes
from releaseapp.agents.models import Agent, AgentState, AgentStatus
from releaseapp.agents.schemas import AgentChange, AgentCreate
from releaseapp.agents.tasks import service as tasks
from releaseapp.db.api import Database, Reader
from releaseapp.errors import Fault, Invalid, NotFound
from releaseapp.events.models import EventType
from releaseapp.events.service import append
from releaseapp.permissions import Permission
from releaseapp.workspaces.models import Identity

Guard = Callable[[int], None] | None
"""Called with the present revision inside the transaction; refuses by raising."""

_SHORT_FIELDS = ("name", "description", "status", "tags", "limits")


def list_agents(
    db: Reader,
    workspace_id: str,
    before: str,
    limit: int,
    *,
    status: AgentStatus | None = None,
    search: str | None = None,
) -> list[Agent]:
    """Agents of a workspace, newest first, maybe of one status or containing a text."""
    return queries.list_agents(db, workspace_id, before, limit, status=status, pattern=queries.search_pattern(search))


def list_agents_of_workspaces(
    db: Reader,
    workspace_ids: Iterable[str],
    before: str,
    limit: int,
    *,
    status: AgentStatus | None = None,
    search: str | None = None,
) -> list[Agent]:
    """Agents of several workspaces, newest first."""
    pattern = queries.search_pattern(search)
    pages = [
        queries.list_agents(db, workspace_id, before, limit, status=status, pattern=pattern)
        for workspace_id in workspace_ids
    ]
    return sorted(chain.from_iterable(pages), key=lambda agent: agent.id, reverse=True)[:limit]


def find_agent(db: Reader, workspace_id: str, agent_id: str) -> AgentState | None:
    """One agent of a workspace, or None."""
    return queries.find_agent(db, workspace_id, agent_id)


def get_agent(db: Reader, workspace_id: str, agent_id: str) -> AgentState:
    """One agent of a workspace; raises NotFound."""
    state = queries.find_agent(db, workspace_id, agent_id)
    if state is None:
        raise NotFound("There is no such agent.")
    return state


def find_agent_named(db: Reader, workspace_id: str, name_or_id: str) -> AgentState | None:
    """One agent of a workspace by id, or the newest of that name in whatever case; None when there is none."""
    return queries.find_agent(db, workspace_id, name_or_id) or queries.find_agent_named(db, workspace_id, name_or_id)


def visible_workspaces(identity: Identity) -> list[str]:
    """The workspaces in which the caller may see agents."""
    return [one for one in identity.memberships if identity.allows(one, Permission.AGENTS_VIEW)]


def count_agents(db: Reader, workspace_id: str) -> dict[AgentStatus, int]:
    """How many agents of each status a workspace has."""
    return queries.count_agents(db, workspace_id)


def create_agent(db: Database, workspace_id: str, given: AgentCreate, *, actor: str | None) -> AgentState:
    """Adds an agent; raises Invalid when its runtime cannot work."""
    runtime = given.runtime if given.runtime is not None else runtimes.default_runtime()
    _check_runtime(runtime)
    now = clock.now_text()
    agent = Agent(
        id=clock.new_id("agt"),
        workspace_id=workspace_id,
        name=given.name.strip(),
        description=given.description.strip(),
        status=given.status,
        runtime=runtime,
        instructions=given.instructions,
        tags=_clean_tags(given.tags),
        limits=given.limits,
        tasks_completed=0,
        memory_items=0,
        last_active=None,
        created_at=now,
        updated_at=now,
    )
    with db.transaction() as tx:
        queries.insert_agent(tx, agent)
        data = {"name": agent.name, "status": agent.status}
        append(tx, EventType.AGENT_CREATED, agent.id, workspace_id=workspace_id, actor=actor, data=data)
    return AgentState(agent, revision=1)


def change_agent(
    db: Database, workspace_id: str, agent_id: str, change: AgentChange, *, actor: str, guard: Guard = None
) -> AgentState:
    """Changes what was given and nothing else.

    ``guard`` is called with the present revision inside the transaction and may
    refuse. Raises NotFound, and Invalid when the runtime cannot work.
    """
    given = {name: value for name, value in msgspec.structs.asdict(change).items() if value is not msgspec.UNSET}
    if "runtime" in given:
        _check_runtime(given["runtime"])
    if "tags" in given:
        given["tags"] = _clean_tags(given["tags"])
    for name in ("name", "description"):
        if name in given:
            given[name] = given[name].strip()
    with db.transaction() as tx:
        state = get_agent(tx, workspace_id, agent_id)
        if guard is not None:
            guard(state.revision)
        before = state.agent
        changed = {name: value for name, value in given.items() if getattr(before, name) != value}
        if not changed:
            return state
        after = msgspec.structs.replace(before, **changed, updated_at=clock.now_text())
        queries.update_agent(tx, after)
        data = {"name": after.name, "changed": sorted(changed), **_before_and_after(before, after, changed)}
        append(tx, EventType.AGENT_UPDATED, agent_id, workspace_id=workspace_id, actor=actor, data=data)
        return get_agent(tx, workspace_id, agent_id)


def delete_agent(db: Database, workspace_id: str, agent_id: str, *, actor: str, guard: Guard = None) -> None:
    """Removes an agent with its tasks and memory; what runs is cancelled first, and nothing is heard of it after."""
    with db.transaction() as tx:
        state = get_agent(tx, workspace_id, agent_id)
        if guard is not None:
            guard(state.revision)
        tasks.cancel_tasks_of(db, agent_id, actor=actor)
        queries.delete_agent(tx, agent_id)
        append(
            tx,
            EventType.AGENT_DELETED,
            agent_id,
            workspace_id=workspace_id,
            actor=actor,
            data={"name": state.agent.name, "memory_items": state.agent.memory_items},
        )


def _check_runtime(runtime: dict[str, Any]) -> None:
    faults = [Fault("/runtime" + fault.pointer, fault.detail) for fault in runtimes.check(runtime)]
    if faults:
        raise Invalid(faults)


def _clean_tags(tags: list[str]) -> list[str]:
    return list(dict.fromkeys(tag.strip() for tag in tags))


def _before_and_after(before: Agent, after: Agent, changed: dict[str, Any]) -> dict[str, Any]:
    shown = [name for name in _SHORT_FIELDS if name in changed]
    return {
        "before": {name: getattr(before, name) for name in shown},
        "after": {name: getattr(after, name) for name in shown},
    }
