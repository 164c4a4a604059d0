"""The page of connections, for operators."""

from pyramid.response import Response

from releaseapp.connections.resources import ConnectionsNode
from releaseapp.connections.shown import HOURS, look
from releaseapp.web.paging import whole
from releaseapp.web.request import Request
from releaseapp.web.shown import show
from releaseapp.web.views import OPERATOR, page


@page(ConnectionsNode, OPERATOR)
def connections_page(_context: ConnectionsNode, request: Request) -> Response:
    """Connections over time: verdict, chart, processes. ``?hours=`` says how far back."""
    hours = whole(request, "hours", default=1, low=1, high=HOURS[-1])
    return show(request, "connections/show", ("now",), seen=look(request.db, hours), choices=HOURS)
