"""The node of connections, for operators."""

from releaseapp.web.resources import Resource


class ConnectionsNode(Resource):
    """``/release/connections``."""
