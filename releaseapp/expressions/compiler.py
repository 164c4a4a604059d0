"""From Jinja's tree to closures: what is not plain data and arithmetic is refused here."""

import inspect
import operator
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from jinja2 import nodes

from releaseapp.expressions import lookups, operations
from releaseapp.expressions.budget import MOST_LEVELS, ExpressionError, number, size, whole_text
from releaseapp.expressions.filters import FILTERS
from releaseapp.expressions.methods import METHODS
from releaseapp.expressions.scope import Evaluator, Scope
from releaseapp.expressions.tests import TESTS

_MOST_BOUNDS = 3
# About what they take in memory, so that what is kept can be weighed.
_BYTES_OF_A_CLOSURE = 350
_BYTES_OF_ARGUMENTS = 900


class Compiler:
    """Turns expressions' nodes into closures, and counts their bytes; what may not be written is told in ``faults``."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self.bytes = 0
        self._level = 0

    def all_of(self, parts: list[nodes.Node]) -> list[Evaluator]:
        """The closures of the parts of a template; none is to be evaluated when there are ``faults``."""
        return [self.of(part) for part in parts]

    def of(self, node: nodes.Node, *, missing_ok: bool = False) -> Evaluator:
        """The closure of a node; with ``missing_ok`` it may give a ``Missing`` instead of raising."""
        self._level += 1
        self.bytes += _BYTES_OF_A_CLOSURE
        try:
            return self._of(node, missing_ok=missing_ok)
        except ExpressionError as error:
            self.faults.append(str(error))
            return _nothing
        finally:
            self._level -= 1

    def _of(self, node: nodes.Node, *, missing_ok: bool) -> Evaluator:
        # The depth that Python allows would differ with how deep the caller stands.
        if self._level > MOST_LEVELS:
            raise ExpressionError(f"It is nested too deep; {MOST_LEVELS} levels are the most.")
        if isinstance(node, (nodes.Name, nodes.Getattr, nodes.Getitem)):
            return self._reference(node, missing_ok=missing_ok)
        make = _MAKERS.get(type(node))
        if make is None:
            raise ExpressionError(f"It uses something that expressions do not have ({type(node).__name__}).")
        evaluate: Evaluator = make(self, node)
        return evaluate

    def _reference(self, node: nodes.Name | nodes.Getattr | nodes.Getitem, *, missing_ok: bool) -> Evaluator:
        find = self._finder(node)
        return find if missing_ok else lookups.needed(find)

    def _finder(self, node: nodes.Name | nodes.Getattr | nodes.Getitem) -> Evaluator:
        if isinstance(node, nodes.Name):
            return lookups.variable(node.name)
        if isinstance(node, nodes.Getattr):
            return lookups.attribute(self.of(node.node, missing_ok=True), node.attr)
        if isinstance(node.arg, nodes.Slice):
            bounds = (node.arg.start, node.arg.stop, node.arg.step)
            return lookups.slice_of(self.of(node.node), [None if one is None else self.of(one) for one in bounds])
        return lookups.subscript(self.of(node.node, missing_ok=True), self.of(node.arg))

    def constant(self, node: nodes.Const) -> Evaluator:
        """A literal."""
        value = whole_text(node.value) if isinstance(node.value, str) else number(node.value)
        return lambda _scope: value

    def text(self, node: nodes.TemplateData) -> Evaluator:
        """What stands around expressions."""
        value = whole_text(node.data)
        return lambda _scope: value

    def list_of(self, node: nodes.List | nodes.Tuple) -> Evaluator:
        """A list; a tuple is one too, since JSON has no other."""
        items = [self.of(item) for item in node.items]

        def evaluate(scope: Scope) -> Any:
            scope.budget.charge(1 + len(items))
            return [item(scope) for item in items]

        return evaluate

    def mapping(self, node: nodes.Dict) -> Evaluator:
        """A mapping from text."""
        pairs = [(self.of(pair.key), self.of(pair.value)) for pair in node.items]

        def evaluate(scope: Scope) -> Any:
            scope.budget.charge(1 + len(pairs))
            return {operations.key(key(scope)): value(scope) for key, value in pairs}

        return evaluate

    def binary(self, node: nodes.BinExpr) -> Evaluator:
        """Arithmetic on two values."""
        operate = operations.BINARY[node.operator]
        left, right = self.of(node.left), self.of(node.right)

        def evaluate(scope: Scope) -> Any:
            scope.budget.charge()
            return operate(left(scope), right(scope), scope.budget)

        return evaluate

    def both(self, node: nodes.And) -> Evaluator:
        """``and``: the right side is asked only when the left is true."""
        left, right = self.of(node.left), self.of(node.right)
        return lambda scope: left(scope) and right(scope)

    def either(self, node: nodes.Or) -> Evaluator:
        """``or``: the right side is asked only when the left is false."""
        left, right = self.of(node.left), self.of(node.right)
        return lambda scope: left(scope) or right(scope)

    def negation(self, node: nodes.Not) -> Evaluator:
        """``not``."""
        inner = self.of(node.node)
        return lambda scope: not inner(scope)

    def sign(self, node: nodes.Neg | nodes.Pos) -> Evaluator:
        """Unary minus and plus, on numbers."""
        operate = operator.neg if isinstance(node, nodes.Neg) else operator.pos
        inner = self.of(node.node)
        return lambda scope: operate(operations.numeric(inner(scope)))

    def concatenation(self, node: nodes.Concat) -> Evaluator:
        """``~``: values as text, one after the other."""
        parts = [self.of(part) for part in node.nodes]
        return lambda scope: operations.concatenate([part(scope) for part in parts], scope.budget)

    def comparison(self, node: nodes.Compare) -> Evaluator:
        """``a < b <= c``."""
        first = self.of(node.expr)
        others = [(operations.COMPARE[operand.op], self.of(operand.expr)) for operand in node.ops]

        def evaluate(scope: Scope) -> Any:
            left = first(scope)
            for compare, other in others:
                right = other(scope)
                if not compare(left, right, scope.budget):
                    return False
                left = right
            return True

        return evaluate

    def condition(self, node: nodes.CondExpr) -> Evaluator:
        """``a if b else c``; without ``else`` it is nothing."""
        test, yes = self.of(node.test), self.of(node.expr1)
        no = self.of(node.expr2) if node.expr2 is not None else lambda _scope: None

        def evaluate(scope: Scope) -> Any:
            scope.budget.charge()
            return yes(scope) if test(scope) else no(scope)

        return evaluate

    def filtered(self, node: nodes.Filter) -> Evaluator:
        """``value | name(arguments)``."""
        function = FILTERS.get(node.name)
        if function is None:
            raise ExpressionError(
                f"There is no filter {operations.shown(node.name)}; docs/expressions.md lists those there are."
            )
        if node.node is None:
            raise ExpressionError("A filter needs a value before it.")
        if function is FILTERS["default"]:
            return self._default(node, self.of(node.node, missing_ok=True))
        return self._apply(function, self.of(node.node), node)

    def _default(self, node: nodes.Filter, inner: Evaluator) -> Evaluator:
        """The other value is made only when it is needed: it may be what cannot be had, or takes long."""
        self._fit(FILTERS["default"], node)
        given = dict(zip(("other", "boolean"), node.args, strict=False)) | {
            pair.key: pair.value for pair in node.kwargs
        }
        other, boolean = (self.of(given.get(name, nodes.Const(""))) for name in ("other", "boolean"))

        def evaluate(scope: Scope) -> Any:
            scope.budget.charge()
            value = inner(scope)
            needed = isinstance(value, operations.Missing) or (not value and boolean(scope))
            return other(scope) if needed else value

        return evaluate

    def tested(self, node: nodes.Test) -> Evaluator:
        """``value is name(arguments)``."""
        function = TESTS.get(node.name)
        if function is None:
            raise ExpressionError(
                f"There is no test {operations.shown(node.name)}; docs/expressions.md lists those there are."
            )
        return self._apply(function, self.of(node.node, missing_ok=node.name in {"defined", "undefined"}), node)

    def called(self, node: nodes.Call) -> Evaluator:
        """``range(…)``, or a method of a text, list or mapping."""
        target = node.node
        if isinstance(target, nodes.Name) and target.name == "range":
            _refuse_unpacking(node)
            if node.kwargs:
                raise ExpressionError("range takes numbers only.")
            bounds = [self.of(argument) for argument in node.args]
            if not 1 <= len(bounds) <= _MOST_BOUNDS:
                raise ExpressionError("range takes one to three numbers.")
            return lambda scope: operations.span([bound(scope) for bound in bounds], scope.budget)
        if not isinstance(target, nodes.Getattr) or target.attr not in METHODS:
            raise ExpressionError(f"Only range and these methods can be called: {', '.join(METHODS)}.")
        return self._apply(METHODS[target.attr], self.of(target.node), node)

    def _apply(self, function: Callable[..., Any], inner: Evaluator, node: Any) -> Evaluator:
        self._fit(function, node)
        self.bytes += _BYTES_OF_ARGUMENTS
        arguments = self._arguments(node)

        def evaluate(scope: Scope) -> Any:
            value = inner(scope)
            positional, named = arguments(scope)
            scope.budget.charge(size(value))
            return function(scope.budget, value, *positional, **named)

        return evaluate

    def _fit(self, function: Callable[..., Any], node: Any) -> None:
        if not _fits(function, len(node.args), tuple([pair.key for pair in node.kwargs])):
            name = node.name if isinstance(node, (nodes.Filter, nodes.Test)) else node.node.attr
            raise ExpressionError(f"{name} does not take these arguments.")
        _refuse_unpacking(node)

    def _arguments(self, node: Any) -> Callable[["Scope"], tuple[list[Any], dict[str, Any]]]:
        positional = [self.of(argument) for argument in node.args]
        named = [(pair.key, self.of(pair.value)) for pair in node.kwargs]

        def evaluate(scope: Scope) -> tuple[list[Any], dict[str, Any]]:
            return [one(scope) for one in positional], {key: one(scope) for key, one in named}

        return evaluate


def _refuse_unpacking(node: Any) -> None:
    if node.dyn_args is not None or node.dyn_kwargs is not None:
        raise ExpressionError("Arguments cannot be unpacked with * or **.")


@lru_cache(maxsize=256)
def _fits(function: Callable[..., Any], positional: int, named: tuple[str, ...]) -> bool:
    # Before these stand the budget and the value.
    try:
        inspect.signature(function).bind(None, None, *[None] * positional, **dict.fromkeys(named))
    except TypeError:
        return False
    return True


def _nothing(_scope: Scope) -> None:
    return None


_MAKERS: Mapping[type[nodes.Node], Callable[[Compiler, Any], Evaluator]] = {
    nodes.Const: Compiler.constant,
    nodes.TemplateData: Compiler.text,
    nodes.List: Compiler.list_of,
    nodes.Tuple: Compiler.list_of,
    nodes.Dict: Compiler.mapping,
    nodes.Add: Compiler.binary,
    nodes.Sub: Compiler.binary,
    nodes.Mul: Compiler.binary,
    nodes.Div: Compiler.binary,
    nodes.FloorDiv: Compiler.binary,
    nodes.Mod: Compiler.binary,
    nodes.Pow: Compiler.binary,
    nodes.And: Compiler.both,
    nodes.Or: Compiler.either,
    nodes.Not: Compiler.negation,
    nodes.Neg: Compiler.sign,
    nodes.Pos: Compiler.sign,
    nodes.Concat: Compiler.concatenation,
    nodes.Compare: Compiler.comparison,
    nodes.CondExpr: Compiler.condition,
    nodes.Filter: Compiler.filtered,
    nodes.Test: Compiler.tested,
    nodes.Call: Compiler.called,
}
