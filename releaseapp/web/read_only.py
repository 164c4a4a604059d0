"""While maintenance lasts, what would change something is refused: 503, why, until when, and when to try again.

Views that only read are left as they are, so that reading costs nothing. Operators go on: what they do belongs to the
maintenance. So does a view that says ``during_maintenance=True``: signing in and out.
"""

from collections.abc import Callable
from typing import Any

from pyramid.renderers import render
from pyramid.response import Response

from releaseapp.errors import AppError, UnderMaintenance
from releaseapp.maintenance.service import check_writable
from releaseapp.web.problems import Problem, refusal
from releaseapp.web.request import Request
from releaseapp.web.views import OPERATOR

_STATUS = 503
_NOT_KEPT = ("password", "secret", "token", "key")
_OURS = "csrf_token"
_SAFE = {"GET", "HEAD", "OPTIONS"}

View = Callable[[Any, Request], Response]


def read_only_view(view: View, info: Any) -> View:
    """Pyramid view deriver: ``during_maintenance=True`` lets a view change things meanwhile."""
    options = info.options
    methods = options.get("request_method")
    declared = {methods} if isinstance(methods, str) else set(methods or ())
    if info.exception_only or (declared and declared <= _SAFE):
        return view
    if options.get("permission") == OPERATOR or options.get("during_maintenance"):
        return view

    def wrapper(context: Any, request: Request) -> Response:
        if request.method not in _SAFE:
            check_writable(request.db)
        return view(context, request)

    return wrapper


read_only_view.options = ("during_maintenance",)  # type: ignore[attr-defined]


def refused(error: UnderMaintenance, request: Request) -> Response:
    """503; for a form the page keeps what was typed, so that it can be sent again."""
    if request.representation != "html":
        return refusal(error, request)
    problem = Problem(title="Maintenance", status=_STATUS, detail=str(error))
    values = {"problem": problem, "kept": _typed(request)}
    response = Response(render("errors/maintenance.html.jinja2", values, request), status=_STATUS)
    response.headers["Retry-After"] = str(error.retry_after)
    return response


def _typed(request: Request) -> list[tuple[str, str]] | None:
    """The fields of the form that was sent; None when it holds what a page must not: a file, a secret."""
    try:
        fields = [(name, value) for name, value in request.POST.items() if name != _OURS]
    except AppError:
        return None
    if any(not isinstance(value, str) or any(word in name.lower() for word in _NOT_KEPT) for name, value in fields):
        return None
    return fields


def includeme(config: Any) -> None:
    """Registers the deriver: after permission and CSRF check, before anything is written, idempotency keys among it."""
    config.add_exception_view(refused, context=UnderMaintenance)
    config.add_view_deriver(read_only_view, name="read_only_view", under="csrf_view", over="idempotent_view")
