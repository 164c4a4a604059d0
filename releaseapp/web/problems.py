"""Refusals as answers: RFC 9457 problem details for programs, a page in the product's look for people."""

import logging
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode

import msgspec
from pyramid.csrf import BadCSRFOrigin, BadCSRFToken
from pyramid.exceptions import PredicateMismatch
from pyramid.httpexceptions import HTTPException, HTTPSeeOther
from pyramid.renderers import render
from pyramid.response import Response

from releaseapp import errors
from releaseapp.web.request import Request
from releaseapp.web.view_table import methods_of

log = logging.getLogger(__name__)

_STATUS: dict[type[errors.AppError], tuple[int, str]] = {
    errors.Malformed: (400, "Malformed request"),
    errors.Invalid: (400, "Invalid input"),
    errors.NotSignedIn: (401, "Not signed in"),
    errors.NotAllowed: (403, "Not allowed"),
    errors.NotFound: (404, "Not found"),
    errors.Conflict: (409, "Conflict"),
    errors.PreconditionFailed: (412, "Changed meanwhile"),
    errors.TooLarge: (413, "Too large"),
    errors.UnsupportedMediaType: (415, "Unsupported media type"),
    errors.Unprocessable: (422, "Contradicts an earlier request"),
    errors.TooManyRequests: (429, "Too many requests"),
    errors.Busy: (503, "Busy"),
    errors.UnderMaintenance: (503, "Maintenance"),
}

_OUR_FAULT = 500

NOT_FOUND = "There is nothing here, or it is not yours to see."


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """RFC 9457 problem details.

    ``errors`` lists the faults of an invalid input. ``instance`` is the request's
    id, given only where it helps to find the matter in the log: elsewhere two
    refusals for two reasons that must look alike would differ by it.
    """

    title: str
    status: int
    detail: str
    type: str = "about:blank"
    instance: str = ""
    errors: list[dict[str, str]] = []


def refusal(error: errors.AppError, request: Request) -> Response:
    """The answer to an error that a service or a reader raised."""
    status, title = _STATUS[next(kind for kind in type(error).__mro__ if kind in _STATUS)]
    if status == 401 and request.representation == "html" and request.method in {"GET", "HEAD"}:  # noqa: PLR2004
        return sign_in_first(request)
    members = error.members if isinstance(error, errors.Conflict) else {}
    response = answer(request, status, title, str(error), getattr(error, "faults", ()), members)
    if isinstance(error, errors.TooManyRequests | errors.UnderMaintenance):
        response.headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, errors.Busy):
        response.headers["Retry-After"] = "1"
    return response


def not_found(_error: object, request: Request) -> Response:
    """404; or 405 and 406 where the resource exists but not this method or representation of it."""
    if isinstance(request.exception, PredicateMismatch):
        methods = methods_of(request.registry, request.context, request.view_name)
        if request.representation is None:
            return answer(request, 406, "Not acceptable", "This server answers application/json and text/html.")
        if methods and request.method not in methods:
            response = answer(
                request, 405, "Method not allowed", f"This takes {', '.join(methods)}, not {request.method}."
            )
            response.headers["Allow"] = ", ".join(methods)
            return response
        if methods:
            return answer(request, 406, "Not acceptable", "This has no representation of the kind you accept.")
    return answer(request, 404, "Not found", NOT_FOUND)


def forbidden(_error: object, request: Request) -> Response:
    """401 for nobody, 403 for somebody without the permission."""
    if request.identity is None:
        return refusal(errors.NotSignedIn("Sign in first, or send a valid bearer token."), request)
    return answer(request, 403, "Not allowed", "Your role does not allow this; an owner or admin can change that.")


def bad_csrf(_error: object, request: Request) -> Response:
    """The form came from elsewhere, or its token is old."""
    sentence = "This form is out of date or came from another site; reload the page and send it again."
    return answer(request, 403, "Form refused", sentence)


def other_http(error: Any, request: Request) -> Response:
    """Pyramid's own HTTP errors (a URL that is not UTF-8, say); redirects pass as they are."""
    if error.status_int < 400:  # noqa: PLR2004
        return error
    return answer(request, error.status_int, error.title, error.explanation)


def failure(error: Exception, request: Request) -> Response:
    """500: our fault. The log has the traceback under the request's id, the answer has only the id."""
    log.error("request %s failed: %s %s", request.id, request.method, request.path, exc_info=error)
    return answer(request, 500, "Something broke on our side", "It is in the server's log under this request's id.")


def undecodable(_error: UnicodeDecodeError, request: Request) -> Response:
    """400 for a path or query that is not UTF-8."""
    return answer(request, 400, "Malformed request", "The address is not valid UTF-8.")


def sign_in_first(request: Request) -> Response:
    """Sends a browser to the sign-in page, and back afterwards."""
    return HTTPSeeOther("/auth/login?" + urlencode({"next": request.path_qs}))


def answer(
    request: Request,
    status: int,
    title: str,
    detail: str,
    faults: tuple[errors.Fault, ...] = (),
    members: Mapping[str, Any] = MappingProxyType({}),
) -> Response:
    """A problem, as page or as ``application/problem+json``, which has the further ``members`` too."""
    listed = [{"pointer": fault.pointer, "detail": fault.detail} for fault in faults]
    instance = request.id if status >= _OUR_FAULT else ""
    problem = Problem(title=title, status=status, detail=detail, instance=instance, errors=listed)
    if request.representation == "html":
        response = Response(render("errors/problem.html.jinja2", {"problem": problem}, request), status=status)
    else:
        body = msgspec.json.encode({**msgspec.to_builtins(problem), **members} if members else problem)
        response = Response(body, status=status, content_type="application/problem+json", charset=None)
    if status == 401:  # noqa: PLR2004
        response.headers["WWW-Authenticate"] = 'Bearer realm="releaseapp"'
    return response


def includeme(config: Any) -> None:
    """Registers the views of errors."""
    config.add_exception_view(refusal, context=errors.AppError)
    config.add_exception_view(bad_csrf, context=BadCSRFToken)
    config.add_exception_view(bad_csrf, context=BadCSRFOrigin)
    config.add_exception_view(other_http, context=HTTPException)
    config.add_exception_view(undecodable, context=UnicodeDecodeError)
    config.add_exception_view(failure, context=Exception)
    config.add_notfound_view(not_found)
    config.add_forbidden_view(forbidden)
