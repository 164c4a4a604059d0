"""The offline runtime: a task's input goes through steps written as sandboxed expressions. No network, no key."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from releaseapp import expressions
from releaseapp.agents.memory.models import MemoryType
from releaseapp.agents.runtimes.api import Context, TaskFailed
from releaseapp.errors import Fault, Invalid, pointer_part
from releaseapp.expressions import ExpressionError
from releaseapp.web.bodies import fit

LONGEST_WAIT_SECONDS = 60
MOST_ITERATIONS = 1000
LARGEST_VARIABLES_BYTES = 8_388_608
"""Of all variables of a task together. Each value has its own limit, but names are cheap to make."""
_MOST_STEPS = 200
_MOST_NAMES = 100
_ACTIONS = ("log", "let", "remember", "forget", "wait", "fail", "for_each")

_Text = Annotated[str, Meta(max_length=20_000)]
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")


class Remember(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keep ``value`` under ``key``."""

    key: _Text
    value: Any
    type: MemoryType = MemoryType.FACT


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One action, done only ``when`` its expression is true."""

    when: _Text | UnsetType = UNSET
    log: _Text | UnsetType = UNSET
    let: Annotated[dict[str, Any], Meta(max_length=_MOST_NAMES)] | UnsetType = UNSET
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
    name: str
    steps: Annotated[list[Step], Meta(max_length=_MOST_STEPS)]


class Script(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The ``runtime`` of an agent with ``"type": "script"``."""

    type: str
    steps: Annotated[list[Step], Meta(max_length=_MOST_STEPS)] = []
    output: Any = None


def check(runtime: dict[str, Any]) -> list[Fault]:
    """Everything that is wrong with a script, by JSON pointers into it."""
    steps = runtime.get("steps", [])
    whole = {**runtime, "steps": []} if isinstance(steps, list) else runtime
    faults = [*_misfits(whole, Script, ""), *_faults_of(runtime.get("output"), "/output")]
    return [*faults, *_faults_of_steps(steps, "/steps", inside=False)]


def _misfits(value: object, schema: type[msgspec.Struct], pointer: str) -> Iterator[Fault]:
    try:
        fit(value, schema)
    except Invalid as error:
        for fault in error.faults:
            yield Fault(pointer + fault.pointer, fault.detail)


def _faults_of_steps(steps: object, pointer: str, *, inside: bool) -> Iterator[Fault]:
    if not isinstance(steps, list):
        return
    if len(steps) > _MOST_STEPS:
        yield Fault(pointer, f"steps must have at most {_MOST_STEPS} entries.")
    for number, step in enumerate(steps[:_MOST_STEPS]):
        here = f"{pointer}/{number}"
        if not isinstance(step, dict):
            yield Fault(here, 'A step is an object, such as {"log": "Hello"}.')
            continue
        yield from _faults_of_step(step, here, inside=inside)


def _faults_of_step(step: dict[str, Any], here: str, *, inside: bool) -> Iterator[Fault]:
    actions = [name for name in step if name in _ACTIONS]
    if len(actions) != 1:
        yield Fault(here, f"A step does one thing, {', '.join(_ACTIONS)}; this one names {len(actions)}.")
    apart = {"for_each", "remember"}
    yield from _misfits({name: value for name, value in step.items() if name not in apart}, Step, here)
    for name in ("when", *actions):
        if name != "for_each":
            yield from _faults_of(step.get(name), f"{here}/{name}")
    wait = step.get("wait")
    if isinstance(wait, (int, float)) and not 0 <= wait <= LONGEST_WAIT_SECONDS:
        yield Fault(f"{here}/wait", f"wait must be from 0 to {LONGEST_WAIT_SECONDS} seconds.")
    if "remember" in actions:
        yield from _misfits(step["remember"], Remember, f"{here}/remember")
    if isinstance(step.get("let"), dict):
        yield from _faults_of_names(step["let"], f"{here}/let")
    if "for_each" in actions:
        yield from _faults_of_loop(step["for_each"], f"{here}/for_each", inside=inside)


def _faults_of_loop(loop: object, here: str, *, inside: bool) -> Iterator[Fault]:
    if inside:
        yield Fault(here, "A for_each cannot stand inside another.")
    elif isinstance(loop, dict):
        steps = loop.get("steps")
        yield from _misfits({**loop, "steps": []} if isinstance(steps, list) else loop, Loop, here)
        if isinstance(loop.get("as"), str):
            yield from _faults_of_names([loop["as"]], f"{here}/as", one=True)
        yield from _faults_of(loop.get("items"), f"{here}/items")
        yield from _faults_of_steps(steps, f"{here}/steps", inside=True)
    else:
        yield Fault(here, "for_each must be an object with items, as and steps.")


def _faults_of_names(names: Iterable[str], here: str, *, one: bool = False) -> Iterator[Fault]:
    for name in names:
        if not _NAME.fullmatch(name):
            detail = f"{name!r} cannot be a name; a letter, then letters, digits and _, at most 64, can."
            yield Fault(here if one else f"{here}/{pointer_part(name)}", detail)


def _faults_of(template: Any, pointer: str) -> Iterator[Fault]:
    for fault in expressions.check(template):
        yield Fault(pointer + fault.pointer, fault.detail)


def run(runtime: dict[str, Any], context: Context) -> Any:
    """Does the steps in order; returns the output."""
    script = fit(runtime, Script)
    attempt = _Attempt(context)
    attempt.do(script.steps, "step")
    return attempt.value(script.output, "the output")


class _Variables(Mapping[str, Any]):
    """What expressions see. Memory is read only when one asks for it; what a script names cannot hide the rest."""

    def __init__(self, context: Context, named: dict[str, Any]) -> None:
        task, agent = context.task, context.agent
        self._context = context
        self._named = named
        self._fixed = {
            "input": task.input,
            "task": {"id": task.id, "title": task.title},
            "agent": {"id": agent.id, "name": agent.name, "instructions": agent.instructions},
            "memory": None,
            "vars": named,
        }

    def __getitem__(self, name: str) -> Any:
        if name == "memory":
            return dict(self._context.memory())
        return self._fixed[name] if name in self._fixed else self._named[name]

    def __iter__(self) -> Iterator[str]:
        return iter({**self._fixed, **self._named})

    def __len__(self) -> int:
        return len({**self._fixed, **self._named})


class _Attempt:
    """The variables of one attempt, and what each action does with them."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._named: dict[str, Any] = {}
        self._sizes: dict[str, int] = {}
        self._size = 0
        self._variables = _Variables(context, self._named)
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
        try:
            return expressions.render(template, self._variables)
        except ExpressionError as error:
            raise TaskFailed(f"In {place}: {error}") from error

    def _log(self, template: Any, place: str) -> None:
        self._context.log(_as_text(self.value(template, place)))

    def _let(self, templates: dict[str, Any], place: str) -> None:
        for name, template in templates.items():
            value = self.value(template, place)
            self._make_room(name, value, place)
            self._named[name] = value

    def _make_room(self, name: str, value: Any, place: str) -> None:
        size = len(msgspec.json.encode(value))
        self._size += size - self._sizes.get(name, 0)
        self._sizes[name] = size
        if self._size > LARGEST_VARIABLES_BYTES:
            raise TaskFailed(f"In {place}: the variables are over {LARGEST_VARIABLES_BYTES:,} bytes of JSON together.")

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
        before = {name: value for name, value in self._named.items() if name == loop.name}
        for number, item in enumerate(items, start=1):
            self._named[loop.name] = item
            self.do(loop.steps, f"{place}, item {number}, step")
        self._named.pop(loop.name, None)
        self._named.update(before)


def _as_text(value: Any) -> str:
    # PostgreSQL keeps no NUL in text; an expression can still make one.
    return value.replace("\x00", "\ufffd") if isinstance(value, str) else msgspec.json.encode(value).decode()
