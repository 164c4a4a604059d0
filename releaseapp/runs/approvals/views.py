"""Approvals for browsers."""

from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import Response

from releaseapp.errors import Conflict, Fault, Invalid, NotAllowed
from releaseapp.permissions import Permission
from releaseapp.runs.approvals import service
from releaseapp.runs.approvals.api import wanted
from releaseapp.runs.approvals.deciders import told, why_not
from releaseapp.runs.approvals.fields import OTHERS, answers_of, by_field, fields_of, values_of
from releaseapp.runs.approvals.models import ApprovalStatus, Decision, Filter
from releaseapp.runs.approvals.resources import ApprovalNode, Approvals
from releaseapp.runs.approvals.schemas import Say
from releaseapp.runs.approvals.values import takes_others
from releaseapp.runs.models import WHOLE
from releaseapp.runs.resources import runs_of
from releaseapp.web.bodies import fit, posted
from releaseapp.web.forms import FormState, refused
from releaseapp.web.messages import say
from releaseapp.web.paging import FIRST, cursor
from releaseapp.web.request import Request
from releaseapp.web.shown import show
from releaseapp.web.views import page
from releaseapp.workspaces.resources import WorkspaceNode

_MOST_WAITING = 20


@page(Approvals, Permission.RUNS_VIEW)
def approvals_page(context: Approvals, request: Request) -> Response:
    """What waits for the caller, what waits for others, and what is decided; or what was filtered for."""
    if request.GET.get("fragment") == "badge":
        # Asked for by every page that is open: the lists are left alone.
        return show(request, "approvals/list", ("badge",))
    current = cursor(request)
    mine = request.GET.get("mine", "") not in {"", "0"}
    chosen = wanted(request)
    filtered = mine or chosen != Filter()
    workspace_id = context.above(WorkspaceNode).id
    if mine:
        found = service.list_waiting_for(request.db, workspace_id, request.identity, current.before, current.limit + 1)
    else:
        kept = chosen if filtered else Filter(over=True)
        found = service.list_approvals(request.db, workspace_id, kept, current.before, current.limit + 1)
    listed = current.page(found, lambda approval: approval.id)
    first = not filtered and "cursor" not in request.GET
    return show(
        request,
        "approvals/list",
        ("lists",),
        approvals=listed.items,
        next_cursor=listed.next,
        filtered=filtered,
        mine=mine,
        status=chosen.status,
        statuses=list(ApprovalStatus),
        run_id=chosen.run_id,
        **(_waiting(workspace_id, request) if first else {"for_me": [], "for_others": [], "most": _MOST_WAITING}),
    )


@page(ApprovalNode, Permission.RUNS_VIEW)
def approval_page(context: ApprovalNode, request: Request) -> Response:
    """What is asked, with the form to answer it; afterwards, what was decided."""
    return _show(context, request, FormState({}))


@page(ApprovalNode, Permission.APPROVALS_DECIDE, "POST", name="approve")
def approve(context: ApprovalNode, request: Request) -> Response:
    """Approves, with what was filled in."""
    return _decide(context, request, Decision.APPROVED)


@page(ApprovalNode, Permission.APPROVALS_DECIDE, "POST", name="refuse")
def refuse(context: ApprovalNode, request: Request) -> Response:
    """Refuses; the fields need not be filled in, and are not kept."""
    return _decide(context, request, Decision.REFUSED)


def _decide(context: ApprovalNode, request: Request, decision: Decision) -> Response:
    approval = context.approval
    try:
        service.decide(runs_of(request), approval, decision, _said(context, request, decision), request.identity)
    except Invalid as error:
        return _show(context, request, refused(request, by_field(approval.form, error)))
    except (Conflict, NotAllowed) as error:
        form = refused(request, Invalid.at("", str(error)))
        request.response.status_int = 409 if isinstance(error, Conflict) else 403
        context.approval = service.find_approval(request.db, approval.workspace_id, approval.id) or approval
        return _show(context, request, form)
    say(request, f"You {decision} it. The run goes on.")
    return HTTPSeeOther(request.resource_path(context).rstrip("/"))


def _said(context: ApprovalNode, request: Request, decision: Decision) -> Say:
    """What was typed; raises Invalid with the faults of values and comment by pointers as the service gives them."""
    fields = posted(request)
    comment = fields.get("comment", "").replace("\r\n", "\n")
    faults: list[Fault] = []
    values: dict[str, Any] = {}
    try:
        values = values_of(context.approval.form, fields) if decision is Decision.APPROVED else {}
    except Invalid as error:
        faults += error.faults
    try:
        said = fit({"comment": comment, "values": values}, Say)
    except Invalid as error:
        faults += error.faults
    if faults:
        raise Invalid(faults)
    return said


def _waiting(workspace_id: str, request: Request) -> dict[str, Any]:
    identity = request.identity
    return {
        "for_me": service.list_waiting_for(request.db, workspace_id, identity, FIRST, _MOST_WAITING + 1),
        "for_others": service.list_waiting_for_others(request.db, workspace_id, identity, _MOST_WAITING + 1),
        "most": _MOST_WAITING,
    }


def _show(context: ApprovalNode, request: Request, form: FormState) -> Response:
    approval = context.approval
    fields = fields_of(approval.form)
    suggested = {field.key: field.shown for field in fields}
    # An unticked box is not sent: what is missing in a form that was sent is not what was suggested.
    values = dict(form.values) if form.values else suggested
    return show(
        request,
        "approvals/show",
        ("state",),
        approval=approval,
        form=FormState(values, form.errors, form.general),
        fields=fields,
        others=OTHERS if takes_others(approval.form) else None,
        refusal=why_not(approval, request.identity) if approval.is_pending else None,
        who=told(approval.deciders) if approval.deciders else "everybody who may decide approvals",
        answers=answers_of(approval.form, approval.values),
        item=None if approval.item == WHOLE else approval.item,
    )
