"""What every answer carries: security headers, a request id, caching rules; and the limit on bodies."""

from collections.abc import Callable
from typing import Any

from pyramid.response import Response

from releaseapp.web.limits import largest_body, too_large
from releaseapp.web.problems import refusal
from releaseapp.web.request import Request

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
HEADERS = [
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
]
FOR_PAGES = [
    ("Content-Security-Policy", CONTENT_SECURITY_POLICY),
    ("Permissions-Policy", "camera=(), microphone=(), geolocation=()"),
]
_STRICT_TRANSPORT = ("Strict-Transport-Security", "max-age=31536000")


def manners_tween(handler: Callable[[Request], Response], registry: Any) -> Callable[[Request], Response]:
    """Wraps every request, errors included."""
    limit = largest_body(registry)
    https = registry.app_settings.public_url.startswith("https://")

    def tween(request: Request) -> Response:
        fits = (request.content_length or 0) <= limit
        response = handler(request) if fits else refusal(too_large(limit), request)
        headers = response.headerlist
        names = {name for name, _ in headers}
        headers.extend(HEADERS)
        if response.content_type == "text/html":
            headers.extend(FOR_PAGES)
        if "Cache-Control" not in names:
            headers.append(("Cache-Control", "no-cache, private" if "ETag" in names else "no-store"))
            headers.append(("Vary", "Accept, Cookie, Authorization"))
        if https:
            headers.append(_STRICT_TRANSPORT)
        headers.append(("X-Request-ID", request.id))
        return response

    return tween


def includeme(config: Any) -> None:
    """Puts the tween next to the server, around everything else."""
    config.add_tween("releaseapp.web.manners.manners_tween")
