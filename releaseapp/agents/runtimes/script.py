"""The offline runtime: a task's input goes through steps written as sandboxed expressions. No network, no key."""

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from releaseapp import expressions
from releaseapp.agents.memory.models import MemoryType
from releaseapp.agents.runtimes.api import Context, TaskFailed
from releaseapp.errors import Fault, Invalid
from releaseapp.expressions import ExpressionError
from releaseapp.web.bodies import fit

LONGEST_WAIT_SECONDS = 60
MOST_ITERATIONS = 1000
LARGEST_OUTPUT_BYTES = 262_144
_MOST_STEPS = 200

_Text = Annotated[str, Meta(max_length=20_000)]
_Name = Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$")]


class Remember(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keep ``value`` under ``key``."""

    key: _Text
    value: Any
    type: MemoryType = MemoryType.FACT


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One action, done only ``when`` its expression is true."""

    when: _Text | UnsetType = UNSET
    log: _Text | UnsetType = UNSET
    let: dict[_Name, Any] | UnsetType = UNSET
    remember: Remember | UnsetType = UNSET
    forget: _Text | UnsetType = UNSET
    wait: float | _Text | UnsetType = UNSET
    fail: _Text | UnsetType = UNSET
    for_each: "Loop | UnsetType" = UNSET

    def actions(self) -> dict[str, Any]:
        """The actions that are given; a right step has one."""
        values = msgspec.structs.asdict(self)
        return {name: value for name, value in values.items() if name != "when" and value is not UNSET}


class Loop(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"name": "as"}):
    """``steps`` for each of ``items``, which expressions see under the name ``as``."""

    items: Any
    name: _Name
    steps: Annotated[list[Step], Meta(max_length=_MOST_STEPS)]


class Script(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The ``runtime`` of an agent with ``"type": "script"``."""

    type: str
    steps: Annotated[list[Step], Meta(max_length=_MOST_STEPS)] = []
    output: Any = None


def check(runtime: dict[str, Any]) -> list[Fault]:
    """Everything that is wrong with a script, by JSON pointers into it."""
    try:
        script = fit(runtime, Script)
    except Invalid as error:
        return list(error.faults)
    return [*_faults_of_steps(script.steps, "/steps", inside=False), *_faults_of(script.output, "/output")]


def _faults_of_steps(steps: list[Step], pointer: str, *, inside: bool) -> Iterator[Fault]:
    for number, step in enumerate(steps):
        here = f"{pointer}/{number}"
        actions = step.actions()
        if len(actions) != 1:
            names = "log, let, remember, forget, wait, fail or for_each"
            yield Fault(here, f"A step does one thing: {names}; this one names {len(actions)}.")
        if step.when is not UNSET:
            yield from _faults_of(step.when, f"{here}/when")
        for name, value in actions.items():
            if not isinstance(value, Loop):
                plain = msgspec.to_builtins(value)
                yield from _faults_of(plain, f"{here}/{name}")
            elif inside:
                yield Fault(f"{here}/for_each", "A for_each cannot stand inside another.")
            else:
                yield from _faults_of(value.items, f"{here}/for_each/items")
                yield from _faults_of_steps(value.steps, f"{here}/for_each/steps", inside=True)
        if isinstance(step.wait, (int, float)) and not 0 <= step.wait <= LONGEST_WAIT_SECONDS:
            yield Fault(f"{here}/wait", f"wait must be from 0 to {LONGEST_WAIT_SECONDS} seconds.")


def _faults_of(template: Any, pointer: str) -> Iterator[Fault]:
    for fault in expressions.check(template):
        yield Fault(pointer + fault.pointer, fault.detail)


def run(runtime: dict[str, Any], context: Context) -> Any:
    """Does the steps in order; returns the output."""
    script = fit(runtime, Script)
    attempt = _Attempt(context)
    attempt.do(script.steps, "step")
    output = attempt.value(script.output, "the output")
    if len(msgspec.json.encode(output)) > LARGEST_OUTPUT_BYTES:
        raise TaskFailed(f"The output is larger than {LARGEST_OUTPUT_BYTES:,} bytes of JSON.")
    return output


class _Attempt:
    """The variables of one attempt, and what each action does with them."""

    def __init__(self, context: Context) -> None:
        self._context = context
        task, agent = context.task, context.agent
        self._fixed = {
            "input": task.input,
            "task": {"id": task.id, "title": task.title},
            "agent": {"id": agent.id, "name": agent.name, "instructions": agent.instructions},
        }
        self._named: dict[str, Any] = {}
        self._actions: Mapping[str, Callable[[Any, str], None]] = {
            "log": self._log,
            "let": self._let,
            "remember": self._remember,
            "forget": self._forget,
            "wait": self._wait,
            "fail": self._fail,
            "for_each": self._for_each,
        }

    def do(self, steps: list[Step], place: str) -> None:
        """Does steps in order; ``place`` names them in reasons of failure."""
        for number, step in enumerate(steps, start=1):
            self._context.check_alive()
            here = f"{place} {number}"
            if step.when is not UNSET and not self.value(step.when, here):
                continue
            for name, value in step.actions().items():
                self._actions[name](value, here)

    def value(self, template: Any, place: str) -> Any:
        """What a template comes to now; raises TaskFailed naming the place."""
        variables = {"memory": self._context.memory(), **self._named, **self._fixed, "vars": self._named}
        try:
            return expressions.render(template, variables)
        except ExpressionError as error:
            raise TaskFailed(f"In {place}: {error}") from error

    def _log(self, template: Any, place: str) -> None:
        self._context.log(_as_text(self.value(template, place)))

    def _let(self, templates: dict[str, Any], place: str) -> None:
        for name, template in templates.items():
            self._named[name] = self.value(template, place)

    def _remember(self, item: Remember, place: str) -> None:
        key = _as_text(self.value(item.key, place)).strip()
        if not key:
            raise TaskFailed(f"In {place}: the key to remember under is blank.")
        self._context.remember(key, self.value(item.value, place), item.type)

    def _forget(self, template: Any, place: str) -> None:
        self._context.forget(_as_text(self.value(template, place)))

    def _wait(self, template: Any, place: str) -> None:
        seconds = self.value(template, place)
        if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
            raise TaskFailed(f"In {place}: wait must be a number of seconds.")
        if not 0 <= seconds <= LONGEST_WAIT_SECONDS:
            raise TaskFailed(f"In {place}: wait must be from 0 to {LONGEST_WAIT_SECONDS} seconds.")
        self._context.wait(seconds)

    def _fail(self, template: Any, place: str) -> None:
        raise TaskFailed(_as_text(self.value(template, place)) or f"Failed at {place}.")

    def _for_each(self, loop: Loop, place: str) -> None:
        items = self.value(loop.items, place)
        if not isinstance(items, list):
            raise TaskFailed(f"In {place}: for_each needs a list of items.")
        if len(items) > MOST_ITERATIONS:
            raise TaskFailed(f"In {place}: for_each takes at most {MOST_ITERATIONS} items, not {len(items)}.")
        for number, item in enumerate(items, start=1):
            self._named[loop.name] = item
            self.do(loop.steps, f"{place}, item {number}, step")


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
