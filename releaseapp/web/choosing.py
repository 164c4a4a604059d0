"""Choosing among the views of one resource without an exception for each that does not fit."""

from typing import Any

from pyramid.config.views import MultiView
from pyramid.interfaces import IMultiView

_AFTER_ALL_VIEWS = 1000


class FirstFitting(MultiView):
    """Pyramid's choice among views, by asking their predicates first.

    Pyramid calls one view after the other until one does not raise a mismatch,
    which is an exception with a whole response in it: a tenth of a small request.
    """

    def __call__(self, context: Any, request: Any) -> Any:
        """The answer of the first view that fits; raises PredicateMismatch when none does."""
        return self.match(context, request)(context, request)


def includeme(config: Any) -> None:
    """Has every choice made this way, once all views are known."""
    registry = config.registry

    def replace() -> None:
        for found in list(registry.registeredAdapters()):
            if found.provided is IMultiView:
                quick = FirstFitting(found.name)
                quick.__dict__.update(found.factory.__dict__)
                registry.registerAdapter(quick, found.required, IMultiView, name=found.name)

    config.action(None, replace, order=_AFTER_ALL_VIEWS)
