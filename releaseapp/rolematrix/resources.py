"""The node of the role matrix, for operators."""

from releaseapp.web.resources import Resource


class RoleMatrixNode(Resource):
    """``/release/roles``."""
