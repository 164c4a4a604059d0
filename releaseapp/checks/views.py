"""Checks over HTTP: the newest result, and a button to check again. For operators."""

from typing import Any

import msgspec
from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import Response

from releaseapp.checks.models import Severity
from releaseapp.checks.place import Place
from releaseapp.checks.resources import ChecksNode
from releaseapp.checks.service import run_checks
from releaseapp.operations import service as operations
from releaseapp.operations.models import Kind, Operation
from releaseapp.operations.service import Report
from releaseapp.web.answers import json_answer
from releaseapp.web.request import Request
from releaseapp.web.shown import show
from releaseapp.web.views import OPERATOR, api, page

_ACCEPTED = 202
_HERE = "/release/checks"


@page(ChecksNode, OPERATOR)
def checks_page(_context: ChecksNode, request: Request) -> Response:
    """What was found last."""
    return show(request, "checks/checks", ("checks",), operation=operations.newest_of(request.db, Kind.CHECK))


@api(ChecksNode, OPERATOR)
def newest(_context: ChecksNode, request: Request) -> Response:
    """What was found last, as the operation that found it; null before the first."""
    return json_answer({"operation": operations.newest_of(request.db, Kind.CHECK)})


@page(ChecksNode, OPERATOR, "POST")
def check_on_page(_context: ChecksNode, request: Request) -> Response:
    """Begins to check."""
    _begin(request)
    return HTTPSeeOther(_HERE)


@api(ChecksNode, OPERATOR, "POST")
def check(_context: ChecksNode, request: Request) -> Response:
    """Begins to check (202); the answer is the operation, as it is told on ``/ws``."""
    return json_answer(_begin(request), _ACCEPTED, location=_HERE)


def _begin(request: Request) -> Operation:
    registry = request.registry
    place = Place(request.settings, request.db, registry.workflow_file, registry.vault)
    actor = request.identity.account.id
    return operations.start_in_thread(request.db, Kind.CHECK, actor, lambda report: checking(place, report))


def checking(place: Place, report: Report) -> tuple[str, dict[str, Any]]:
    """Every check, as an operation."""
    report.tell("Looks at everything.")
    outcomes = run_checks(place)
    bad = [one for one in outcomes if not one.ok]
    errors = sum(one.severity is Severity.ERROR for one in bad)
    sentence = (
        f"{len(outcomes)} checks: {errors} errors, {len(bad) - errors} more to look at." if bad else "All is well."
    )
    return sentence, {"outcomes": msgspec.to_builtins(outcomes)}
