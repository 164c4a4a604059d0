"""The nodes of releases: the page that ties everything together, and what hangs below it. For operators."""

from releaseapp.web.resources import Resource


class ReleasePage(Resource):
    """``/release``."""


class Releases(Resource):
    """``/release/releases``: every release, newest first."""

    def child(self, name: str) -> "ReleaseNode":
        """A release by its id; its views find out whether there is one."""
        return ReleaseNode(self.request, name, self)


class ReleaseNode(Resource):
    """``/release/releases/{id}``."""


class ChecksNode(Resource):
    """``/release/checks``: what was checked, and a button to check again."""


class OperationsNode(Resource):
    """``/release/operations``: what is and was done to the server."""
