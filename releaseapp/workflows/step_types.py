"""The types of step: what each is for, what its ``config`` may be, and how one begins with it.

The config of a type is declared once; checks, the published JSON Schema and the
forms of the editor are made from it. ``Meta(extra={"box": …})`` says how a field
is best written where its type alone does not tell.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

Text = Annotated[str, Meta(min_length=1, max_length=20_000, pattern=r"\S")]
Reference = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"\S")]


class AgentTask(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Gives an agent a task, and waits for its output."""

    agent: Annotated[Reference, Meta(description="The agent's name or id.", extra={"box": "agent"})]
    title: Annotated[Text, Meta(description="What the task is called, and what a language model is asked to do.")]
    input: Annotated[Any, Meta(description="What the agent gets to work on: text, or JSON.")] = None


class HttpRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Sends an HTTP request; the output has status, headers and body."""

    url: Annotated[Text, Meta(description="The whole address, with https://.")]
    method: Annotated[
        Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"], Meta(description="What the request asks for.")
    ] = "GET"
    headers: Annotated[dict[str, str], Meta(description="Sent along; secrets belong into a credential.")] = {}
    body: Annotated[Any, Meta(description="Sent as JSON, or as it is when it is text.")] = None
    credential: Annotated[
        Reference | None, Meta(description="The name of the credential that signs the request in.")
    ] = None


class DatabaseQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Runs one SQL statement with parameters on a database that a credential names."""

    credential: Annotated[Reference, Meta(description="The name of a credential of the type database.")]
    sql: Annotated[
        Text, Meta(description="One statement. Values are parameters, written :name.", extra={"box": "lines"})
    ]
    parameters: Annotated[dict[str, Any], Meta(description="The value of each :name.")] = {}
    write: Annotated[bool, Meta(description="May the statement change data?")] = False
    row_limit: Annotated[int, Meta(ge=1, le=10_000, description="More rows than this are an error.")] = 1000


class MessageSend(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Sends a message to a Slack-compatible webhook, or an e-mail."""

    credential: Annotated[Reference, Meta(description="The name of a webhook's or mail server's credential.")]
    text: Annotated[Text, Meta(description="What the message says.", extra={"box": "lines"})]
    to: Annotated[list[Text], Meta(description="Addresses of e-mail, one a line; left out for a webhook.")] = []
    subject: Annotated[str, Meta(description="Of an e-mail.")] = ""


class Transform(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Makes a value out of others by expressions."""

    value: Annotated[Any, Meta(description="Text or JSON, with expressions wherever a value may stand.")]


class Condition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Decides by an expression; its output is true or false."""

    test: Annotated[Text, Meta(description="What decides, such as {{ inputs.amount > 100 }}.")]


class Delay(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Waits for a number of seconds, or until a time; a restart of the server does not shorten or lengthen it."""

    seconds: Annotated[float | Text | None, Meta(description="How long.")] = None
    until: Annotated[Text | None, Meta(description="A time such as 2030-01-31T08:00:00Z.")] = None


class Approval(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Waits until somebody decides."""

    title: Annotated[Text, Meta(description="What is asked.")]
    description: Annotated[str, Meta(description="What one should know to decide.", extra={"box": "lines"})] = ""
    form: Annotated[
        dict[str, Any], Meta(description="A JSON Schema of what else is asked.", extra={"box": "json"})
    ] = {}
    deciders: Annotated[list[Reference], Meta(description="E-mail or role of who may decide, one a line.")] = []
    not_the_requester: Annotated[bool, Meta(description="Must somebody else decide than who started the run?")] = False
    deadline_seconds: Annotated[
        Annotated[int, Meta(ge=1)] | None, Meta(description="After this many seconds it counts as refused.")
    ] = None


class WorkflowRun(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Runs another workflow, and waits for its output."""

    workflow: Annotated[Reference, Meta(description="The workflow's name or id.", extra={"box": "workflow"})]
    inputs: Annotated[dict[str, Any], Meta(description="The other workflow's inputs.")] = {}


class QueuePublish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Puts a message into a queue of the workspace."""

    queue: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$", description="Lower case, such as new-orders.")]
    message: Annotated[Any, Meta(description="Text, or JSON.")] = None


class Fail(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Ends the run as failed, with a reason."""

    message: Annotated[Text, Meta(description="The reason.")]


class Preset(msgspec.Struct, frozen=True):
    """A config to begin with, and what it is good for."""

    title: str
    config: dict[str, Any]


class StepType(msgspec.Struct, frozen=True):
    """A type of step: how it is called, the schema of its config, what its output looks like, how to begin.

    ``output`` is a sample, None where it cannot be known before it has run.
    """

    title: str
    icon: str
    config: type[msgspec.Struct]
    output: Any
    presets: tuple[Preset, ...]

    @property
    def help(self) -> str:
        """What it is for, in a sentence."""
        return self.config.__doc__ or ""


_ANSWER = {"status": 200, "headers": {"content-type": "application/json"}, "body": {}}

STEP_TYPES: Mapping[str, StepType] = {
    "agent.task": StepType(
        "Agent task", "agent", AgentTask, None, (Preset("Ask an agent", {"agent": "", "title": "", "input": {}}),)
    ),
    "approval": StepType(
        "Approval",
        "shield",
        Approval,
        {"decision": "approved", "by": "avery.owner@example.com", "comment": "", "values": {}},
        (
            Preset("Ask before going on", {"title": "Go on?", "deadline_seconds": 86_400}),
            Preset("Two pairs of eyes", {"title": "Is this right?", "not_the_requester": True}),
        ),
    ),
    "condition": StepType(
        title="Condition",
        icon="split",
        config=Condition,
        output=True,
        presets=(Preset("Branch on a value", {"test": "{{ inputs.amount > 100 }}"}),),
    ),
    "database.query": StepType(
        "Database query",
        "memory",
        DatabaseQuery,
        {"rows": [{"id": 1}], "row_count": 1},
        (
            Preset(
                "Read rows", {"credential": "", "sql": "select * from orders where id = :id", "parameters": {"id": 1}}
            ),
            Preset(
                "Change rows", {"credential": "", "sql": "update orders set done = 1 where id = :id", "write": True}
            ),
        ),
    ),
    "delay": StepType(
        "Delay",
        "clock",
        Delay,
        {"until": "2030-01-31T08:00:00.000Z"},
        (Preset("Wait a minute", {"seconds": 60}), Preset("Wait until a time", {"until": "2030-01-31T08:00:00Z"})),
    ),
    "fail": StepType("Fail", "ban", Fail, None, (Preset("End with a reason", {"message": ""}),)),
    "http.request": StepType(
        "HTTP request",
        "globe",
        HttpRequest,
        _ANSWER,
        (
            Preset("Fetch JSON", {"url": "https://", "headers": {"Accept": "application/json"}}),
            Preset("Post JSON", {"url": "https://", "method": "POST", "body": {"text": "Hello"}}),
        ),
    ),
    "message.send": StepType(
        "Message",
        "mail",
        MessageSend,
        {"sent": True},
        (
            Preset("Tell a channel", {"credential": "", "text": ""}),
            Preset("Send an e-mail", {"credential": "", "to": ["somebody@example.com"], "subject": "", "text": ""}),
        ),
    ),
    "queue.publish": StepType(
        "Queue message", "lines", QueuePublish, {"id": "msg_1"}, (Preset("Put into a queue", {"queue": "new-orders"}),)
    ),
    "transform": StepType(
        "Transform",
        "spark",
        Transform,
        None,
        (
            Preset("Write a text", {"value": "Hello {{ inputs.name }}"}),
            Preset("Make an object", {"value": {"name": "{{ inputs.name }}"}}),
        ),
    ),
    "workflow.run": StepType(
        "Run a workflow", "flow", WorkflowRun, None, (Preset("Run another workflow", {"workflow": "", "inputs": {}}),)
    ),
}
