"""One tree, two representations: HTML for browsers, JSON for everybody else (RFC 9110, section 12.5.1)."""

from functools import lru_cache
from typing import Any, Literal

from webob.acceptparse import create_accept_header

Representation = Literal["html", "json"]

_OFFERS = ["application/json", "text/html"]


@lru_cache(maxsize=512)
def choose(accept: str | None) -> Representation | None:
    """The representation for an ``Accept`` header; JSON when it has no preference, None when neither will do."""
    if not accept or accept == "*/*":
        return "json"
    # problem+json is JSON too; a client that asks for it alone still gets its answers.
    header = create_accept_header(accept.replace("application/problem+json", "application/json"))
    offers = header.acceptable_offers(_OFFERS)
    if not offers:
        return None
    return "html" if offers[0][0] == "text/html" else "json"


class RepresentationPredicate:
    """View predicate ``representation="html"`` or ``"json"``."""

    def __init__(self, value: Representation, _config: Any) -> None:
        self.value = value

    def text(self) -> str:
        """How Pyramid names this predicate."""
        return f"representation = {self.value}"

    phash = text

    def __call__(self, _context: object, request: Any) -> bool:
        """Whether the request wants this representation."""
        return bool(request.representation == self.value)
