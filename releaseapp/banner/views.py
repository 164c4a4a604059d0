"""The page of maintenance."""

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import Response

from releaseapp.banner.resources import MaintenanceNode
from releaseapp.banner.schemas import MaintenanceForm
from releaseapp.errors import Conflict, Invalid
from releaseapp.maintenance.service import begin_maintenance, end_maintenance, find_maintenance
from releaseapp.web.bodies import read_form
from releaseapp.web.forms import FormState, refused
from releaseapp.web.messages import say
from releaseapp.web.request import Request
from releaseapp.web.shown import show
from releaseapp.web.views import OPERATOR, SIGNED_IN, page

_HERE = "/maintenance"


@page(MaintenanceNode, SIGNED_IN)
def maintenance_page(_context: MaintenanceNode, request: Request) -> Response:
    """Whether it lasts, why, until when; ``?fragment=banner`` is what stands on every page."""
    lasting = find_maintenance(request.db)
    values = {"why": lasting.why, "until": lasting.until or ""} if lasting else {}
    return _show(request, FormState(values))


@page(MaintenanceNode, OPERATOR, "POST")
def begin(_context: MaintenanceNode, request: Request) -> Response:
    """Begins it, or says anew why and until when."""
    try:
        asked = read_form(request, MaintenanceForm)
        begin_maintenance(request.db, request.identity.account.id, asked.why, asked.until)
    except Invalid as error:
        return _show(request, refused(request, error))
    say(request, "Maintenance has begun: everything can be read, nothing can be changed.")
    return HTTPSeeOther(_HERE)


@page(MaintenanceNode, OPERATOR, "POST", name="end")
def end(_context: MaintenanceNode, request: Request) -> Response:
    """Ends it."""
    try:
        end_maintenance(request.db, request.identity.account.id)
        say(request, "Maintenance has ended.")
    except Conflict as error:
        say(request, str(error), "error")
    return HTTPSeeOther(_HERE)


def _show(request: Request, form: FormState) -> Response:
    return show(request, "banner/show", ("banner",), form=form)
