"""Approvals over JSON."""

from typing import Any

from pyramid.response import Response

from releaseapp.permissions import Permission
from releaseapp.runs.approvals import service
from releaseapp.runs.approvals.deciders import why_not
from releaseapp.runs.approvals.models import Approval, ApprovalStatus, Decision, Filter
from releaseapp.runs.approvals.resources import ApprovalNode, Approvals
from releaseapp.runs.approvals.schemas import Say
from releaseapp.runs.models import WHOLE
from releaseapp.runs.resources import runs_of
from releaseapp.web.answers import json_answer
from releaseapp.web.bodies import read_optional
from releaseapp.web.paging import choice, cursor
from releaseapp.web.request import Request
from releaseapp.web.views import api
from releaseapp.workspaces.resources import WorkspaceNode

_LONG_FIELDS = ("description", "form", "values")


@api(Approvals, Permission.RUNS_VIEW)
def list_approvals(context: Approvals, request: Request) -> Response:
    """Approvals without what is asked and answered: ``?status=``, ``?mine=1`` (waiting for the caller), ``?run=``."""
    page = cursor(request)
    workspace_id = context.above(WorkspaceNode).id
    if request.GET.get("mine", "") not in {"", "0"}:
        found = service.list_waiting_for(request.db, workspace_id, request.identity, page.before, page.limit + 1)
    else:
        found = service.list_approvals(request.db, workspace_id, wanted(request), page.before, page.limit + 1)
    listed = page.page(found, lambda approval: approval.id)
    short = [
        {name: value for name, value in _plain(approval, request).items() if name not in _LONG_FIELDS}
        for approval in listed.items
    ]
    return json_answer({"items": short, "next": listed.next})


@api(ApprovalNode, Permission.RUNS_VIEW)
def show_approval(context: ApprovalNode, request: Request) -> Response:
    """One approval: what is asked, by which form, and what was decided."""
    return json_answer(_plain(context.approval, request))


@api(ApprovalNode, Permission.APPROVALS_DECIDE, "POST", name="approve")
def approve(context: ApprovalNode, request: Request) -> Response:
    """Approves, with the answers to the form."""
    return _decide(context, request, Decision.APPROVED)


@api(ApprovalNode, Permission.APPROVALS_DECIDE, "POST", name="refuse")
def refuse(context: ApprovalNode, request: Request) -> Response:
    """Refuses; answers may be left out."""
    return _decide(context, request, Decision.REFUSED)


def wanted(request: Request) -> Filter:
    """Which approvals the query string asks for; raises Invalid for what makes no sense."""
    return Filter(status=choice(request, "status", ApprovalStatus), run_id=request.GET.get("run") or None)


def _decide(context: ApprovalNode, request: Request, decision: Decision) -> Response:
    say = read_optional(request, Say)
    decided = service.decide(runs_of(request), context.approval, decision, say, request.identity)
    return json_answer(_plain(decided, request))


def _plain(approval: Approval, request: Request) -> dict[str, Any]:
    plain = {name: getattr(approval, name) for name in approval.__struct_fields__}
    mine = approval.is_pending and why_not(approval, request.identity) is None
    return {**plain, "item": None if approval.item == WHOLE else approval.item, "mine": mine}
