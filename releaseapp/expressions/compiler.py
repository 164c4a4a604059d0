"""From Jinja's tree to closures: what is not plain data and arithmetic is refused here."""

import inspect
import operator
from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import nodes

from releaseapp.expressions import operations
from releaseapp.expressions.budget import ExpressionError, number, size
from releaseapp.expressions.filters import FILTERS
from releaseapp.expressions.methods import METHODS
from releaseapp.expressions.scope import Evaluator, Scope
from releaseapp.expressions.tests import TESTS


class Compiler:
    """Turns one expression's nodes into closures."""

    def of(self, node: nodes.Node, *, missing_ok: bool = False) -> Evaluator:
        """The closure of a node; with ``missing_ok`` it may give a ``Missing`` instead of raising."""
        if isinstance(node, (nodes.Name, nodes.Getattr, nodes.Getitem)):
            return self._reference(node, missing_ok=missing_ok)
        make = _MAKERS.get(type(node))
        if make is None:
            raise ExpressionError(f"It uses something that expressions do not have ({type(node).__name__}).")
        evaluate: Evaluator = make(self, node)
        return evaluate

    def _reference(self, node: nodes.Node, *, missing_ok: bool) -> Evaluator:
        find = self._finder(node)
        if missing_ok:
            return find

        def evaluate(scope: Scope) -> Any:
            value = find(scope)
            if isinstance(value, operations.Missing):
                raise ExpressionError(value.sentence)
            return value

        return evaluate

    def _finder(self, node: nodes.Node) -> Evaluator:
        if isinstance(node, nodes.Name):
            name = node.name

            def variable(scope: Scope) -> Any:
                scope.budget.charge()
                try:
                    return scope.variables[name]
                except KeyError:
                    return operations.missing_variable(name, scope.variables)

            return variable
        if isinstance(node, nodes.Getattr):
            inner, attr = self.of(node.node, missing_ok=True), node.attr

            def attribute(scope: Scope) -> Any:
                scope.budget.charge()
                return operations.item(inner(scope), attr)

            return attribute
        if not isinstance(node, nodes.Getitem):
            raise TypeError(node)
        if isinstance(node.arg, nodes.Slice):
            return self._slice(node.node, node.arg)
        inner, key = self.of(node.node, missing_ok=True), self.of(node.arg)

        def subscript(scope: Scope) -> Any:
            scope.budget.charge()
            return operations.item(inner(scope), key(scope))

        return subscript

    def _slice(self, target: nodes.Node, bounds: nodes.Slice) -> Evaluator:
        inner = self.of(target)
        parts = [None if one is None else self.of(one) for one in (bounds.start, bounds.stop, bounds.step)]

        def evaluate(scope: Scope) -> Any:
            value = inner(scope)
            limits = [None if part is None else operations.whole(part(scope)) for part in parts]
            if not isinstance(value, (str, list)):
                raise ExpressionError("Only a text or a list can be sliced.")
            part = slice(*limits)
            scope.budget.charge(1 + len(range(*part.indices(len(value)))) // 16)
            return value[part]

        return evaluate

    def constant(self, node: nodes.Const) -> Evaluator:
        """A literal."""
        value = number(node.value)
        return lambda _scope: value

    def text(self, node: nodes.TemplateData) -> Evaluator:
        """What stands around expressions."""
        value = node.data
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
        return self._apply(function, self.of(node.node, missing_ok=node.name in {"default", "d"}), node)

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
            arguments = self._arguments(node)

            def evaluate(scope: Scope) -> Any:
                positional, named = arguments(scope)
                if named:
                    raise ExpressionError("range takes numbers only.")
                return operations.span(positional, scope.budget)

            return evaluate
        if not isinstance(target, nodes.Getattr) or target.attr not in METHODS:
            raise ExpressionError(f"Only range and these methods can be called: {', '.join(METHODS)}.")
        return self._apply(METHODS[target.attr], self.of(target.node), node)

    def _apply(self, function: Callable[..., Any], inner: Evaluator, node: Any) -> Evaluator:
        arguments = self._arguments(node)
        try:
            inspect.signature(function).bind(None, None, *node.args, **{pair.key: pair.value for pair in node.kwargs})
        except TypeError as error:
            name = node.name if isinstance(node, (nodes.Filter, nodes.Test)) else node.node.attr
            raise ExpressionError(f"{name} does not take these arguments.") from error

        def evaluate(scope: Scope) -> Any:
            value = inner(scope)
            positional, named = arguments(scope)
            scope.budget.charge(size(value))
            return function(scope.budget, value, *positional, **named)

        return evaluate

    def _arguments(self, node: Any) -> Callable[["Scope"], tuple[list[Any], dict[str, Any]]]:
        if node.dyn_args is not None or node.dyn_kwargs is not None:
            raise ExpressionError("Arguments cannot be unpacked with * or **.")
        positional = [self.of(argument) for argument in node.args]
        named = [(pair.key, self.of(pair.value)) for pair in node.kwargs]

        def evaluate(scope: Scope) -> tuple[list[Any], dict[str, Any]]:
            return [one(scope) for one in positional], {key: one(scope) for key, one in named}

        return evaluate


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
