"""Maintenance over JSON."""

from typing import Any

import msgspec
from pyramid.response import Response

from releaseapp.banner.resources import MaintenanceNode
from releaseapp.banner.schemas import MaintenanceForm
from releaseapp.maintenance.models import Maintenance
from releaseapp.maintenance.service import begin_maintenance, end_maintenance, find_maintenance
from releaseapp.web.answers import json_answer
from releaseapp.web.bodies import read
from releaseapp.web.request import Request
from releaseapp.web.views import OPERATOR, SIGNED_IN, api


@api(MaintenanceNode, SIGNED_IN)
def show_maintenance(_context: MaintenanceNode, request: Request) -> Response:
    """Whether maintenance lasts, why, and until when."""
    return json_answer(_told(find_maintenance(request.db)))


@api(MaintenanceNode, OPERATOR, "POST")
def begin(_context: MaintenanceNode, request: Request) -> Response:
    """Begins maintenance, or says anew why and until when."""
    asked = read(request, MaintenanceForm)
    return json_answer(_told(begin_maintenance(request.db, request.identity.account.id, asked.why, asked.until)), 201)


@api(MaintenanceNode, OPERATOR, "DELETE")
def end(_context: MaintenanceNode, request: Request) -> Response:
    """Ends maintenance."""
    end_maintenance(request.db, request.identity.account.id)
    return json_answer(_told(None))


def _told(lasting: Maintenance | None) -> dict[str, Any]:
    return {"maintenance": msgspec.to_builtins(lasting) if lasting else None}
