"""The types of step: what each is for, what its ``config`` may be, how it is done.

The config of a type is declared once; checks, the published JSON Schema and the
forms of the editor are made from it. ``Meta(extra={"box": …})`` says how a field
is best written where its type alone does not tell.
"""

import importlib
import logging
from functools import cache
from importlib.metadata import EntryPoint, entry_points

from releaseapp.steps.api import StepType, StepTypes

__all__ = ["step_types"]

log = logging.getLogger(__name__)

ENTRY_POINTS = "releaseapp.steps"
_OWN = {
    "agent.task": "agent_task",
    "approval": "approval",
    "condition": "condition",
    "database.query": "database_query",
    "delay": "delay",
    "fail": "fail",
    "http.request": "http_request",
    "message.send": "message_send",
    "queue.publish": "queue_publish",
    "transform": "transform",
    "workflow.run": "workflow_run",
}


@cache
def step_types() -> StepTypes:
    """Every type by name: ours, and those that installed packages bring by the entry point ``releaseapp.steps``."""
    own = {name: importlib.import_module(f"{__name__}.{module}").TYPE for name, module in _OWN.items()}
    return {**_installed(), **own}


def _installed() -> dict[str, StepType]:
    found: dict[str, StepType] = {}
    for point in sorted(entry_points(group=ENTRY_POINTS), key=lambda one: one.name):
        kind = _loaded(point)
        if kind is not None and point.name not in _OWN:
            found[point.name] = kind
    return found


def _loaded(point: EntryPoint) -> StepType | None:
    """The type that a package brings; None, and a line in the server's log, when it cannot be used."""
    try:
        kind = point.load()
    except Exception:
        log.exception("the step type %s of %s cannot be loaded", point.name, point.value)
        return None
    if not isinstance(kind, StepType):
        log.error("the step type %s of %s is no StepType", point.name, point.value)
        return None
    return kind
