"""The last runs of workflows, for pages of workflows, which may not look up to runs by themselves."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pyramid.events import BeforeRender, subscriber

from releaseapp.runs.models import Run
from releaseapp.runs.pages import queries
from releaseapp.web.request import Request
from releaseapp.workspaces.resources import WorkspaceNode


@subscriber(BeforeRender)
def add_last_runs(event: Mapping[str, Any]) -> None:
    """Gives every page ``last_runs(workflow ids)``: the newest run of each that has one, by the workflow's id."""
    request: Request | None = event.get("request")
    if request is not None:
        event.update(last_runs=_asker(request))  # type: ignore[attr-defined]


def _asker(request: Request) -> Callable[[Sequence[str]], dict[str, Run]]:
    def last_runs(workflow_ids: Sequence[str]) -> dict[str, Run]:
        node = getattr(request, "context", None)
        while node is not None and not isinstance(node, WorkspaceNode):
            node = getattr(node, "__parent__", None)
        return queries.list_last_runs(request.db, node.id, workflow_ids) if node is not None else {}

    return last_runs
