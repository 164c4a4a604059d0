"""The nodes of the tree that stand for signing in and for the person's own things."""

from releaseapp.web.resources import Resource


class Auth(Resource):
    """``/auth``: sign-in, sign-out, and who is signed in."""


class Sessions(Resource):
    """``/auth/sessions``: where the person is signed in."""

    def child(self, name: str) -> Resource:
        """A session by id; whether it is the person's, the service says."""
        if not name.startswith("ses_"):
            raise KeyError(name)
        return SessionNode(self.request, name, self)


class SessionNode(Resource):
    """``/auth/sessions/{id}``."""


class Tokens(Resource):
    """``/auth/tokens``: the person's tokens for programs."""

    def child(self, name: str) -> Resource:
        """A token by id; whether it is the person's, the service says."""
        if not name.startswith("tok_"):
            raise KeyError(name)
        return TokenNode(self.request, name, self)


class TokenNode(Resource):
    """``/auth/tokens/{id}``."""


class AccountNode(Resource):
    """``/account``: the person's own page."""
