"""Expressions: ``{{ … }}`` in Jinja's syntax over plain JSON data, sandboxed.

They are parsed by Jinja and evaluated here, node by node, over data alone: no
Python attribute can be reached, every allocation is measured before it is made,
and a budget of operations and a deadline end what would not end. ``docs/expressions.md``
says what may be written.
"""

import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from releaseapp.errors import Fault
from releaseapp.expressions.budget import Budget, ExpressionError, measure
from releaseapp.expressions.cache import compiled, kept
from releaseapp.expressions.parts import DEEPEST, TOO_DEEP, is_written, texts_of, with_texts
from releaseapp.expressions.reading import Reading
from releaseapp.expressions.references import STEPS, may_read_step, with_step_renamed
from releaseapp.expressions.templates import shortened

__all__ = ["ExpressionError", "Reading", "check", "names", "references", "rename_step", "render"]


def render(template: object, variables: Mapping[str, Any]) -> Any:
    """What a template comes to.

    A text that is one single expression keeps the value's type; any other text
    has the values written into it; lists and mappings are rendered part by
    part, keys as they are. Raises ExpressionError.
    """
    result = _render(template, variables, Budget(), DEEPEST)
    try:
        measure(result)
    except ExpressionError as error:
        place = shortened(template) if isinstance(template, str) else "The template"
        raise ExpressionError(f"{place}: {error}") from error
    return result


def check(template: object, reading: Reading | None = None) -> list[Fault]:
    """Everything that is wrong with a template as it is written, by JSON pointers into it; evaluates nothing.

    The templates of one document share a ``reading``, which bounds them as a whole.
    """
    reading = reading or Reading()
    reading.begin_template()
    faults: list[Fault] = []
    try:
        for pointer, text in texts_of(template):
            sentences = [TOO_DEEP] if text is None else reading.facts_of(text).faults
            faults.extend(Fault(pointer, sentence) for sentence in sentences)
    except ExpressionError as error:
        if reading.tell():
            faults.append(Fault("", str(error)))
    return faults


def names(template: object) -> set[tuple[str, ...]]:
    """The variables that a template refers to, as far as they are written out: ``("steps", "a", "output")``.

    Raises ExpressionError for what ``check`` finds fault with.
    """
    reading = Reading()
    found: set[tuple[str, ...]] = set()
    for _, text in texts_of(template):
        if text is None:
            raise ExpressionError(TOO_DEEP)
        facts = reading.facts_of(text)
        if facts.faults:
            raise ExpressionError(facts.faults[0])
        found |= facts.paths
    return found


def references(template: object, reading: Reading | None = None) -> set[tuple[str, ...]]:
    """Like ``names``, of all that can be read; an expression that cannot has none, and nothing is raised."""
    reading = reading or Reading()
    reading.begin_template()
    found: set[tuple[str, ...]] = set()
    # Behind the limits nothing is read; ``check`` tells of them.
    with suppress(ExpressionError):
        for _, text in texts_of(template):
            if text is not None:
                found |= reading.facts_of(text).paths
    return found


def rename_step(template: Any, before: str, after: str, reading: Reading | None = None) -> Any:
    """The same template, reading ``steps.after`` wherever an expression read ``steps.before``; all else as it was.

    Expressions that cannot be read, or are behind the limits, stay as they are; nothing is raised.
    """
    reading = reading or Reading()
    reading.begin_template()

    def renamed(text: str) -> str:
        with suppress(ExpressionError):
            if may_read_step(text, before) and any(
                path[:2] == (STEPS, before) for path in reading.facts_of(text).paths
            ):
                return with_step_renamed(text, before, after)
        return text

    return with_texts(template, renamed)


def _render(template: object, variables: Mapping[str, Any], budget: Budget, depth: int) -> Any:
    if isinstance(template, str):
        if "{" not in template:
            return template
        found = kept().find(template)
        return _render_text(template, variables, budget) if found is None else found.value(variables, budget)
    if not isinstance(template, (dict, list)):
        return template
    if not depth:
        raise ExpressionError(TOO_DEEP)
    if isinstance(template, list):
        return [_render(value, variables, budget, depth - 1) for value in template]
    return {key: _render(value, variables, budget, depth - 1) for key, value in template.items()}


def _render_text(text: str, variables: Mapping[str, Any], budget: Budget) -> Any:
    if not is_written(text):
        return text
    begin = time.thread_time()
    found = compiled(text)
    # Reading has a bound of its own.
    budget.allow(time.thread_time() - begin)
    return found.value(variables, budget)
