"""Credentials for browsers."""

from collections.abc import Callable

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import Response

from releaseapp.credentials import forms, service, testers
from releaseapp.credentials.api import refuse_breaking_rename, uses_in, uses_of
from releaseapp.credentials.contents import own_hosts
from releaseapp.credentials.models import Breaks, CredentialType
from releaseapp.credentials.resources import CredentialNode, Credentials
from releaseapp.credentials.schemas import LARGEST_BODY_BYTES, CredentialChange, CredentialCreate
from releaseapp.credentials.testers import Outcome
from releaseapp.credentials.types import HOSTS_MATTER, KINDS
from releaseapp.credentials.uses import visible
from releaseapp.errors import Conflict, Invalid
from releaseapp.permissions import Permission
from releaseapp.web.bodies import fit, posted
from releaseapp.web.forms import FormState
from releaseapp.web.messages import say
from releaseapp.web.paging import choice, cursor
from releaseapp.web.request import Request
from releaseapp.web.shown import show
from releaseapp.web.views import page
from releaseapp.workspaces.resources import WorkspaceNode


@page(Credentials, Permission.CREDENTIALS_VIEW)
def credentials_page(context: Credentials, request: Request) -> Response:
    """Credentials of a workspace."""
    current = cursor(request)
    kind = choice(request, "type", CredentialType)
    search = request.GET.get("q", "")
    found = service.list_credentials(
        request.db, context.above(WorkspaceNode).id, current.before, current.limit + 1, type_=kind, search=search
    )
    listed = current.page(found, lambda state: state.credential.id)
    uses = uses_in(context)
    membership = context.above(WorkspaceNode).membership
    rows = []
    for state in listed.items:
        used_by = uses.of(state.credential)
        rows.append((state.credential, visible(used_by, membership), len(used_by)))
    return show(
        request,
        "credentials/list",
        ("rows",),
        rows=rows,
        next_cursor=listed.next,
        type=kind,
        search=search,
        kinds=KINDS,
        vault=service.vault_state(request.db, context.vault),
    )


@page(Credentials, Permission.CREDENTIALS_MANAGE, name="new")
def new_credential_page(context: Credentials, request: Request) -> Response:
    """The types to choose from, or the form for one."""
    kind = choice(request, "type", CredentialType)
    return _show_new(context, request, kind, forms.empty(kind) if kind else FormState({}))


@page(Credentials, Permission.CREDENTIALS_MANAGE, "POST", body_limit=LARGEST_BODY_BYTES)
def create_credential(context: Credentials, request: Request) -> Response:
    """Adds the credential and goes to it."""
    kind = _kind_posted(request)
    try:
        given = fit(forms.body_of(request, kind), CredentialCreate)
        state = service.create_credential(
            request.db, context.vault, context.above(WorkspaceNode).id, given, actor=request.identity.account.id
        )
    except (Invalid, Conflict) as error:
        return _show_new(context, request, kind, forms.refused(request, kind, error))
    say(request, f"{state.credential.name} is kept. Its secret will not be shown again.")
    return HTTPSeeOther(request.resource_path(context, state.credential.id))


@page(CredentialNode, Permission.CREDENTIALS_VIEW)
def credential_page(context: CredentialNode, request: Request) -> Response:
    """What may be shown of a credential, who uses it, and its test."""
    return _show(context, request, FormState({}), None)


@page(CredentialNode, Permission.CREDENTIALS_MANAGE, "POST", name="test")
def test_credential(context: CredentialNode, request: Request) -> Response:
    """Tries it, and says on its page how that went."""
    try:
        url = posted(request).get("url", "")
        outcome = testers.try_out(context.vault, request.db, request.settings, context.credential, url)
    except (Invalid, Conflict) as error:
        return _show(context, request, forms.refused(request, context.credential.type, error), None)
    return _show(context, request, FormState({"url": url}), outcome)


@page(CredentialNode, Permission.CREDENTIALS_MANAGE, name="edit")
def edit_page(context: CredentialNode, request: Request) -> Response:
    """The form with name, hosts and scopes."""
    return _show_form(context, request, "edit", forms.filled(context.credential, context.state.revision))


@page(CredentialNode, Permission.CREDENTIALS_MANAGE, "POST", name="edit")
def change_credential(context: CredentialNode, request: Request) -> Response:
    """Saves name, hosts and scopes; a new name that would break something asks first."""
    return _change(context, request, "edit", lambda: fit(forms.about_of(request), CredentialChange))


@page(CredentialNode, Permission.CREDENTIALS_MANAGE, name="replace")
def replace_page(context: CredentialNode, request: Request) -> Response:
    """The form of the type, with what is no secret filled in."""
    return _show_form(context, request, "replace", forms.filled(context.credential, context.state.revision))


@page(CredentialNode, Permission.CREDENTIALS_MANAGE, "POST", name="replace", body_limit=LARGEST_BODY_BYTES)
def replace_secret(context: CredentialNode, request: Request) -> Response:
    """Puts new fields in the place of the old."""
    kind = context.credential.type
    return _change(context, request, "replace", lambda: fit(forms.fields_of(posted(request), kind), CredentialChange))


@page(CredentialNode, Permission.CREDENTIALS_MANAGE, name="delete")
def delete_page(context: CredentialNode, request: Request) -> Response:
    """Asks, and names what would break."""
    uses = uses_of(context)
    seen = visible(uses, context.above(WorkspaceNode).membership)
    return show(request, "credentials/delete", credential=context.credential, used_by=seen, uses=len(uses))


@page(CredentialNode, Permission.CREDENTIALS_MANAGE, "POST", name="delete")
def delete_credential(context: CredentialNode, request: Request) -> Response:
    """Removes the credential."""
    service.delete_credential(request.db, context.credential, actor=request.identity.account.id)
    say(request, f"{context.credential.name} is deleted.")
    return HTTPSeeOther(request.resource_path(context.__parent__).rstrip("/"))


def _change(context: CredentialNode, request: Request, template: str, read: Callable[[], CredentialChange]) -> Response:
    about = forms.about_form(request)
    try:
        change = read()
        if not about.force:
            refuse_breaking_rename(context, request, change)
        service.change_credential(
            request.db,
            context.vault,
            context.credential,
            change,
            actor=request.identity.account.id,
            guard=_unless_changed(about.revision),
        )
    except (Invalid, Conflict) as error:
        form = forms.refused(request, context.credential.type, error)
        return _show_form(context, request, template, form, breaks=isinstance(error, Breaks))
    say(request, "Saved." if template == "edit" else "The new secret is kept; it will not be shown again.")
    return HTTPSeeOther(request.resource_path(context).rstrip("/"))


def _unless_changed(revision: int | None) -> Callable[[int], None]:
    def guard(present: int) -> None:
        if revision is not None and revision != present:
            raise Conflict("Somebody else changed this credential while you did. Look at it again, and repeat yours.")

    return guard


def _kind_posted(request: Request) -> CredentialType:
    text = posted(request).get("type", "")
    if text not in set(CredentialType):
        raise Invalid.at("/type", f"type must be one of {', '.join(CredentialType)}.")
    return CredentialType(text)


def _show_new(context: Credentials, request: Request, kind: CredentialType | None, form: FormState) -> Response:
    return show(
        request,
        "credentials/new",
        type=kind,
        kinds=KINDS,
        form=form,
        rows=forms.row_count(form),
        hosts_matter=kind in HOSTS_MATTER,
        vault=service.vault_state(request.db, context.vault),
    )


def _show(context: CredentialNode, request: Request, form: FormState, outcome: Outcome | None) -> Response:
    uses = uses_of(context)
    return show(
        request,
        "credentials/show",
        ("facts",),
        credential=context.credential,
        kind=KINDS[context.credential.type],
        form=form,
        outcome=outcome,
        needs_url=testers.needs_url(context.credential.type),
        used_by=visible(uses, context.above(WorkspaceNode).membership),
        uses=len(uses),
        vault=service.vault_state(request.db, context.vault),
        hosts_matter=context.credential.type in HOSTS_MATTER,
    )


def _show_form(
    context: CredentialNode, request: Request, template: str, form: FormState, *, breaks: bool = False
) -> Response:
    return show(
        request,
        f"credentials/{template}",
        credential=context.credential,
        kind=KINDS[context.credential.type],
        type=context.credential.type,
        form=form,
        rows=forms.row_count(form),
        breaks=breaks,
        hosts_matter=context.credential.type in HOSTS_MATTER and not own_hosts(context.credential),
        vault=service.vault_state(request.db, context.vault),
    )
