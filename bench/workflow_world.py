"""The workflows that are measured: a thousand with ten versions each, as every way of keeping them holds them."""

from pathlib import Path
from typing import Any

import msgspec

from releaseapp import clock
from releaseapp.seeds import WORKSPACES
from releaseapp.workflows.file import SCHEMA, Document
from releaseapp.workflows.models import (
    Action,
    HistoryEntry,
    Version,
    VersionStatus,
    Workflow,
    WorkflowStatus,
)

WORKSPACE = WORKSPACES["aurora"][0]
SEARCHED = "flow 077"
PAGE = 50


def definition(number: int, text: str) -> dict[str, Any]:
    """Eight steps of 250 bytes each; ``text`` makes it another one."""
    steps = [
        {
            "id": f"step_{place}",
            "name": f"Send part {place}",
            "type": "http.request",
            "config": {
                "url": "{{ inputs.url }}",
                "method": "POST",
                "body": {"part": place, "text": text, "items": "{{ inputs.items | select | list }}"},
            },
            "retry": {"max_attempts": 3, "backoff": "exponential", "interval_seconds": 2},
            "timeout_seconds": 30,
        }
        for place in range(8)
    ]
    return {
        "name": f"Flow {number:04}",
        "description": "Fetches what is new, keeps what matters, and tells others.",
        "inputs": {"type": "object", "properties": {"url": {"type": "string"}, "items": {"type": "array"}}},
        "steps": steps,
        "output": "{{ steps.step_7.output.status }}",
    }


def write_document(path: Path, workflows: int, versions: int) -> None:
    """Writes the file; the newest version of each workflow is a draft, the one before it is published."""
    made = [_workflow(number, versions) for number in range(workflows)]
    path.write_bytes(msgspec.json.encode(Document(SCHEMA, 1, made)))


def _workflow(number: int, versions: int) -> Workflow:
    at = clock.later_text(-number)
    value = definition(number, "as it was")
    text = msgspec.Raw(msgspec.json.encode(value))
    last = versions - 1
    statuses = [VersionStatus.ARCHIVED] * (last - 1) + [VersionStatus.PUBLISHED] * (last > 0) + [VersionStatus.DRAFT]
    return Workflow(
        id=clock.new_id("wfl"),
        workspace_id=WORKSPACE,
        status=WorkflowStatus.ACTIVE if last else WorkflowStatus.DRAFT,
        agent_id=None,
        tags=["bench", f"group {number % 7}"],
        published_version=last or None,
        versions=[
            Version(place, status, None, "A change", None, 1, at, at, value["name"], value["description"], text)
            for place, status in enumerate(statuses, 1)
        ],
        history=[
            HistoryEntry(clock.new_id("his"), at, Action.UPDATED, None, "A change", place + 1)
            for place in range(versions)
        ],
        created_at=at,
        updated_at=at,
    )
