"""Whoever has to change the password reaches nothing but that, and signing out.

Pages lead to the form; everything else is refused with 403 and the cure. It is said of people alone: a token of a
program was not got by the password, has its own end and is revoked on its own, so programs go on working at night
while their person has yet to come and change the password.
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import Response

from releaseapp.auth.models import PASSWORD_DUE, PasswordDue
from releaseapp.web.problems import refusal
from releaseapp.web.request import Request
from releaseapp.web.views import OPEN

HERE = "/auth/password"

View = Callable[[Any, Request], Response]


def due_view(view: View, info: Any) -> View:
    """Pyramid view deriver: ``while_password_is_due=True`` opens a view to those who have to change theirs."""
    options = info.options
    if info.exception_only or options.get("while_password_is_due"):
        return view
    if options.get("permission") == OPEN and options.get("representation") != "html":
        return view  # files, health: of nobody's account. An open page leads on to what is the person's.

    def wrapper(context: Any, request: Request) -> Response:
        identity = request.identity
        if identity is not None and identity.token_name is None and identity.account.must_change_password:
            raise PasswordDue(PASSWORD_DUE)
        return view(context, request)

    return wrapper


due_view.options = ("while_password_is_due",)  # type: ignore[attr-defined]


def refused(error: PasswordDue, request: Request) -> Response:
    """The way to the form for a browser, which comes back afterwards; 403 for everybody else."""
    if request.representation != "html":
        return refusal(error, request)
    wanted = request.path_qs if request.method in {"GET", "HEAD"} and "fragment" not in request.GET else "/"
    return HTTPSeeOther(f"{HERE}?{urlencode({'next': wanted})}" if wanted != "/" else HERE)


def includeme(config: Any) -> None:
    """Registers the deriver: once it is known that the caller may, before anything is read or written."""
    config.add_exception_view(refused, context=PasswordDue)
    config.add_view_deriver(due_view, name="due_view", under="secured_view", over="csrf_view")
