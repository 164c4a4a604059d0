"""The nodes of snapshots, for operators."""

from releaseapp.web.resources import Resource


class Snapshots(Resource):
    """``/release/snapshots``."""

    def child(self, name: str) -> "SnapshotNode":
        """A snapshot by its name; its views find out whether there is one."""
        return SnapshotNode(self.request, name, self)


class SnapshotNode(Resource):
    """``/release/snapshots/{name}``."""
