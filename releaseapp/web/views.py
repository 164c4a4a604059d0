"""How views are declared: a view names its resource, its permission, and which representation it gives."""

from typing import Any

from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.view import view_config

OPEN = NO_PERMISSION_REQUIRED
"""For the few views that everybody may call."""

SIGNED_IN = "signed-in"
"""For what every signed-in caller may ask, a person or a program with an API token."""

PERSON = "person"
"""For what belongs to a person alone: a program with an API token may not call it."""

OPERATOR = "operator"
"""For what concerns the server as a whole: people whose account is an operator's, never their programs."""

WITHOUT_VIEWS = [f"releaseapp.{room}" for room in ("cli", "db", "live", "runs.machine", "server", "steps", "workers")]
"""Where a scan for views need not look; and who has no PostgreSQL has no driver for it either."""


def api(context: type, permission: str, method: str = "GET", name: str = "", **options: Any) -> Any:
    """Declares a view that answers JSON."""
    return view_config(
        context=context,
        permission=permission,
        request_method=method,
        name=name,
        representation="json",
        **options,
    )


def page(context: type, permission: str, method: str = "GET", name: str = "", **options: Any) -> Any:
    """Declares a view that answers a page; ``renderer`` is the template under ``templates/``."""
    return view_config(
        context=context,
        permission=permission,
        request_method=method,
        name=name,
        representation="html",
        **options,
    )
