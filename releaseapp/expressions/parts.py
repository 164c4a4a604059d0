"""The texts in a template of lists and mappings."""

from collections.abc import Callable, Iterator
from typing import Any

from releaseapp.errors import pointer_part

DEEPEST = 60
TOO_DEEP = f"The template is nested too deep; {DEEPEST} levels are the most."


def is_written(text: str) -> bool:
    """Whether a text has anything that is more than text."""
    return "{{" in text or "{%" in text or "{#" in text


def texts_of(template: object, pointer: str = "", depth: int = DEEPEST) -> Iterator[tuple[str, str | None]]:
    """Each text with expressions, by its JSON pointer; None stands for what is nested too deep."""
    if isinstance(template, str):
        if is_written(template):
            yield pointer, template
    elif not isinstance(template, (dict, list)):
        return
    elif not depth:
        yield pointer, None
    elif isinstance(template, dict):
        for key, value in template.items():
            if isinstance(value, (str, dict, list)):
                yield from texts_of(value, f"{pointer}/{pointer_part(str(key))}", depth - 1)
    else:
        for index, value in enumerate(template):
            if isinstance(value, (str, dict, list)):
                yield from texts_of(value, f"{pointer}/{index}", depth - 1)


def with_texts(template: Any, change: Callable[[str], str], depth: int = DEEPEST) -> Any:
    """The template with other texts, where they have expressions; what is nested too deep stays."""
    if isinstance(template, str):
        return change(template) if is_written(template) else template
    if depth and isinstance(template, dict):
        return {key: with_texts(value, change, depth - 1) for key, value in template.items()}
    if depth and isinstance(template, list):
        return [with_texts(value, change, depth - 1) for value in template]
    return template
