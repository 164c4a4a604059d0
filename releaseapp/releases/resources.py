"""The nodes of releases: the page that ties everything together, and what hangs below it. For operators."""

from releaseapp.errors import NotFound
from releaseapp.releases import queries
from releaseapp.releases.ground import Ground
from releaseapp.releases.models import Release, Who
from releaseapp.web.request import Request
from releaseapp.web.resources import Resource
from releaseapp.workspaces.models import Identity


class ReleasePage(Resource):
    """``/release``."""


class Releases(Resource):
    """``/release/releases``: every release, newest first."""

    def child(self, name: str) -> "ReleaseNode":
        """A release by its id; its views find out whether there is one."""
        return ReleaseNode(self.request, name, self)


class ReleaseNode(Resource):
    """``/release/releases/{id}``."""

    @property
    def release(self) -> Release:
        """The release; raises NotFound."""
        found = queries.find_release(self.request.db, self.__name__)
        if found is None:
            raise NotFound("There is no such release.")
        return found


class OperationsNode(Resource):
    """``/release/operations``: what is and was done to the server."""


def ground_of(request: Request) -> Ground:
    """What releases stand on in this server."""
    ground: Ground = request.registry.release_ground
    return ground


def who_asks(request: Request) -> Who:
    """The operator who asks, as the log names them."""
    identity: Identity = request.identity
    return Who(identity.account.id, f"{identity.account.name} ({identity.account.email})")
