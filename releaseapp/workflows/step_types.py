"""The types of step and what their ``config`` may be; each says what it is for."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

Text = Annotated[str, Meta(min_length=1, max_length=20_000, pattern=r"\S")]
Reference = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"\S")]


class AgentTask(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Gives an agent a task, and waits for its output."""

    agent: Reference
    title: Text
    input: Any = None


class HttpRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Sends an HTTP request; the output has status, headers and body."""

    url: Text
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"] = "GET"
    headers: dict[str, str] = {}
    body: Any = None
    credential: Reference | None = None


class DatabaseQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Runs one SQL statement with parameters on a database that a credential names."""

    credential: Reference
    sql: Text
    parameters: dict[str, Any] = {}
    write: bool = False
    row_limit: Annotated[int, Meta(ge=1, le=10_000)] = 1000


class MessageSend(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Sends a message to a Slack-compatible webhook, or an e-mail."""

    credential: Reference
    text: Text
    to: list[Text] = []
    subject: str = ""


class Transform(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Makes a value out of others by expressions."""

    value: Any


class Condition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Decides by an expression; its output is true or false."""

    test: Text


class Delay(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Waits for a number of seconds, or until a time."""

    seconds: float | Text | None = None
    until: Text | None = None


class Approval(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Waits until somebody decides."""

    title: Text
    description: str = ""
    form: dict[str, Any] = {}
    deciders: list[Reference] = []
    not_the_requester: bool = False
    deadline_seconds: Annotated[int, Meta(ge=1)] | None = None


class WorkflowRun(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Runs another workflow, and waits for its output."""

    workflow: Reference
    inputs: dict[str, Any] = {}


class QueuePublish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Puts a message into a queue of the workspace."""

    queue: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
    message: Any = None


class Fail(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Ends the run as failed, with a reason."""

    message: Text


STEP_TYPES: Mapping[str, type[msgspec.Struct]] = {
    "agent.task": AgentTask,
    "approval": Approval,
    "condition": Condition,
    "database.query": DatabaseQuery,
    "delay": Delay,
    "fail": Fail,
    "http.request": HttpRequest,
    "message.send": MessageSend,
    "queue.publish": QueuePublish,
    "transform": Transform,
    "workflow.run": WorkflowRun,
}
