"""The base of all resources of the tree."""

from typing import Any, ClassVar, TypeVar

from releaseapp.web.request import Request

R = TypeVar("R")


class Resource:
    """A node of the tree: a name, a parent, and children found by name.

    Fixed children are named on one page, ``tree.py``; a collection finds its
    members in :meth:`child`.
    """

    __acl__: ClassVar[Any]

    def __init__(self, request: Request, name: str, parent: "Resource | None") -> None:
        self.request = request
        self.__name__ = name
        self.__parent__ = parent

    def __getitem__(self, name: str) -> "Resource":
        """The child of that name; raises KeyError when there is none."""
        fixed = self.request.registry.tree.get(type(self))
        if fixed is not None and name in fixed:
            child: Resource = fixed[name](self.request, name, self)
            return child
        return self.child(name)

    def child(self, name: str) -> "Resource":
        """A child that is data; raises KeyError when there is none."""
        raise KeyError(name)

    def above(self, kind: type[R]) -> R:
        """The nearest ancestor of a kind; raises LookupError when the tree has none there."""
        node = self.__parent__
        while node is not None:
            if isinstance(node, kind):
                return node
            node = node.__parent__
        raise LookupError(f"no {kind.__name__} above {type(self).__name__}")
