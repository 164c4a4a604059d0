"""Workflows and their versions over JSON; definitions also as YAML."""

from functools import partial
from typing import Any

from msgspec import UNSET
from pyramid.response import Response

from releaseapp.errors import Conflict, Invalid
from releaseapp.permissions import Permission
from releaseapp.web.answers import created, entity, guard, json_answer
from releaseapp.web.bodies import read, read_optional
from releaseapp.web.paging import choice, cursor
from releaseapp.web.request import Request
from releaseapp.web.views import OPEN, api
from releaseapp.workflows import service, templates, yaml_text
from releaseapp.workflows.definition import json_schema
from releaseapp.workflows.differences import compare, summary
from releaseapp.workflows.listing import Order, Standing, Wanted, after, find_workflows, page_key
from releaseapp.workflows.models import Action, Version, Workflow
from releaseapp.workflows.resources import Schemas, VersionNode, Versions, WorkflowNode, Workflows, store_of
from releaseapp.workflows.schemas import Deed, DraftChange, Publication, WorkflowChange, WorkflowCreate
from releaseapp.workflows.store import By, Written
from releaseapp.workflows.workflow_settings import change_settings, etag
from releaseapp.workflows.yaml_keeping import text_of
from releaseapp.workspaces.resources import WorkspaceNode


@api(Schemas, OPEN, name="workflow.json")
def show_schema(_context: Schemas, _request: Request) -> Response:
    """The JSON Schema of a definition, for editors."""
    return json_answer(json_schema())


@api(Workflows, Permission.WORKFLOWS_VIEW)
def list_workflows(context: Workflows, request: Request) -> Response:
    """The workflows of a workspace; :func:`wanted` says what may be asked for, besides ``?limit=`` and ``?cursor=``."""
    page, asked = cursor(request), wanted(request)
    found = find_workflows(store_of(request), context.above(WorkspaceNode).id, asked).workflows
    shown_page = page.page(after(found, page.before, asked.order)[: page.limit + 1], page_key(asked.order))
    return json_answer({"items": [shown(one) for one in shown_page.items], "next": shown_page.next})


@api(Workflows, Permission.WORKFLOWS_VIEW, name="templates")
def list_templates(_context: Workflows, _request: Request) -> Response:
    """Definitions to begin with, and sample inputs for each."""
    return json_answer({"items": templates.list_templates(), "next": None})


@api(Workflows, Permission.WORKFLOWS_EDIT, "POST")
def create_workflow(context: Workflows, request: Request) -> Response:
    """Adds a workflow with its first draft: 201 with its address."""
    given = read(request, WorkflowCreate)
    workflow = service.create_workflow(
        store_of(request),
        context.above(WorkspaceNode).id,
        _beginning_of(given),
        By(request.identity.account.id, given.change_summary),
        tags=given.tags,
        agent_id=given.agent_id,
    )
    return created(shown(workflow), request.resource_url(context, workflow.id), etag(workflow))


@api(WorkflowNode, Permission.WORKFLOWS_VIEW)
def show_workflow(context: WorkflowNode, request: Request) -> Response:
    """One workflow with its versions, without their definitions."""
    return entity(request, shown(context.workflow), etag(context.workflow))


@api(WorkflowNode, Permission.WORKFLOWS_EDIT, "PATCH")
def change_workflow(context: WorkflowNode, request: Request) -> Response:
    """Sets the owner agent and the tags, as far as the body names them; ``If-Match`` guards both."""
    given = read(request, WorkflowChange)
    by = By(request.identity.account.id)
    workflow = change_settings(store_of(request), context.workflow, given, by, guard=partial(guard, request))
    return json_answer(shown(workflow), etag=etag(workflow))


@api(WorkflowNode, Permission.WORKFLOWS_EDIT, "DELETE")
def delete_workflow(context: WorkflowNode, request: Request) -> Response:
    """Puts the workflow into the bin for 30 days."""
    return json_answer(shown(service.delete_workflow(store_of(request), context.workflow, _by(request))))


@api(WorkflowNode, Permission.WORKFLOWS_EDIT, "POST", name="restore")
def restore_workflow(context: WorkflowNode, request: Request) -> Response:
    """Takes the workflow out of the bin."""
    return json_answer(shown(service.restore_workflow(store_of(request), context.workflow, _by(request))))


@api(WorkflowNode, Permission.WORKFLOWS_PUBLISH, "POST", name="pause")
def pause_workflow(context: WorkflowNode, request: Request) -> Response:
    """Has triggers fire no more."""
    return json_answer(shown(service.pause(store_of(request), context.workflow, _by(request))))


@api(WorkflowNode, Permission.WORKFLOWS_PUBLISH, "POST", name="resume")
def resume_workflow(context: WorkflowNode, request: Request) -> Response:
    """Has triggers fire again."""
    return json_answer(shown(service.resume(store_of(request), context.workflow, _by(request))))


@api(WorkflowNode, Permission.WORKFLOWS_VIEW, name="history")
def show_history(context: WorkflowNode, _request: Request) -> Response:
    """Everything that was done to the workflow, newest first."""
    return json_answer({"items": context.workflow.history[::-1], "next": None})


@api(Versions, Permission.WORKFLOWS_VIEW)
def list_versions(context: Versions, _request: Request) -> Response:
    """The versions, newest first, without their definitions."""
    versions = context.above(WorkflowNode).workflow.versions
    return json_answer({"items": [version_shown(one) for one in versions[::-1]], "next": None})


@api(VersionNode, Permission.WORKFLOWS_VIEW)
def show_version(context: VersionNode, request: Request) -> Response:
    """One version with its definition; ``?format=yaml`` gives the definition alone, as YAML."""
    version = context.version
    if request.GET.get("format") == "yaml":
        return Response(text_of(version).encode(), content_type="application/yaml", charset=None)
    return entity(request, {**version_shown(version), "definition": version.definition}, _etag(version))


@api(VersionNode, Permission.WORKFLOWS_EDIT, "PUT")
def change_draft(context: VersionNode, request: Request) -> Response:
    """Replaces what a draft says; ``If-Match`` guards it."""
    given = read(request, DraftChange)
    workflow = service.change_draft(
        store_of(request),
        context.above(WorkflowNode).workflow,
        context.version.number,
        definition_of(given),
        By(request.identity.account.id, given.change_summary),
        partial(guard, request),
    )
    version = service.get_version(workflow, context.version.number)
    return json_answer({**version_shown(version), "definition": version.definition}, etag=_etag(version))


@api(VersionNode, Permission.WORKFLOWS_PUBLISH, "POST", name="publish")
def publish(context: VersionNode, request: Request) -> Response:
    """Makes the draft the published version; 409 with the difference when another was published meanwhile."""
    given = read_optional(request, Publication)
    by = By(request.identity.account.id, given.change_summary)
    workflow = context.above(WorkflowNode).workflow
    try:
        published = service.publish(store_of(request), workflow, context.version.number, by, anyway=given.anyway)
    except service.Overtaken as error:
        if error.published is None:
            raise
        found = compare(error.published.data(), error.draft.data())
        raise Conflict(
            str(error), published_version=error.published.number, summary=summary(found), difference=found
        ) from error
    return json_answer(shown(published))


@api(VersionNode, Permission.WORKFLOWS_EDIT, "POST", name="duplicate")
def duplicate(context: VersionNode, request: Request) -> Response:
    """Adds a draft with this version's definition."""
    return _add(context, request, Action.DUPLICATED)


@api(VersionNode, Permission.WORKFLOWS_EDIT, "POST", name="revert")
def revert(context: VersionNode, request: Request) -> Response:
    """Adds a draft that goes back to this version."""
    return _add(context, request, Action.REVERTED)


@api(VersionNode, Permission.WORKFLOWS_PUBLISH, "POST", name="revert-and-publish")
def revert_and_publish(context: VersionNode, request: Request) -> Response:
    """Goes back to this version at once."""
    workflow = context.above(WorkflowNode).workflow
    by = _by(request)
    return json_answer(shown(service.revert_and_publish(store_of(request), workflow, context.version.number, by)))


@api(VersionNode, Permission.WORKFLOWS_EDIT, "POST", name="archive")
def archive(context: VersionNode, request: Request) -> Response:
    """Puts the version away; a published one needs the permission to publish."""
    workflow = context.above(WorkflowNode).workflow
    if workflow.published_version == context.version.number and not request.has_permission(
        Permission.WORKFLOWS_PUBLISH, context
    ):
        raise Conflict("This version is published; only who may publish can archive it.")
    return json_answer(
        shown(service.archive_version(store_of(request), workflow, context.version.number, _by(request)))
    )


def wanted(request: Request) -> Wanted:
    """What a list is asked for: ``?q=``, ``?tag=``, ``?status=``, ``?agent=``, ``?sort=`` and ``?bin=1``.

    Raises Invalid for a status or an order that there is not.
    """
    return Wanted(
        search=request.GET.get("q", ""),
        tag=request.GET.get("tag", ""),
        standing=choice(request, "status", Standing),
        agent_id=request.GET.get("agent", ""),
        order=choice(request, "sort", Order) or Order.CHANGED,
        deleted=request.GET.get("bin") == "1",
    )


def _beginning_of(given: WorkflowCreate) -> Written | dict[str, Any]:
    if given.template is UNSET:
        if given.name is not UNSET:
            raise Invalid.at("/name", "name goes with template; a definition has its own.")
        return definition_of(given)
    if not (given.definition is UNSET is given.yaml):
        raise Invalid.at("/template", "Give a template, a definition or yaml, one of them.")
    return templates.begin(given.template, "" if given.name is UNSET else given.name)


def definition_of(given: WorkflowCreate | DraftChange) -> Written | dict[str, Any]:
    """The definition that a body brings, as an object or as YAML; raises Invalid, with lines where it is YAML."""
    if (given.definition is UNSET) == (given.yaml is UNSET):
        raise Invalid.at("/definition", "Give either definition, an object, or yaml, a text.")
    if isinstance(given.yaml, str):
        value, _ = yaml_text.load(given.yaml)
        if not isinstance(value, dict):
            raise Invalid.at("/yaml", "A definition is a mapping with a name and steps.")
        return Written(value, given.yaml)
    return given.definition  # type: ignore[return-value]


def shown(workflow: Workflow) -> dict[str, Any]:
    """A workflow as the API gives it: name and description are those of the version that counts."""
    version = workflow.shown
    return {
        "id": workflow.id,
        "workspace_id": workflow.workspace_id,
        "name": version.name,
        "description": version.description,
        "status": workflow.status,
        "agent_id": workflow.agent_id,
        "tags": workflow.tags,
        "published_version": workflow.published_version,
        "triggers": [],
        "versions": [version_shown(one) for one in workflow.versions[::-1]],
        "created_at": workflow.created_at,
        "updated_at": workflow.updated_at,
        "deleted_at": workflow.deleted_at,
    }


def version_shown(version: Version) -> dict[str, Any]:
    """A version without its definition."""
    fields = ("number", "status", "author", "change_summary", "base", "name", "created_at", "updated_at")
    return {name: getattr(version, name) for name in fields}


def _add(context: VersionNode, request: Request, action: Action) -> Response:
    workflow = context.above(WorkflowNode).workflow
    after = service.add_draft(store_of(request), workflow, context.version.number, action, _by(request))
    version = after.versions[-1]
    return created(
        version_shown(version), request.resource_url(context.__parent__, str(version.number)), _etag(version)
    )


def _by(request: Request) -> By:
    return By(request.identity.account.id, read_optional(request, Deed).change_summary)


def _etag(version: Version) -> str:
    return f"{version.revision}.{version.status}"
