"""A step gets another id: every expression that reads it follows."""

from collections.abc import Iterator
from typing import Any

from jinja2 import Environment, TemplateSyntaxError

_LEXER = Environment(autoescape=True, keep_trailing_newline=True)
_SPACE = "whitespace"
Token = tuple[int, str, str]


def rename_step(template: Any, before: str, after: str) -> Any:
    """The template with every ``steps.before`` in its expressions as ``steps.after``, all else byte for byte."""
    if isinstance(template, str):
        return _renamed(template, before, after) if "{{" in template and before in template else template
    if isinstance(template, dict):
        return {key: rename_step(value, before, after) for key, value in template.items()}
    if isinstance(template, list):
        return [rename_step(value, before, after) for value in template]
    return template


def _renamed(text: str, before: str, after: str) -> str:
    try:
        tokens = list(_LEXER.lex(text))
    except TemplateSyntaxError:
        return text
    written = [value for _, _, value in tokens]
    for place in _ids(tokens):
        if written[place].strip("'\"") == before:
            written[place] = written[place].replace(before, after)
    # The lexer gives plain newlines for others; a text that it would change is left alone.
    return "".join(written) if "".join(value for _, _, value in tokens) == text else text


def _ids(tokens: list[Token]) -> Iterator[int]:
    """Where the id stands in each ``steps.id`` and ``steps['id']``."""
    code = [place for place, (_, kind, _) in enumerate(tokens) if kind != _SPACE]
    for number, place in enumerate(code[:-2]):
        if tokens[place][1:] != ("name", "steps") or (number and tokens[code[number - 1]][2] in {".", "|"}):
            continue
        operator, (_, kind, _) = tokens[code[number + 1]][2], tokens[code[number + 2]]
        if (operator, kind) in {(".", "name"), ("[", "string")}:
            yield code[number + 2]
