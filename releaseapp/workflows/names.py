"""How agents and people are called, who are ids in the file of workflows."""

from collections.abc import Callable
from functools import cache

from releaseapp.agents.service import find_agent, list_agents
from releaseapp.auth.service import get_account
from releaseapp.db.api import Reader
from releaseapp.errors import NotFound
from releaseapp.web.paging import FIRST

MOST_AGENTS_OFFERED = 200

NameOf = Callable[[str], str | None]
"""Gives the name of an id, None for one that is not there any more."""


def agents_to_choose(db: Reader, workspace_id: str) -> dict[str, str]:
    """The newest agents of a workspace, by id, in the order of their names."""
    agents = list_agents(db, workspace_id, FIRST, MOST_AGENTS_OFFERED)
    return {agent.id: agent.name for agent in sorted(agents, key=lambda agent: agent.name.casefold())}


def agent_names(db: Reader, workspace_id: str, known: dict[str, str] | None = None) -> NameOf:
    """The names of a workspace's agents; each that is not ``known`` is looked up once."""

    @cache
    def name_of(agent_id: str) -> str | None:
        if known is not None and agent_id in known:
            return known[agent_id]
        state = find_agent(db, workspace_id, agent_id)
        return None if state is None else state.agent.name

    return name_of


def account_names(db: Reader) -> Callable[[str | None], str | None]:
    """The names of people, each looked up once; None for the server itself, and for an account that is gone."""

    @cache
    def name_of(account_id: str | None) -> str | None:
        try:
            return get_account(db, account_id).name if account_id is not None else None
        except NotFound:
            return None

    return name_of
