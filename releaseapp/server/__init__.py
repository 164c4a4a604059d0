"""How the product is served: what ``pserve`` finds under ``[server:…]``.

``all_in_one``: pages, REST, the live channel and the worker in one process, on one port.
``live``: the live channel alone.
"""

import sys
from collections.abc import Callable, Mapping
from typing import Any

from releaseapp.errors import SettingsError
from releaseapp.server.options import Options, read_options
from releaseapp.server.service import Service

__all__ = ["Options", "Serve", "Service", "all_in_one", "live", "read_options"]

Serve = Callable[[Any], None]


def all_in_one(_global_config: Mapping[str, str], **lines: str) -> Serve:
    """Everything in one process; the ``paste.server_factory`` that ``make serve`` uses."""
    options = read_options(lines)

    def serve(app: Any) -> None:
        worker, caretaker = (getattr(app.registry, name, None) for name in ("worker", "caretaker"))
        _run(Service(app, options, worker=worker, caretaker=caretaker))

    return serve


def live(_global_config: Mapping[str, str], **lines: str) -> Serve:
    """The live channel alone; everything else is 404 here."""
    options = read_options(lines)

    def serve(app: Any) -> None:
        _run(Service(app, options, pages=_nothing_here))

    return serve


def _run(service: Service) -> None:
    try:
        service.run()
    except SettingsError:
        # To pserve a SystemExit is a good end, code 0. This one is not: a sentence, and code 1.
        sys.tracebacklimit = 0
        raise


def _nothing_here(_environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    body = b'{"type":"about:blank","title":"Not found","status":404,"detail":"Only /ws is served here."}'
    start_response("404 Not Found", [("Content-Type", "application/problem+json")])
    return [body]
