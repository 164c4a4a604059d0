"""How templates are read: by Jinja, within limits; and where in the text each part stands."""

import re
from collections.abc import Iterator
from functools import cached_property, lru_cache
from itertools import islice

import msgspec
from jinja2 import Environment, TemplateSyntaxError, nodes
from jinja2.lexer import Lexer, Token, TokenStream
from jinja2.parser import Parser

from releaseapp.expressions.budget import LONGEST_TEMPLATE, MOST_TOKENS, ExpressionError

_MOST_PIECES = 200
_LINE_END = re.compile(r"\r\n|\r")


class Tree(msgspec.Struct, frozen=True):
    """What a template writes, part by part, and how many words and signs were read for it."""

    parts: list[nodes.Node]
    signs: int


def parse(source: str) -> Tree:
    """The tree of a template; raises ExpressionError for what cannot be read."""
    return _parsed(_environment(), source)


def parse_placed(source: str) -> Tree:
    """Like ``parse``; the ``lineno`` of each node is the place of its sign in ``with_short_lines(source)``."""
    return _parsed(_placing_environment(), source)


def with_short_lines(source: str) -> str:
    r"""A text with ``\n`` at the end of each line, which is how it is read."""
    return _LINE_END.sub("\n", source) if "\r" in source else source


def _parsed(environment: Environment, source: str) -> Tree:
    if len(source) > LONGEST_TEMPLATE:
        raise ExpressionError(f"A template may be {LONGEST_TEMPLATE:,} characters long, not {len(source):,}.")
    try:
        parser = Parser(environment, source)
        statements = parser.subparse()
    except TemplateSyntaxError as error:
        raise ExpressionError(f"{error.message}.") from error
    except (RecursionError, ValueError, OverflowError, SyntaxError, MemoryError) as error:
        raise ExpressionError("It is nested too deep, or has a number that is too large.") from error
    if not all(isinstance(statement, nodes.Output) for statement in statements):
        raise ExpressionError("Only {{ … }} may be used; statements ({% … %}) may not.")
    parts = [part for statement in statements for part in statement.iter_child_nodes()]
    return Tree(parts, parser.stream.signs if isinstance(parser.stream, _Tokens) else MOST_TOKENS)


def pieces(source: str) -> Iterator[tuple[int, str]]:
    """Each ``{{ … }}`` of a template with its place, also of one that cannot be read as a whole; not too many."""
    return islice(_pieces(source), _MOST_PIECES) if len(source) <= LONGEST_TEMPLATE else iter(())


def _pieces(source: str) -> Iterator[tuple[int, str]]:
    start, left = 0, 2 * MOST_TOKENS
    for _ in range(_MOST_PIECES):
        begin = None
        try:
            for place, kind, text in _placed(_environment().lex(source[start:]), source, start):
                left -= 1
                if left < 0:
                    return
                if kind == "variable_begin":
                    begin = place
                elif kind == "variable_end" and begin is not None:
                    yield begin, source[begin : place + len(text)]
                    begin = None
        except TemplateSyntaxError:
            pass
        # What cannot be read ends at the next sign of an end, and behind it the reading begins anew.
        end = -1 if begin is None else source.find("}}", begin)
        if begin is None or end < 0:
            return
        start = end + 2
        yield begin, source[begin:start]


def _placed(tokens: Iterator[tuple[int, str, str]], source: str, start: int = 0) -> Iterator[tuple[int, str, str]]:
    """Tokens with their places for their lines. White space that a ``-`` took away is not among them."""
    place = start
    for _, kind, text in tokens:
        place = source.index(text, place)
        yield place, kind, text
        place += len(text)


class _Tokens(TokenStream):
    def __init__(self, tokens: list[Token], name: str | None, filename: str | None) -> None:
        self.signs = len(tokens)
        super().__init__(tokens, name, filename)


class _Lexer(Lexer):
    """Ends the reading of a template that says too much, before the parser sees it."""

    def tokenize(
        self, source: str, name: str | None = None, filename: str | None = None, state: str | None = None
    ) -> TokenStream:
        tokens = list(islice(self.wrap(self.tokeniter(source, name, filename, state)), MOST_TOKENS + 1))
        if len(tokens) > MOST_TOKENS:
            raise ExpressionError(f"Its expressions are too long; {MOST_TOKENS:,} words and signs are the most.")
        return _Tokens(tokens, name, filename)


class _PlacingLexer(_Lexer):
    def tokeniter(
        self, source: str, name: str | None, filename: str | None = None, state: str | None = None
    ) -> Iterator[tuple[int, str, str]]:
        return _placed(super().tokeniter(source, name, filename, state), with_short_lines(source))


class _Environment(Environment):
    # Made once, where Jinja asks each time.
    lexer = cached_property(_Lexer)


class _PlacingEnvironment(Environment):
    lexer = cached_property(_PlacingLexer)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return _Environment(keep_trailing_newline=True, autoescape=False)


@lru_cache(maxsize=1)
def _placing_environment() -> Environment:
    return _PlacingEnvironment(keep_trailing_newline=True, autoescape=False)
