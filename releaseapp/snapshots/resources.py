"""The nodes of snapshots, for operators."""

from releaseapp.snapshots.service import Snapshots as Ground
from releaseapp.web.request import Request
from releaseapp.web.resources import Resource


def snapshots_of(request: Request) -> Ground:
    """What the verbs of snapshots need, of the server that was asked."""
    ground: Ground = request.registry.snapshots
    return ground


class Snapshots(Resource):
    """``/release/snapshots``."""

    def child(self, name: str) -> "SnapshotNode":
        """A snapshot by its name; its views find out whether there is one."""
        return SnapshotNode(self.request, name, self)


class SnapshotNode(Resource):
    """``/release/snapshots/{name}``."""


class Uploads(Resource):
    """``/release/snapshots/uploads``: files on their way in."""

    def child(self, name: str) -> "UploadNode":
        """One by its id; its views find out whether there is one."""
        return UploadNode(self.request, name, self)


class UploadNode(Resource):
    """``/release/snapshots/uploads/{id}``."""
