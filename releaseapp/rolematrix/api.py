"""The role matrix over JSON and YAML, for operators."""

from pyramid.response import Response

from releaseapp.rolematrix.expected import as_yaml
from releaseapp.rolematrix.resources import RoleMatrixNode
from releaseapp.rolematrix.shown import comparisons, current
from releaseapp.web.answers import json_answer
from releaseapp.web.request import Request
from releaseapp.web.views import OPERATOR, api


@api(RoleMatrixNode, OPERATOR)
def show_role_matrix(_context: RoleMatrixNode, request: Request) -> Response:
    """The matrix, and how it differs from what the open release froze (``?against=snapshot``: and from a snapshot)."""
    matrix = current(request)
    return json_answer({"matrix": matrix, "compared": comparisons(request, matrix)})


@api(RoleMatrixNode, OPERATOR, name="expected.yaml")
def download_expected(_context: RoleMatrixNode, request: Request) -> Response:
    """The matrix as the file that ``releaseapp roles verify`` takes."""
    response = Response(as_yaml(current(request)).encode())
    response.content_type, response.charset = "application/yaml", "utf-8"
    response.content_disposition = 'attachment; filename="expected-roles.yaml"'
    return response
