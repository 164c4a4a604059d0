"""How agents work: one module a runtime, chosen by the ``type`` of an agent's ``runtime``."""

from collections.abc import Mapping
from typing import Any

import msgspec

from releaseapp.agents.runtimes import script
from releaseapp.agents.runtimes.api import LARGEST_OUTPUT_BYTES, Context, Runtime, TaskFailed
from releaseapp.errors import Fault

_RUNTIMES: Mapping[str, Runtime] = {"script": script}


def default_runtime() -> dict[str, Any]:
    """The runtime of an agent that was made with a name only: it logs what it got, and gives it back."""
    return {"type": "script", "steps": [{"log": "{{ task.title }}: {{ input }}"}], "output": "{{ input }}"}


def check(runtime: dict[str, Any]) -> list[Fault]:
    """Everything wrong with a runtime, with pointers relative to it; an empty list when it can work."""
    if "type" not in runtime:
        return [Fault("/type", f"type is required; {_known()}.")]
    found = _find(runtime)
    if found is None:
        return [Fault("/type", f"There is no runtime {runtime['type']!r}; {_known()}.")]
    return found.check(runtime)


def run(runtime: dict[str, Any], context: Context) -> Any:
    """Does the task of ``context`` and gives its output; raises TaskFailed with a sentence, and LeaseLost."""
    found = _find(runtime)
    if found is None:
        raise TaskFailed(
            f"This server knows no runtime {runtime.get('type')!r}; {_known()}. Change the agent's runtime."
        )
    return _kept(found.run(runtime, context))


def _kept(output: Any) -> Any:
    """An output that can be kept; raises TaskFailed for one that is too large or no JSON."""
    try:
        size = len(msgspec.json.encode(output))
    except (TypeError, ValueError, RecursionError) as error:
        raise TaskFailed(f"The output cannot be kept as JSON ({error}).") from error
    if size > LARGEST_OUTPUT_BYTES:
        raise TaskFailed(f"The output has {size:,} bytes of JSON; it may have {LARGEST_OUTPUT_BYTES:,}.")
    return output


def _find(runtime: dict[str, Any]) -> Runtime | None:
    kind = runtime.get("type")
    return _RUNTIMES.get(kind) if isinstance(kind, str) else None


def _known() -> str:
    return f"the runtimes are: {', '.join(sorted(_RUNTIMES))}"
