"""The nodes of the tree that stand for credentials."""

from typing import cast

from releaseapp.credentials import service
from releaseapp.credentials.models import Credential, CredentialState
from releaseapp.credentials.vault import Vault
from releaseapp.web.request import Request
from releaseapp.web.resources import Resource
from releaseapp.workspaces.resources import WorkspaceNode


class Credentials(Resource):
    """``/workspaces/{…}/credentials``."""

    @property
    def vault(self) -> Vault:
        """The vault of this server."""
        return cast("Vault", self.request.registry.vault)

    def child(self, name: str) -> Resource:
        """A credential of this workspace by id."""
        state = service.find_credential(self.request.db, self.above(WorkspaceNode).id, name)
        if state is None:
            raise KeyError(name)
        return CredentialNode(self.request, name, self, state)


class CredentialNode(Resource):
    """``/workspaces/{…}/credentials/{id}``."""

    def __init__(self, request: Request, name: str, parent: Resource, state: CredentialState) -> None:
        super().__init__(request, name, parent)
        self.state = state

    @property
    def vault(self) -> Vault:
        """The vault of this server."""
        return self.above(Credentials).vault

    @property
    def credential(self) -> Credential:
        """The credential, as far as it may be shown."""
        return self.state.credential
