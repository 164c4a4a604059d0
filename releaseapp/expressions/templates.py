"""From text to a compiled template: Jinja reads it, within limits, and a part of what was read is kept."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec
from jinja2 import nodes

from releaseapp.expressions.budget import Budget, ExpressionError
from releaseapp.expressions.compiler import Compiler
from releaseapp.expressions.references import paths_of
from releaseapp.expressions.scope import Evaluator, Scope
from releaseapp.expressions.syntax import outputs, parse

_SHOWN = 80
_LONGEST_KEPT = 1_000
_MOST_KEPT = 512


class Compiled(msgspec.Struct, frozen=True):
    """A template, ready to be evaluated by any thread; ``single`` when it is one expression and nothing else."""

    source: str
    parts: list[Evaluator]
    single: Evaluator | None
    names: set[tuple[str, ...]]

    def evaluate(self, part: Evaluator, variables: Mapping[str, Any], budget: Budget) -> Any:
        """The value of a part; raises ExpressionError naming the template."""
        try:
            return part(Scope(variables, budget))
        except ExpressionError as error:
            raise ExpressionError(f"{shortened(self.source)}: {error}") from error
        except RecursionError as error:
            raise ExpressionError(f"{shortened(self.source)}: It is nested too deep.") from error
        except (ValueError, ArithmeticError) as error:
            raise ExpressionError(
                f"{shortened(self.source)}: It cannot be evaluated with this data ({error})."
            ) from error
        except (TypeError, LookupError, AttributeError) as error:
            # Their text speaks of Python; what is left to them is data of a kind that an operation does not take.
            raise ExpressionError(
                f"{shortened(self.source)}: It cannot be evaluated with this data; a value is of the wrong kind."
            ) from error


def compile_template(source: str) -> Compiled:
    """The closures of a template; raises ExpressionError for what may not be written."""
    # Closures are many times larger than their text: only short ones are kept, so that all together stay small.
    return kept(source) if len(source) <= _LONGEST_KEPT else _compile(source)


@lru_cache(maxsize=_MOST_KEPT)
def kept(source: str) -> Compiled:
    """Like ``compile_template``, and remembers."""
    return _compile(source)


def _compile(source: str) -> Compiled:
    try:
        parts = list(outputs(parse(source)))
        compiler = Compiler()
        evaluators = [compiler.of(part) for part in parts]
    except ExpressionError as error:
        raise ExpressionError(f"{shortened(source)}: {error}") from error
    except RecursionError as error:
        raise ExpressionError(f"{shortened(source)}: It is nested too deep.") from error
    single = evaluators[0] if len(parts) == 1 and not isinstance(parts[0], nodes.TemplateData) else None
    return Compiled(source, evaluators, single, paths_of(parts))


def shortened(source: str) -> str:
    """A template as a sentence may quote it."""
    return source if len(source) <= _SHOWN else source[: _SHOWN - 1] + "…"
