"""Static files: one hash over all of them is part of their address, so that they may be kept for ever."""

import hashlib
from pathlib import Path
from typing import Any

from pyramid.static import static_view

from releaseapp.web.resources import Resource
from releaseapp.web.views import OPEN

FOLDER = Path(__file__).parent.parent / "static"
_A_YEAR = 365 * 24 * 3600


class Static(Resource):
    """``/static/{hash}/…``."""


def tree_hash(folder: Path) -> str:
    """Changes whenever a file below ``folder`` changes its name or content."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digest.update(str(path.relative_to(folder)).encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def includeme(config: Any) -> None:
    """Serves the folder, and lets pages ask for addresses in it: ``request.registry.static_prefix``."""
    name = tree_hash(FOLDER)
    config.registry.static_prefix = f"/static/{name}/"
    view = static_view(str(FOLDER), cache_max_age=_A_YEAR, use_subpath=True)

    def immutable(context: Static, request: Any) -> Any:
        response = view(context, request)
        response.headers["Cache-Control"] = f"public, max-age={_A_YEAR}, immutable"
        return response

    config.add_view(immutable, context=Static, name=name, permission=OPEN, request_method="GET")
