"""One workflow and its versions, for browsers."""

from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import Response

from releaseapp.errors import AppError, Conflict
from releaseapp.permissions import Permission
from releaseapp.web.messages import say
from releaseapp.web.request import Request
from releaseapp.web.shown import show
from releaseapp.web.views import page
from releaseapp.workflows import graph, service
from releaseapp.workflows.models import Action, Workflow
from releaseapp.workflows.names import account_names, agent_names
from releaseapp.workflows.resources import VersionNode, WorkflowNode, store_of
from releaseapp.workflows.store import By
from releaseapp.workflows.yaml_keeping import text_of


@page(WorkflowNode, Permission.WORKFLOWS_VIEW)
def workflow_page(context: WorkflowNode, request: Request) -> Response:
    """The workflow: its steps as they count now, its versions, its history."""
    workflow = context.workflow
    return show(
        request,
        "workflows/show",
        ("head", "versions", "history"),
        workflow=workflow,
        definition=workflow.shown.data(),
        draw=graph.draw,
        account_name=account_names(request.db),
        agent_name=agent_names(request.db, workflow.workspace_id),
    )


@page(VersionNode, Permission.WORKFLOWS_VIEW)
def version_page(context: VersionNode, request: Request) -> Response:
    """One version as YAML."""
    workflow, version = context.above(WorkflowNode).workflow, context.version
    return show(request, "workflows/version", workflow=workflow, version=version, text=text_of(version))


@page(VersionNode, Permission.WORKFLOWS_PUBLISH, "POST", name="publish")
def publish(context: VersionNode, request: Request) -> Response:
    """Publishes the draft; ``anyway`` also when another was published since it was begun."""
    node, number = context.above(WorkflowNode), context.version.number
    by, anyway = By(request.identity.account.id), request.POST.get("anyway") == "yes"
    try:
        service.publish(store_of(request), node.workflow, number, by, anyway=anyway)
    except Conflict as error:
        say(request, str(error), "error")
        if node.workflow.published_version is None:
            return HTTPSeeOther(request.resource_path(context).rstrip("/"))
        query = {"against": node.workflow.published_version}
        return HTTPSeeOther(request.resource_path(context, "difference", query=query))
    say(request, f"Version {number} is published.")
    return HTTPSeeOther(request.resource_path(node).rstrip("/"))


@page(VersionNode, Permission.WORKFLOWS_EDIT, "POST", name="duplicate")
def duplicate(context: VersionNode, request: Request) -> Response:
    """Adds a draft with this version's definition, and opens it."""
    return _add(context, request, Action.DUPLICATED)


@page(VersionNode, Permission.WORKFLOWS_EDIT, "POST", name="revert")
def revert(context: VersionNode, request: Request) -> Response:
    """Adds a draft that goes back to this version, and opens it."""
    return _add(context, request, Action.REVERTED)


def _add(context: VersionNode, request: Request, action: Action) -> Response:
    node = context.above(WorkflowNode)
    by = By(request.identity.account.id)
    after = service.add_draft(store_of(request), node.workflow, context.version.number, action, by)
    number = after.versions[-1].number
    say(request, f"Version {number} is a draft with what version {context.version.number} says.")
    return HTTPSeeOther(request.resource_path(node, "versions", str(number), "edit"))


@page(VersionNode, Permission.WORKFLOWS_PUBLISH, "POST", name="revert-and-publish")
def revert_and_publish(context: VersionNode, request: Request) -> Response:
    """Goes back to this version at once."""
    node, number = context.above(WorkflowNode), context.version.number
    service.revert_and_publish(store_of(request), node.workflow, number, By(request.identity.account.id))
    say(request, f"What version {number} says is published again.")
    return HTTPSeeOther(request.resource_path(node).rstrip("/"))


@page(WorkflowNode, Permission.WORKFLOWS_PUBLISH, "POST", name="pause")
def pause(context: WorkflowNode, request: Request) -> Response:
    """Has triggers fire no more."""
    return _deed(context, request, service.pause, "Paused: triggers do not fire until it is resumed.")


@page(WorkflowNode, Permission.WORKFLOWS_PUBLISH, "POST", name="resume")
def resume(context: WorkflowNode, request: Request) -> Response:
    """Has triggers fire again."""
    return _deed(context, request, service.resume, "Resumed.")


@page(WorkflowNode, Permission.WORKFLOWS_EDIT, "POST", name="delete")
def delete(context: WorkflowNode, request: Request) -> Response:
    """Puts the workflow into the bin."""
    return _deed(context, request, service.delete_workflow, "In the bin. It can be restored for 30 days.")


@page(WorkflowNode, Permission.WORKFLOWS_EDIT, "POST", name="restore")
def restore(context: WorkflowNode, request: Request) -> Response:
    """Takes the workflow out of the bin."""
    return _deed(context, request, service.restore_workflow, "Restored.")


def _deed(context: WorkflowNode, request: Request, do: Any, told: str) -> Response:
    try:
        workflow: Workflow = do(store_of(request), context.workflow, By(request.identity.account.id))
    except AppError as error:
        say(request, str(error), "error")
        return HTTPSeeOther(request.resource_path(context).rstrip("/"))
    say(request, told)
    return HTTPSeeOther(
        request.resource_path(context if workflow.deleted_at is None else context.__parent__).rstrip("/")
    )
