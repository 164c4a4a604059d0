"""From text to a compiled template."""

from collections.abc import Mapping
from typing import Any

import msgspec
from jinja2 import nodes

from releaseapp.expressions.budget import EFFORT_OF_A_TEXT, Budget, ExpressionError
from releaseapp.expressions.compiler import Compiler
from releaseapp.expressions.operations import concatenate
from releaseapp.expressions.references import paths_of
from releaseapp.expressions.scope import Evaluator, Scope
from releaseapp.expressions.syntax import parse

_SHOWN = 80
_BYTES_OF_ANY = 1_000


class Compiled(msgspec.Struct, frozen=True):
    """A template, ready to be evaluated by any thread; ``single`` when it is one expression and nothing else."""

    source: str
    parts: list[Evaluator]
    single: Evaluator | None
    names: set[tuple[str, ...]]
    effort: int
    bytes: int

    def value(self, variables: Mapping[str, Any], budget: Budget) -> Any:
        """What the template comes to; raises ExpressionError naming it."""
        try:
            budget.charge_reading(self.effort)
            scope = Scope(variables, budget)
            if self.single is not None:
                return self.single(scope)
            return concatenate([part(scope) for part in self.parts], budget)
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
    try:
        tree = parse(source)
    except ExpressionError as error:
        raise ExpressionError(f"{shortened(source)}: {error}") from error
    compiler = Compiler()
    try:
        evaluators = compiler.all_of(tree.parts)
    except RecursionError as error:
        raise ExpressionError(f"{shortened(source)}: It is nested too deep.") from error
    if compiler.faults:
        raise ExpressionError(f"{shortened(source)}: {compiler.faults[0]}")
    effort = EFFORT_OF_A_TEXT + tree.signs
    single = evaluators[0] if len(evaluators) == 1 and not isinstance(tree.parts[0], nodes.TemplateData) else None
    return Compiled(
        source, evaluators, single, paths_of(tree.parts), effort, compiler.bytes + _BYTES_OF_ANY + 8 * len(source)
    )


def shortened(source: str) -> str:
    """A template as a sentence may quote it."""
    return source if len(source) <= _SHOWN else source[: _SHOWN - 1] + "…"
