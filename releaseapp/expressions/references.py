"""Which paths expressions read, and how a step gets another name in them."""

import re
from collections.abc import Iterable, Iterator

from jinja2 import nodes
from jinja2.lexer import string_re

from releaseapp.expressions.budget import ExpressionError
from releaseapp.expressions.syntax import parse_placed, pieces, with_short_lines

Path = tuple[str, ...]
Edit = tuple[int, int, str]
_ATTRIBUTE = re.compile(r"\.\s*(\w+)")
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_STRINGS = re.compile(rf"{string_re.pattern}(?:\s*{string_re.pattern})*", re.DOTALL)
STEPS = "steps"
# A text may be written by escapes, or in parts that follow one another.
_WRITTEN_OTHERWISE = re.compile(r"""\\|['"]\s*['"]""")


def paths_of(parts: Iterable[nodes.Node]) -> set[Path]:
    """The paths that expressions read, each as far as it is written out."""
    return {path for node in _references(parts) if (path := _path_of(node))}


def may_read_step(source: str, step: str) -> bool:
    """Whether a text may read a step; quick, and true now and then for one that does not."""
    return STEPS in source and (step in source or _WRITTEN_OTHERWISE.search(source) is not None)


def with_step_renamed(source: str, before: str, after: str) -> str:
    """A text whose expressions read ``steps.after`` where they read ``steps.before``; all else as it was."""
    short = with_short_lines(source)
    edits = sorted(
        (place + start, place + end, new)
        for place, parts in _readable(short)
        for start, end, new in _edits(short[place:], parts, before, after)
    )
    if not edits:
        return source
    # Places are those of the text with short line ends; the text itself keeps the ends it has.
    places = [place for place, sign in enumerate(source) if sign != "\n" or source[place - 1 : place] != "\r"]
    written: list[str] = []
    done = 0
    for start, end, new in edits:
        written.extend((source[done : places[start]], new))
        done = places[end]
    return "".join((*written, source[done:]))


def _readable(source: str) -> Iterator[tuple[int, list[nodes.Node]]]:
    try:
        yield 0, parse_placed(source).parts
    except ExpressionError:
        for place, piece in pieces(source):
            try:
                yield place, parse_placed(piece).parts
            except ExpressionError:
                continue


def _references(parts: Iterable[nodes.Node]) -> Iterator[nodes.Node]:
    """Each variable or longest path from one. Expressions bind no names, so that every name is one of the scope."""
    waiting = list(parts)
    while waiting:
        node = waiting.pop()
        if isinstance(node, (nodes.Name, nodes.Getattr, nodes.Getitem)):
            yield node
            while isinstance(node, (nodes.Getattr, nodes.Getitem)):
                if isinstance(node, nodes.Getitem):
                    waiting.append(node.arg)
                node = node.node
            if not isinstance(node, nodes.Name):
                waiting.append(node)
        elif isinstance(node, nodes.Call):
            # What is called is a method, or range; neither is of the scope.
            waiting.extend(node.iter_child_nodes(exclude=["node"]))
            if isinstance(node.node, nodes.Getattr):
                waiting.append(node.node.node)
        elif not isinstance(node, (nodes.Const, nodes.TemplateData)):
            waiting.extend(node.iter_child_nodes())


def _path_of(node: nodes.Node) -> Path:
    path: list[str] = []
    while isinstance(node, (nodes.Getattr, nodes.Getitem)):
        key = _key_of(node)
        if key is None:
            path.clear()
        else:
            path.append(key)
        node = node.node
    return (node.name, *reversed(path)) if isinstance(node, nodes.Name) else ()


def _key_of(node: nodes.Getattr | nodes.Getitem) -> str | None:
    if isinstance(node, nodes.Getattr):
        return node.attr
    return node.arg.value if isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str) else None


def _edits(source: str, parts: Iterable[nodes.Node], before: str, after: str) -> Iterator[Edit]:
    for node in _references(parts):
        inner: nodes.Node = node
        while isinstance(inner, (nodes.Getattr, nodes.Getitem)) and not isinstance(inner.node, nodes.Name):
            inner = inner.node
        if not isinstance(inner, (nodes.Getattr, nodes.Getitem)) or _path_of(inner) != (STEPS, before):
            continue
        if isinstance(inner, nodes.Getitem):
            yield _edit_of_text(source, inner.arg.lineno, after)
        else:
            yield _edit_of_attribute(source, inner.lineno, after)


def _edit_of_attribute(source: str, dot: int, after: str) -> Edit:
    found = _ATTRIBUTE.match(source, dot)
    if found is None:
        raise ValueError(source[dot:])
    if _NAME.fullmatch(after):
        return (*found.span(1), after)
    return (*found.span(), "[" + _quoted(after, "'") + "]")


def _edit_of_text(source: str, place: int, after: str) -> Edit:
    found = _STRINGS.match(source, place)
    if found is None:
        raise ValueError(source[place:])
    return (*found.span(), _quoted(after, source[place]))


def _quoted(text: str, quote: str) -> str:
    return quote + text.replace("\\", "\\\\").replace(quote, f"\\{quote}") + quote
