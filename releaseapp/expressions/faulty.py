"""What can be said of a template that cannot be compiled: all that is wrong with it, and what its sound parts read."""

from collections.abc import Iterator

from jinja2 import nodes

from releaseapp.expressions.budget import ExpressionError
from releaseapp.expressions.compiler import Compiler
from releaseapp.expressions.references import Path, paths_of
from releaseapp.expressions.syntax import parse, pieces, with_short_lines
from releaseapp.expressions.templates import shortened


def faults_and_paths(source: str) -> tuple[list[str], set[Path]]:
    """The faults as sentences that name the expression, and the paths that sound expressions read."""
    told: dict[str, str] = {}
    paths: set[Path] = set()
    for piece, parts, unreadable in _parts(source):
        for sentence in [unreadable] if unreadable else _faults_of(parts):
            told.setdefault(sentence, piece)
        paths |= paths_of(parts)
    # An error makes its sentence fit to be stored and sent, whatever it quotes.
    return [str(ExpressionError(f"{shortened(piece)}: {sentence}")) for sentence, piece in told.items()], paths


def _parts(source: str) -> Iterator[tuple[str, list[nodes.Node], str]]:
    """Each part by its own text, with its nodes or why there are none."""
    try:
        parts = parse(source).parts
    except ExpressionError as error:
        for _, piece in pieces(with_short_lines(source)):
            try:
                yield piece.strip(), parse(piece).parts, ""
            except ExpressionError as inner:
                yield piece.strip(), [], str(inner)
        yield source, [], str(error)
        return
    written = [piece.strip() for _, piece in pieces(with_short_lines(source))]
    expressions = [part for part in parts if not isinstance(part, nodes.TemplateData)]
    yield source, [part for part in parts if isinstance(part, nodes.TemplateData)], ""
    for place, part in enumerate(expressions):
        yield written[place] if len(written) == len(expressions) else source, [part], ""


def _faults_of(parts: list[nodes.Node]) -> list[str]:
    compiler = Compiler()
    try:
        compiler.all_of(parts)
    except RecursionError:
        return ["It is nested too deep."]
    return compiler.faults
