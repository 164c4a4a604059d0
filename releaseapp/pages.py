"""What every page gets: who is there, where, what they may do. Composes the domains; nobody imports it."""

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from pyramid.csrf import get_csrf_token
from pyramid.events import BeforeRender
from pyramid.response import Response

import releaseapp
from releaseapp import clock
from releaseapp.events.queries import last_event_id
from releaseapp.maintenance.service import find_maintenance
from releaseapp.permissions import Permission
from releaseapp.runs.approvals.service import count_waiting_for
from releaseapp.web.messages import take_messages
from releaseapp.web.request import Request
from releaseapp.workspaces.models import Identity, Membership
from releaseapp.workspaces.resources import WorkspaceNode

View = Callable[[Any, Request], Response]


def templates_folder() -> Path:
    """Where the templates are: inside the package when it is installed, beside it in a checkout."""
    inside = Path(releaseapp.__file__).parent / "templates"
    return inside if inside.is_dir() else inside.parent.parent / "templates"


def add_globals(event: Mapping[str, Any]) -> None:
    """Adds to a template's variables what every page may use; ``templates/README.md`` lists it."""
    request: Request | None = event.get("request")
    if request is None:
        return
    identity: Identity | None = request.identity
    membership = _membership(request)
    event.update(  # type: ignore[attr-defined]
        me=identity.account if identity else None,
        is_person=identity is not None and identity.token_name is None,
        workspace=membership,
        workspaces=sorted(identity.memberships.values(), key=lambda one: one.name.lower()) if identity else [],
        can=_asker(membership),
        approvals_waiting=_counter(request, membership),
        csrf_token=get_csrf_token(request),
        static=_addresser(request),
        with_cursor=_pager(request),
        messages=take_messages(request),
        development=request.settings.development,
        version=releaseapp.__version__,
        last_event_id=_followed_from(request),
        now=clock.now_text(),
        maintenance=find_maintenance(request.db) if identity or getattr(request, "view_name", "") == "login" else None,
    )


def followed_view(view: View, info: Any) -> View:
    """Pyramid view deriver: notes from which event on a page is to follow, before the page looks at anything.

    What happens while it is made would be neither in it nor told to it afterwards.
    """
    if info.options.get("representation") != "html":
        return view

    def wrapper(context: Any, request: Request) -> Response:
        _followed_from(request)
        return view(context, request)

    return wrapper


def _followed_from(request: Request) -> int:
    if request.identity is None:
        return 0
    if "_followed_from" not in request.__dict__:
        request.__dict__["_followed_from"] = last_event_id(request.db)
    found: int = request.__dict__["_followed_from"]
    return found


def _membership(request: Request) -> Membership | None:
    node = getattr(request, "context", None)
    while node is not None:
        if isinstance(node, WorkspaceNode):
            return node.membership
        node = getattr(node, "__parent__", None)
    return None


def _asker(membership: Membership | None) -> Callable[[str], bool]:
    def can(permission: str) -> bool:
        return membership is not None and Permission(permission) in membership.permissions

    return can


def _counter(request: Request, membership: Membership | None) -> Callable[[], int]:
    def approvals_waiting() -> int:
        if membership is None:
            return 0
        return count_waiting_for(request.db, membership.workspace_id, request.identity)

    return approvals_waiting


def _addresser(request: Request) -> Callable[[str], str]:
    prefix = request.registry.static_prefix

    def static(path: str) -> str:
        return f"{prefix}{path}"

    return static


def _pager(request: Request) -> Callable[[str], str]:
    def with_cursor(cursor: str) -> str:
        kept = {name: value for name, value in request.GET.items() if name not in {"cursor", "fragment"}}
        return f"{request.path}?{urlencode({**kept, 'cursor': cursor})}"

    return with_cursor


def exact_time(value: str) -> str:
    """A stored time for people, in UTC to the second; pages turn it into the person's own zone."""
    moment: datetime = clock.parse(value)
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC")


def includeme(config: Any) -> None:
    """Sets up the templates."""
    config.include("pyramid_jinja2")
    config.add_settings(
        {
            "jinja2.directories": str(templates_folder()),
            "jinja2.filters": {"exact_time": exact_time},
            "jinja2.trim_blocks": "true",
            "jinja2.lstrip_blocks": "true",
            "jinja2.undefined": "strict",
        }
    )
    config.add_jinja2_renderer(".jinja2")
    config.add_subscriber(add_globals, BeforeRender)
    config.add_view_deriver(followed_view, name="followed_view")
