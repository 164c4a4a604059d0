"""Who is calling, and whether they may: the policy that Pyramid asks. Composes auth and workspaces."""

import logging
from typing import Any

from pyramid.authorization import ACLHelper, Authenticated, Everyone

from releaseapp.auth import service as auth
from releaseapp.auth.models import TOKEN_COOKIE
from releaseapp.errors import Busy, NotSignedIn
from releaseapp.web.request import Request
from releaseapp.web.views import OPERATOR, PERSON
from releaseapp.workspaces.models import Identity
from releaseapp.workspaces.service import identify

log = logging.getLogger(__name__)

NEVER = "never"
"""The default permission, which nothing grants: a view without a permission is shut."""


class SecurityPolicy:
    """Identity from a bearer token or the cookie; permissions from the ACLs of the tree."""

    def __init__(self) -> None:
        self._acl = ACLHelper()

    def identity(self, request: Request) -> Identity | None:
        """The caller, read once a request; None for nobody, and for a token that is no longer good."""
        try:
            return request.__dict__["_identity"]  # type: ignore[no-any-return]
        except KeyError:
            identity = request.__dict__["_identity"] = self._identify(request)
            return identity

    def authenticated_userid(self, request: Request) -> str | None:
        """The caller's account id."""
        identity = self.identity(request)
        return identity.account.id if identity else None

    def permits(self, request: Request, context: Any, permission: str) -> Any:
        """Whether the caller has the permission on this resource."""
        return self._acl.permits(context, principals(self.identity(request)), permission)

    def remember(self, _request: Request, _userid: str, **_options: Any) -> list[tuple[str, str]]:
        """Nothing: the sign-in view sets the cookie, since it has the token."""
        return []

    def forget(self, _request: Request, **_options: Any) -> list[tuple[str, str]]:
        """Nothing: the sign-out view drops the cookie."""
        return []

    @staticmethod
    def _identify(request: Request) -> Identity | None:
        # A bearer token, once sent, is the only thing that counts: a bad one is not made good by a cookie.
        token = request.bearer if request.bearer is not None else request.cookies.get(TOKEN_COOKIE)
        if not token:
            return None
        try:
            identity = identify(request.db, request.settings, token)
        except NotSignedIn:
            return None
        if not auth.use_is_noted(identity.last_use):
            request.add_finished_callback(_note_use)
        return identity


def _note_use(request: Request) -> None:
    """After the answer, so that nobody waits for it."""
    identity = request.identity
    note = auth.note_session_use if identity.token_name is None else auth.note_token_use
    try:
        note(request.db, identity.session_id)
    except Busy:
        log.info("the use of %s is noted another time", identity.session_id)


def principals(identity: Identity | None) -> list[str]:
    """What ACLs call this caller: everyone, authenticated, person, operator, and ``<workspace id>/<role>``."""
    if identity is None:
        return [Everyone]
    kind = [Authenticated, PERSON] if identity.token_name is None else [Authenticated]
    if identity.token_name is None and identity.account.is_operator:
        kind.append(OPERATOR)
    roles = [f"{workspace_id}/{membership.role}" for workspace_id, membership in identity.memberships.items()]
    return [Everyone, *kind, *roles]


def includeme(config: Any) -> None:
    """Sets the policy, and shuts what does not open itself."""
    config.set_security_policy(SecurityPolicy())
    config.set_default_permission(NEVER)
