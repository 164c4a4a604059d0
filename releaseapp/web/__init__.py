"""The ways of the web: what every view of every domain stands on. Knows no domain."""

from typing import Any


def includeme(config: Any) -> None:
    """Teaches Pyramid our request, representations, refusals and manners."""
    from releaseapp.web.negotiation import RepresentationPredicate  # noqa: PLC0415 - the package is its own foundation
    from releaseapp.web.request import Request  # noqa: PLC0415

    config.set_request_factory(Request)
    config.add_view_predicate("representation", RepresentationPredicate)
    config.include("releaseapp.web.choosing")
    config.include("releaseapp.web.csrf")
    config.include("releaseapp.web.idempotency")
    config.include("releaseapp.web.metrics")
    config.include("releaseapp.web.limits")
    config.include("releaseapp.web.manners")
    config.include("releaseapp.web.problems")
    config.include("releaseapp.web.read_only")
    config.include("releaseapp.web.statics")
