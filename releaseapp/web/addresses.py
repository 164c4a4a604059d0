"""Where each kind of resource is found: read from the tree, so that it can never be out of date."""

from collections.abc import Mapping

from releaseapp.web.resources import Resource


def addresses_of(tree: Mapping[type[Resource], Mapping[str, type[Resource]]]) -> dict[type[Resource], str]:
    """The path of each kind of resource, with ``{agent}`` where the name of an agent stands."""
    below = {child for children in tree.values() for child in children.values()}
    found: dict[type[Resource], str] = {root: "" for root in tree if root not in below and not _is_data(root, tree)}
    waiting = list(found)
    while waiting:
        kind = waiting.pop()
        children = {**{_placeholder(one): one for one in _members_of(kind)}, **tree.get(kind, {})}
        for name, child in children.items():
            if child not in found:
                found[child] = f"{found[kind]}/{name}"
                waiting.append(child)
    return {kind: path or "/" for kind, path in found.items()}


def _is_data(kind: type[Resource], tree: Mapping[type[Resource], Mapping[str, type[Resource]]]) -> bool:
    every = {*tree, *(child for children in tree.values() for child in children.values())}
    return any(kind in _members_of(other) for other in every)


def _members_of(kind: type[Resource]) -> list[type[Resource]]:
    """The resources that its ``child`` makes: the classes that its code names."""
    code = kind.child.__code__
    known = kind.child.__globals__
    named = [known.get(name) for name in code.co_names]
    return [one for one in named if isinstance(one, type) and issubclass(one, Resource) and one is not Resource]


def _placeholder(kind: type[Resource]) -> str:
    return "{" + kind.__name__.removesuffix("Node").lower() + "}"
