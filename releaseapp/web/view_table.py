"""Which views there are: read from Pyramid's own records, so that it can never be out of date."""

from typing import Any

import msgspec

from releaseapp.web.addresses import addresses_of


class DeclaredView(msgspec.Struct, frozen=True):
    """One view: its resource class, name ("" for the resource itself), methods, representation and permission.

    ``path`` is where it is called, with ``{agent}`` where the name of an agent stands.
    """

    context: type
    name: str
    methods: tuple[str, ...]
    representation: str | None
    permission: str | None
    function: Any
    path: str = ""


def declared_views(registry: Any) -> list[DeclaredView]:
    """Every view on a resource; views of errors are not among them."""
    views = []
    addresses: dict[type, str] = dict(addresses_of(getattr(registry, "tree", {})))
    for item in registry.introspector.get_category("views") or ():
        view = item["introspectable"]
        if not isinstance(view["context"], type) or issubclass(view["context"], Exception) or view["exception_only"]:
            continue
        permission = next(
            (related["value"] for related in item["related"] if related.category_name == "permissions"), None
        )
        methods = view["request_methods"] or ("GET", "HEAD")
        views.append(
            DeclaredView(
                context=view["context"],
                name=view["name"],
                methods=(methods,) if isinstance(methods, str) else tuple(methods),
                representation=view.get("representation"),
                permission=permission,
                function=view["callable"],
                path=_path(addresses.get(view["context"], f"/…/{view['context'].__name__}"), view["name"]),
            )
        )
    return views


def _path(address: str, name: str) -> str:
    return f"{address.rstrip('/')}/{name}" if name else address


def methods_of(registry: Any, context: object, name: str) -> list[str]:
    """The methods that the view of that name takes on this resource, sorted."""
    found: set[str] = set()
    for view in declared_views(registry):
        if isinstance(context, view.context) and view.name == name:
            found.update(view.methods)
            if "GET" in view.methods:
                found.add("HEAD")
    return sorted(found)
