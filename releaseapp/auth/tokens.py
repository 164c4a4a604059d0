"""Session tokens (JWT, HS256; RFC 7519) and API tokens (random, kept as a digest)."""

import hashlib
import secrets as random
from functools import lru_cache

import jwt
import msgspec

from releaseapp.auth.models import Claims
from releaseapp.errors import NotSignedIn

API_TOKEN_PREFIX = "rap_"  # noqa: S105 - a prefix, so that a leaked token can be recognised
_ALGORITHM = "HS256"


def encode(claims: Claims, issued_at: int, secret: str) -> str:
    """A signed token; ``issued_at`` in seconds since 1970."""
    return jwt.encode({**msgspec.to_builtins(claims), "iat": issued_at}, secret, algorithm=_ALGORITHM)


def decode(token: str, secrets: tuple[str, ...], now: int) -> Claims:
    """The claims of a token signed with any of ``secrets``; raises NotSignedIn for every other text.

    ``now`` is seconds since 1970: the caller's clock decides what has expired.
    """
    claims = _verify(token, secrets)
    if claims is None or claims.exp <= now:
        raise NotSignedIn("The token is not valid, or no longer; sign in again.")
    return claims


@lru_cache(maxsize=4096)
def _verify(token: str, secrets: tuple[str, ...]) -> Claims | None:
    """The claims of a well-signed token, whatever its times; None for any other text.

    Remembered, since a signature once found good stays good and checking it is
    a quarter of the work of a small request. Whether the session still lives is
    asked of the database each time.
    """
    for secret in secrets:
        try:
            payload = jwt.decode(
                token,
                secret,
                algorithms=[_ALGORITHM],
                options={
                    "require": ["exp", "sub", "jti", "ver", "iat"],
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                },
            )
            return msgspec.convert(payload, Claims)
        except (jwt.PyJWTError, msgspec.ValidationError, ValueError):
            continue
    return None


def new_api_token() -> str:
    """A token for a program: 256 random bits behind a prefix."""
    return API_TOKEN_PREFIX + random.token_urlsafe(32)


def digest(token: str) -> str:
    """What is kept of an API token. It is random and long, so a plain SHA-256 is as good as a slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()
