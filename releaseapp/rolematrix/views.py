"""The page of the role matrix, for operators."""

from pyramid.response import Response

from releaseapp.rolematrix.resources import RoleMatrixNode
from releaseapp.rolematrix.shown import view_of
from releaseapp.web.request import Request
from releaseapp.web.shown import show
from releaseapp.web.views import OPERATOR, page


@page(RoleMatrixNode, OPERATOR)
def role_matrix_page(_context: RoleMatrixNode, request: Request) -> Response:
    """Who may do what where, and what has changed. ``?person=`` and ``?route=`` narrow it."""
    asked = {name: request.GET.get(name, "") for name in ("person", "route", "against")}
    return show(request, "rolematrix/show", ("differences",), seen=view_of(request), asked=asked)
