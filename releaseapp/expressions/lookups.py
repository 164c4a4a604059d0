"""Closures that find what is there: a variable, a key of a mapping, a place in a list or text."""

from typing import Any

from releaseapp.expressions import operations
from releaseapp.expressions.budget import ExpressionError
from releaseapp.expressions.scope import Evaluator, Scope


def variable(name: str) -> Evaluator:
    """A variable, or a ``Missing``."""

    def evaluate(scope: Scope) -> Any:
        scope.budget.charge()
        try:
            return scope.variables[name]
        except KeyError:
            return operations.missing_variable(name, scope.variables)

    return evaluate


def attribute(inner: Evaluator, attr: str) -> Evaluator:
    """``inner.attr``, or a ``Missing``."""

    def evaluate(scope: Scope) -> Any:
        scope.budget.charge()
        return operations.item(inner(scope), attr)

    return evaluate


def subscript(inner: Evaluator, key: Evaluator) -> Evaluator:
    """``inner[key]``, or a ``Missing``."""

    def evaluate(scope: Scope) -> Any:
        scope.budget.charge()
        return operations.item(inner(scope), key(scope))

    return evaluate


def slice_of(inner: Evaluator, bounds: list[Evaluator | None]) -> Evaluator:
    """``inner[start:stop:step]``."""

    def evaluate(scope: Scope) -> Any:
        value = inner(scope)
        limits = [None if bound is None else operations.whole(bound(scope)) for bound in bounds]
        if not isinstance(value, (str, list)):
            raise ExpressionError("Only a text or a list can be sliced.")
        part = slice(*limits)
        scope.budget.charge(1 + len(range(*part.indices(len(value)))) // 16)
        return value[part]

    return evaluate


def needed(find: Evaluator) -> Evaluator:
    """What is found; raises ExpressionError when it is not there."""

    def evaluate(scope: Scope) -> Any:
        value = find(scope)
        if isinstance(value, operations.Missing):
            raise ExpressionError(value.sentence)
        return value

    return evaluate
