"""The nodes of the tree that stand for workspaces and their people."""

from functools import cached_property
from typing import Any

from pyramid.authorization import DENY_ALL, Allow

from releaseapp.errors import NotSignedIn
from releaseapp.web.request import Request
from releaseapp.web.resources import Resource
from releaseapp.workspaces import service
from releaseapp.workspaces.models import Member, Membership, Workspace


class Workspaces(Resource):
    """``/workspaces``: those that the caller belongs to."""

    def child(self, name: str) -> Resource:
        """A workspace by slug or id; one that the caller is no member of looks like none."""
        identity = self.request.identity
        if identity is None:
            raise NotSignedIn("Sign in first, or send a valid bearer token.")
        for membership in identity.memberships.values():
            if name in {membership.slug, membership.workspace_id}:
                return WorkspaceNode(self.request, membership.slug, self, membership)
        raise KeyError(name)


class WorkspaceNode(Resource):
    """``/workspaces/{slug or id}``: one workspace; its ACL is its role matrix, and nothing above it counts."""

    def __init__(self, request: Request, name: str, parent: Resource, membership: Membership) -> None:
        super().__init__(request, name, parent)
        self.membership = membership
        self.id = membership.workspace_id

    @cached_property
    def __acl__(self) -> list[Any]:
        # The caller's own row of the matrix is all that can match, and identity has brought it along.
        return [(Allow, f"{self.id}/{self.membership.role}", self.membership.permissions), DENY_ALL]

    @cached_property
    def workspace(self) -> Workspace:
        """The workspace itself; raises NotFound when it was deleted meanwhile."""
        return service.get_workspace(self.request.db, self.id)


class Members(Resource):
    """``/workspaces/{…}/members``."""

    def child(self, name: str) -> Resource:
        """A member by account id."""
        member = service.find_member(self.request.db, self.above(WorkspaceNode).id, name)
        if member is None:
            raise KeyError(name)
        return MemberNode(self.request, name, self, member)


class MemberNode(Resource):
    """``/workspaces/{…}/members/{account id}``."""

    def __init__(self, request: Request, name: str, parent: Resource, member: Member) -> None:
        super().__init__(request, name, parent)
        self.member = member


class Roles(Resource):
    """``/workspaces/{…}/roles``: the role matrix."""


class Activity(Resource):
    """``/workspaces/{…}/activity``: what happened, newest first."""
