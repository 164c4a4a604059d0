"""The node of maintenance."""

from releaseapp.web.resources import Resource


class MaintenanceNode(Resource):
    """``/maintenance``: read by everybody who is signed in, begun and ended by operators."""
