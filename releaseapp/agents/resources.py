"""The nodes of the tree that stand for agents, their tasks and their memory."""

from releaseapp.agents import service
from releaseapp.agents.memory import service as memory
from releaseapp.agents.memory.models import MemoryState
from releaseapp.agents.models import Agent, AgentState
from releaseapp.agents.tasks import service as tasks
from releaseapp.agents.tasks.models import Task
from releaseapp.web.request import Request
from releaseapp.web.resources import Resource
from releaseapp.workspaces.resources import WorkspaceNode


class AllAgents(Resource):
    """``/agents``: those of every workspace of the caller."""


class Agents(Resource):
    """``/workspaces/{…}/agents``."""

    def child(self, name: str) -> Resource:
        """An agent of this workspace by id."""
        state = service.find_agent(self.request.db, self.above(WorkspaceNode).id, name)
        if state is None:
            raise KeyError(name)
        return AgentNode(self.request, name, self, state)


class AgentNode(Resource):
    """``/workspaces/{…}/agents/{id}``."""

    def __init__(self, request: Request, name: str, parent: Resource, state: AgentState) -> None:
        super().__init__(request, name, parent)
        self.state = state

    @property
    def agent(self) -> Agent:
        """The agent itself."""
        return self.state.agent


class Tasks(Resource):
    """``/workspaces/{…}/agents/{id}/tasks``."""

    def child(self, name: str) -> Resource:
        """A task of this agent by id."""
        task = tasks.find_task(self.request.db, self.above(AgentNode).agent.id, name)
        if task is None:
            raise KeyError(name)
        return TaskNode(self.request, name, self, task)


class TaskNode(Resource):
    """``/workspaces/{…}/agents/{id}/tasks/{id}``."""

    def __init__(self, request: Request, name: str, parent: Resource, task: Task) -> None:
        super().__init__(request, name, parent)
        self.task = task


class Memory(Resource):
    """``/workspaces/{…}/agents/{id}/memory``."""

    def child(self, name: str) -> Resource:
        """A memory item of this agent by id."""
        state = memory.find_memory(self.request.db, self.above(AgentNode).agent.id, name)
        if state is None:
            raise KeyError(name)
        return MemoryNode(self.request, name, self, state)


class MemoryNode(Resource):
    """``/workspaces/{…}/agents/{id}/memory/{id}``."""

    def __init__(self, request: Request, name: str, parent: Resource, state: MemoryState) -> None:
        super().__init__(request, name, parent)
        self.state = state
