"""Expressions: ``{{ … }}`` in Jinja's syntax over plain JSON data, sandboxed.

They are parsed by Jinja and evaluated here, node by node, over data alone: no
Python attribute can be reached, every allocation is measured before it is made,
and a budget of operations and a deadline end what would not end. ``docs/expressions.md``
says what may be written.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from releaseapp.errors import Fault
from releaseapp.expressions.budget import Budget, ExpressionError, measure
from releaseapp.expressions.references import paths_that_can_be_had, with_step_renamed
from releaseapp.expressions.templates import compile_template, shortened
from releaseapp.expressions.text import as_text

__all__ = ["ExpressionError", "check", "names", "references", "rename_step", "render"]

_DEEPEST = 60


def render(template: object, variables: Mapping[str, Any]) -> Any:
    """What a template comes to.

    A text that is one single expression keeps the value's type; any other text
    has the values written into it; lists and mappings are rendered part by
    part, keys as they are. Raises ExpressionError.
    """
    result = _render(template, variables, Budget(), _DEEPEST)
    try:
        measure(result)
    except ExpressionError as error:
        place = shortened(template) if isinstance(template, str) else "The template"
        raise ExpressionError(f"{place}: {error}") from error
    return result


def check(template: object) -> list[Fault]:
    """Everything that is wrong with a template as it is written, by JSON pointers into it; evaluates nothing."""
    return list(_check(template, "", _DEEPEST))


def names(template: object) -> set[tuple[str, ...]]:
    """The variables that a template refers to, as far as they are written out: ``("steps", "a", "output")``.

    Raises ExpressionError for what ``check`` finds fault with.
    """
    found: set[tuple[str, ...]] = set()
    for text in _texts(template, _DEEPEST):
        found.update(compile_template(text).names)
    return found


def references(template: object) -> set[tuple[str, ...]]:
    """Like ``names``, of all that can be read; an expression that cannot has none, and nothing is raised."""
    found: set[tuple[str, ...]] = set()
    for text in _texts(template, _DEEPEST):
        try:
            found.update(compile_template(text).names)
        except ExpressionError:
            found.update(paths_that_can_be_had(text))
    return found


def rename_step(template: Any, before: str, after: str) -> Any:
    """The same template, reading ``steps.after`` wherever an expression read ``steps.before``; all else as it was.

    Expressions that cannot be read stay as they are; nothing is raised.
    """
    return _step_renamed(template, before, after, _DEEPEST)


def _step_renamed(template: Any, before: str, after: str, depth: int) -> Any:
    if isinstance(template, str):
        return with_step_renamed(template, before, after) if "{{" in template else template
    if depth and isinstance(template, Mapping):
        return {key: _step_renamed(value, before, after, depth - 1) for key, value in template.items()}
    if depth and isinstance(template, list):
        return [_step_renamed(value, before, after, depth - 1) for value in template]
    return template


def _render(template: object, variables: Mapping[str, Any], budget: Budget, depth: int) -> Any:
    if isinstance(template, str):
        if "{" not in template:
            return template
        compiled = compile_template(template)
        if compiled.single is not None:
            return compiled.evaluate(compiled.single, variables, budget)
        return "".join(as_text(compiled.evaluate(part, variables, budget), budget) for part in compiled.parts)
    if not depth:
        raise ExpressionError("The template is nested too deep.")
    if isinstance(template, Mapping):
        return {key: _render(value, variables, budget, depth - 1) for key, value in template.items()}
    if isinstance(template, list):
        return [_render(value, variables, budget, depth - 1) for value in template]
    return template


def _check(template: object, pointer: str, depth: int) -> Iterator[Fault]:
    if not depth:
        yield Fault(pointer, "The template is nested too deep.")
    elif isinstance(template, str):
        try:
            _ = compile_template(template) if "{" in template else None
        except ExpressionError as error:
            yield Fault(pointer, str(error))
    elif isinstance(template, Mapping):
        for key, value in template.items():
            yield from _check(value, f"{pointer}/{str(key).replace('~', '~0').replace('/', '~1')}", depth - 1)
    elif isinstance(template, list):
        for index, value in enumerate(template):
            yield from _check(value, f"{pointer}/{index}", depth - 1)


def _texts(template: object, depth: int) -> Iterator[str]:
    if isinstance(template, str):
        if "{" in template:
            yield template
    elif depth and isinstance(template, Mapping):
        for value in template.values():
            yield from _texts(value, depth - 1)
    elif depth and isinstance(template, list):
        for value in template:
            yield from _texts(value, depth - 1)
