"""``agent.task``: gives an agent a task."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from releaseapp.steps.api import Context, GiveTask, Preset, StepType
from releaseapp.steps.fields import Reference, Text


class AgentTask(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Gives an agent a task, and waits for its output."""

    agent: Annotated[Reference, Meta(description="The agent's name or id.", extra={"box": "agent"})]
    title: Annotated[Text, Meta(description="What the task is called, and what a language model is asked to do.")]
    input: Annotated[Any, Meta(description="What the agent gets to work on: text, or JSON.")] = None


def run(config: AgentTask, _context: Context) -> GiveTask:
    """Asks for the task; the run goes on when it has ended."""
    return GiveTask(config.agent, config.title, config.input)


TYPE = StepType(
    title="Agent task",
    icon="agent",
    config=AgentTask,
    run=run,
    presets=(Preset("Ask an agent", {"agent": "", "title": "", "input": {}}),),
    has_effects=True,
)
