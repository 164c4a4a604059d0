"""What browsers do to a run: cancel it, retry it."""

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import Response

from releaseapp.errors import AppError, Conflict
from releaseapp.permissions import Permission
from releaseapp.runs import service
from releaseapp.runs.resources import RunNode, runs_of
from releaseapp.web.messages import say
from releaseapp.web.request import Request
from releaseapp.web.views import page


@page(RunNode, Permission.RUNS_CONTROL, "POST", name="cancel")
def cancel_run(context: RunNode, request: Request) -> Response:
    """Ends a run that is not over."""
    try:
        service.cancel_run(runs_of(request), context.run, request.identity.account.id)
    except Conflict as error:
        say(request, str(error), "error")
    else:
        say(request, "Cancelled.")
    return HTTPSeeOther(request.resource_path(context).rstrip("/"))


@page(RunNode, Permission.RUNS_CONTROL, "POST", name="retry")
def retry_run(context: RunNode, request: Request) -> Response:
    """Does again what failed, what ``from_step`` names, or the ``whole``; ``current``: as published now."""
    given, account = request.POST, request.identity.account
    retry = service.Retry(
        from_step=given.get("from_step", "") or None,
        whole=given.get("whole") == "yes",
        current=given.get("current") == "yes",
    )
    try:
        again = service.retry_run(runs_of(request), context.run, retry, account.id, account.email)
    except AppError as error:
        say(request, str(error), "error")
        return HTTPSeeOther(request.resource_path(context).rstrip("/"))
    return HTTPSeeOther(request.resource_path(context.__parent__, again.id))
