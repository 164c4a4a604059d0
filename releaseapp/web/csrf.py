"""CSRF tokens without a server-side session.

A signed-in browser's token is an HMAC of its session id, so it lives and dies
with the session. Before sign-in it is a random cookie that the sign-in form
must repeat (double submit). Requests with a bearer token carry no cookie that
a browser would add by itself, so they need none (OWASP, Cross-Site Request
Forgery Prevention).
"""

import hashlib
import hmac
import secrets
from typing import Any

from pyramid.interfaces import ICSRFStoragePolicy
from zope.interface import implementer

from releaseapp.web.request import Request

_COOKIE = "csrf"


@implementer(ICSRFStoragePolicy)
class CsrfTokens:
    """Pyramid's seam for where CSRF tokens are kept."""

    def new_csrf_token(self, request: Request) -> str:
        """A token for somebody who is not signed in, kept in a cookie."""
        token = secrets.token_urlsafe(24)
        request.cookies[_COOKIE] = token

        def keep(_request: Request, response: Any) -> None:
            response.set_cookie(_COOKIE, token, httponly=True, samesite="Lax", secure=not request.settings.development)

        request.add_response_callback(keep)
        return token

    def get_csrf_token(self, request: Request) -> str:
        """The token that this browser's forms must carry."""
        identity = request.identity
        if identity is not None:
            return sign(request.settings.jwt_secret, "csrf", identity.session_id)
        return request.cookies.get(_COOKIE) or self.new_csrf_token(request)

    def check_csrf_token(self, request: Request, supplied: str) -> bool:
        """Whether a form's token is this browser's."""
        return hmac.compare_digest(self.get_csrf_token(request).encode(), supplied.encode("utf-8", "replace"))


def sign(secret: str, purpose: str, text: str) -> str:
    """A keyed digest of ``text``; ``purpose`` keeps digests made for one use from serving another."""
    return hmac.new(secret.encode(), f"{purpose}:{text}".encode(), hashlib.sha256).hexdigest()


def includeme(config: Any) -> None:
    """Requires a token of every unsafe request that could have been sent by a browser on its own."""
    config.set_csrf_storage_policy(CsrfTokens())
    config.set_default_csrf_options(require_csrf=True, callback=lambda request: request.bearer is None)
