"""Connections over JSON, for operators."""

from pyramid.response import Response

from releaseapp import clock
from releaseapp.connections.resources import ConnectionsNode
from releaseapp.connections.service import list_samples
from releaseapp.connections.shown import HOURS, look
from releaseapp.web.answers import json_answer
from releaseapp.web.paging import whole
from releaseapp.web.request import Request
from releaseapp.web.views import OPERATOR, api

_HOUR_SECONDS = 3600.0


@api(ConnectionsNode, OPERATOR)
def show_connections(_context: ConnectionsNode, request: Request) -> Response:
    """The verdict with its reasons and figures, the processes, and the samples of the last ``hours``."""
    hours = whole(request, "hours", default=1, low=1, high=HOURS[-1])
    seen = look(request.db, hours)
    samples = list_samples(request.db, clock.later_text(-hours * _HOUR_SECONDS), clock.now_text())
    return json_answer(
        {
            "gate": seen.gate,
            "judged_since": seen.judged_since,
            "hours": hours,
            "processes": seen.processes,
            "marks": [{"at": mark.at, "label": mark.label} for mark in seen.chart.marks],
            "samples": samples,
        }
    )
