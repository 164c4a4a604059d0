"""Session tokens (JWT, HS256; RFC 7519) and API tokens (random, kept as a digest)."""

import hashlib
import secrets as random
from collections.abc import Sequence

import jwt
import msgspec

from releaseapp.auth.models import Claims
from releaseapp.errors import NotSignedIn

API_TOKEN_PREFIX = "rap_"  # noqa: S105 - a prefix, so that a leaked token can be recognised
_ALGORITHM = "HS256"


def encode(claims: Claims, issued_at: int, secret: str) -> str:
    """A signed token; ``issued_at`` in seconds since 1970."""
    return jwt.encode({**msgspec.to_builtins(claims), "iat": issued_at}, secret, algorithm=_ALGORITHM)


def decode(token: str, secrets: Sequence[str], now: int) -> Claims:
    """The claims of a token signed with any of ``secrets``; raises NotSignedIn for every other text.

    ``now`` is seconds since 1970: the caller's clock decides what has expired.
    """
    for secret in secrets:
        try:
            payload = jwt.decode(
                token,
                secret,
                algorithms=[_ALGORITHM],
                options={"require": ["exp", "sub", "jti", "ver", "iat"], "verify_exp": False, "verify_iat": False},
            )
            claims = msgspec.convert(payload, Claims)
        except (jwt.PyJWTError, msgspec.ValidationError, ValueError):
            continue
        if claims.exp > now:
            return claims
        break
    raise NotSignedIn("The token is not valid, or no longer; sign in again.")


def new_api_token() -> str:
    """A token for a program: 256 random bits behind a prefix."""
    return API_TOKEN_PREFIX + random.token_urlsafe(32)


def digest(token: str) -> str:
    """What is kept of an API token. It is random and long, so a plain SHA-256 is as good as a slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()
