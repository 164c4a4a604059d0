"""How large a body may be: ``max_body_bytes``, unless a view says that it takes larger ones.

The server lets through what is not larger than the largest that any view takes;
here, once the view is known and its permission was asked, the rest is refused
before anybody reads it.
"""

from collections.abc import Callable
from typing import Any

from pyramid.response import Response

from releaseapp.errors import TooLarge
from releaseapp.web.request import Request

View = Callable[[Any, Request], Response]


def limited_view(view: View, info: Any) -> View:
    """Pyramid view deriver: ``body_limit=bytes`` on a view is its own limit."""
    if info.exception_only:
        return view
    usual = info.registry.app_settings.max_body_bytes
    limit = max(usual, info.options.get("body_limit") or 0)
    info.registry.largest_body = max(limit, largest_body(info.registry))

    def wrapper(context: Any, request: Request) -> Response:
        if (request.content_length or 0) > limit:
            raise too_large(limit)
        request.body_limit = limit
        return view(context, request)

    return wrapper


limited_view.options = ("body_limit",)  # type: ignore[attr-defined]


def largest_body(registry: Any) -> int:
    """The largest body that any view of the application takes."""
    return int(getattr(registry, "largest_body", registry.app_settings.max_body_bytes))


def too_large(limit: int) -> TooLarge:
    """The refusal of a body over ``limit`` bytes."""
    return TooLarge(f"The body is larger than {limit:,} bytes, the most this server accepts.")


def includeme(config: Any) -> None:
    """Registers the deriver: after the permission, before the CSRF check, which reads forms."""
    config.add_view_deriver(limited_view, name="limited_view", under="secured_view", over="csrf_view")
