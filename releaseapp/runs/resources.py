"""The nodes of the tree that stand for runs and their steps."""

from releaseapp.runs import service
from releaseapp.runs.machine.kit import Runs
from releaseapp.runs.models import WHOLE, Run
from releaseapp.web.request import Request
from releaseapp.web.resources import Resource
from releaseapp.workflows.resources import store_of
from releaseapp.workspaces.resources import WorkspaceNode

_LONGEST_ITEM = 6


def runs_of(request: Request) -> Runs:
    """What the verbs on runs need of this server."""
    return Runs(request.db, store_of(request), request.settings, request.registry.wake_run)


class RunsNode(Resource):
    """``/workspaces/{…}/runs``."""

    def child(self, name: str) -> Resource:
        """A run of this workspace by id."""
        run = service.find_run(self.request.db, self.above(WorkspaceNode).id, name)
        if run is None:
            raise KeyError(name)
        return RunNode(self.request, name, self, run)


class RunNode(Resource):
    """``/workspaces/{…}/runs/{id}``."""

    def __init__(self, request: Request, name: str, parent: Resource, run: Run) -> None:
        super().__init__(request, name, parent)
        self.run = run


class StepsNode(Resource):
    """``/workspaces/{…}/runs/{id}/steps``."""

    def child(self, name: str) -> Resource:
        """A step by its id, or one item of it by ``id.item``; also one that has not begun."""
        step_id, dot, number = name.partition(".")
        item = int(number) if number.isascii() and number.isdigit() and len(number) <= _LONGEST_ITEM else WHOLE
        run = self.above(RunNode).run
        definition = service.definition_of(self.request.db, run.id)
        if not any(step["id"] == step_id for step in definition["steps"]) or (dot and item == WHOLE):
            raise KeyError(name)
        return StepNode(self.request, name, self, step_id, item)


class StepNode(Resource):
    """``/workspaces/{…}/runs/{id}/steps/{key}``."""

    def __init__(self, request: Request, name: str, parent: Resource, step_id: str, item: int) -> None:
        super().__init__(request, name, parent)
        self.step_id = step_id
        self.item = item
