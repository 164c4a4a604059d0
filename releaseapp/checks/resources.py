"""The node of checks, for operators."""

from releaseapp.web.resources import Resource


class ChecksNode(Resource):
    """``/release/checks``: what was checked, and a button to check again."""
