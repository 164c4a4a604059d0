"""The product as an app that can be installed: its service worker, and the page for what this machine has not kept."""

from typing import Any

from pyramid.response import Response
from pyramid.view import view_config

from releaseapp.tree import Root
from releaseapp.web.request import Request
from releaseapp.web.shown import show
from releaseapp.web.statics import FOLDER
from releaseapp.web.views import OPEN, page


@view_config(context=Root, name="service-worker.js", permission=OPEN, request_method="GET")
def service_worker(_context: Root, request: Request) -> Response:
    """The service worker. It stands at the root, for it may only look after what is below its own address."""
    response = Response(body=request.registry.service_worker, content_type="text/javascript", charset="utf-8")
    # Another release is another text, by which browsers see that there is something new.
    response.cache_control = "no-cache"
    return response


@page(Root, OPEN, name="offline")
def offline_page(_context: Root, request: Request) -> Response:
    """What is shown without a connection in place of a page that was not read before; browsers fetch it beforehand."""
    return show(request, "offline")


def includeme(config: Any) -> None:
    """Makes the service worker of these static files."""
    source = (FOLDER / "worker.js").read_text()
    config.registry.service_worker = f'const release = "{config.registry.static_prefix}";\n{source}'.encode()
