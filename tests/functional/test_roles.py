"""Every view × every role × a stranger × nobody, read from the application itself.

A new view is in this test as soon as it is declared. One without a permission
fails here; one whose resource is not in ``ADDRESSES`` fails too, and is added there.
"""

import pytest

from releaseapp.errors import Conflict, NotAllowed
from releaseapp.permissions import DEFAULT_MATRIX, Permission, Role
from releaseapp.runs.approvals.service import open_approval
from releaseapp.runs.models import WHOLE
from releaseapp.runs.queues.service import publish
from releaseapp.runs.service import find_run
from releaseapp.steps.api import Ask
from releaseapp.tree import TREE
from releaseapp.web.view_table import declared_views
from releaseapp.web.views import OPEN, OPERATOR
from releaseapp.workspaces.service import identify, set_permission


@pytest.fixture
def world(app):
    """Aurora with one member of each role, an agent, a task and a memory item; and a stranger."""
    owner = app.as_program("avery.owner@example.com")
    people = {Role.OWNER: owner, Role.EDITOR: app.as_program("casey.editor@example.com")}
    for role, email in ((Role.ADMIN, "bailey.admin@example.com"), (Role.VIEWER, "devon.viewer@example.com")):
        owner.post_json("/workspaces/aurora/members", {"email": email, "role": role}, status=201)
        people[role] = app.as_program(email)
    stranger = app.as_program("emery.owner@example.com")
    agent = owner.post_json("/workspaces/aurora/agents", {"name": "Nova"}).json
    base = f"/workspaces/aurora/agents/{agent['id']}"
    task = owner.post_json(f"{base}/tasks", {"title": "Try"}).json
    item = owner.post_json(f"{base}/memory", {"key": "k", "value": 1}).json
    definition = {"name": "W", "steps": [{"id": "a", "type": "transform", "config": {"value": 1}}]}
    workflow = owner.post_json("/workspaces/aurora/workflows", {"definition": definition}).json
    credential = {"name": "Shop", "type": "api-key", "fields": {"key": "k-12345678"}}
    credential = owner.post_json("/workspaces/aurora/credentials", credential).json
    there = f"/workspaces/aurora/workflows/{workflow['id']}"
    owner.post_json(f"{there}/versions/1/publish", {})
    run = owner.post_json(f"{there}/run", {}, status=201).json
    db = app.app.registry.db
    with db.transaction() as tx:
        approval = open_approval(tx, find_run(db, run["workspace_id"], run["id"]), "a", WHOLE, Ask(title="Go on?"))
        message = publish(tx, run["workspace_id"], "orders", {"n": 1}, None)
    member = people[Role.VIEWER].get("/auth/me").json["user"]["id"]
    addresses = {
        "Root": "/",
        "ReleasePage": "/release",
        "Releases": "/release/releases",
        "ReleaseNode": "/release/releases/rel_none",
        "ChecksNode": "/release/checks",
        "OperationsNode": "/release/operations",
        "ConnectionsNode": "/release/connections",
        "RoleMatrixNode": "/release/roles",
        "Snapshots": "/release/snapshots",
        "SnapshotNode": "/release/snapshots/none",
        "Uploads": "/release/snapshots/uploads",
        "UploadNode": "/release/snapshots/uploads/upl_none",
        "MaintenanceNode": "/maintenance",
        "Auth": "/auth",
        "Sessions": "/auth/sessions",
        "SessionNode": "/auth/sessions/ses_none",
        "Tokens": "/auth/tokens",
        "TokenNode": "/auth/tokens/tok_none",
        "AccountNode": "/account",
        "AllAgents": "/agents",
        "Static": "/static",
        "Workspaces": "/workspaces",
        "WorkspaceNode": "/workspaces/aurora",
        "Members": "/workspaces/aurora/members",
        "MemberNode": f"/workspaces/aurora/members/{member}",
        "Roles": "/workspaces/aurora/roles",
        "Activity": "/workspaces/aurora/activity",
        "Credentials": "/workspaces/aurora/credentials",
        "CredentialNode": f"/workspaces/aurora/credentials/{credential['id']}",
        "Agents": "/workspaces/aurora/agents",
        "Approvals": "/workspaces/aurora/approvals",
        "ApprovalNode": f"/workspaces/aurora/approvals/{approval.id}",
        "AgentNode": base,
        "Tasks": f"{base}/tasks",
        "TaskNode": f"{base}/tasks/{task['id']}",
        "Memory": f"{base}/memory",
        "MemoryNode": f"{base}/memory/{item['id']}",
        "Queues": "/workspaces/aurora/queues",
        "QueueNode": "/workspaces/aurora/queues/orders",
        "MessageNode": f"/workspaces/aurora/queues/orders/{message}",
        "RunsNode": "/workspaces/aurora/runs",
        "RunNode": f"/workspaces/aurora/runs/{run['id']}",
        "StepsNode": f"/workspaces/aurora/runs/{run['id']}/steps",
        "StepNode": f"/workspaces/aurora/runs/{run['id']}/steps/a",
        "SettingsNode": "/workspaces/aurora/settings",
        "Schemas": "/schemas",
        "Workflows": "/workspaces/aurora/workflows",
        "WorkflowNode": f"/workspaces/aurora/workflows/{workflow['id']}",
        "Versions": f"/workspaces/aurora/workflows/{workflow['id']}/versions",
        "VersionNode": f"/workspaces/aurora/workflows/{workflow['id']}/versions/1",
    }
    return app, people, stranger, addresses


def ask(caller, view, addresses, method):
    path = addresses[view.context.__name__].rstrip("/") + (f"/{view.name}" if view.name else "") or "/"
    accept = {"Accept": "text/html" if view.representation == "html" else "application/json"}
    if method in {"GET", "HEAD"}:
        return caller.request(path, method=method, headers=accept, status="*")
    # An empty object is refused as input by most, after the permission was asked: that is all we want to know.
    return caller.request(path, method=method, headers=accept, body=b"{}", content_type="application/json", status="*")


def test_every_view_names_a_permission_and_every_resource_is_in_this_test(world):
    app, _, _, addresses = world
    views = declared_views(app.app.registry)
    assert len(views) > 30
    for view in views:
        assert view.permission not in {None, "never"}, f"{view} has no permission, so nobody may call it"
        assert view.context.__name__ in addresses, f"add an address for {view.context.__name__} to this test"
    for children in TREE.values():
        for child in children.values():
            assert child.__name__ in addresses


def test_a_role_may_call_exactly_what_the_matrix_grants(world):
    app, people, _, addresses = world
    views = [view for view in declared_views(app.app.registry) if view.permission in set(Permission)]
    seen = set()
    for view in views:
        for role in (Role.VIEWER, Role.EDITOR, Role.ADMIN, Role.OWNER):
            granted = view.permission in DEFAULT_MATRIX[role]
            for method in view.methods:
                if granted and (method == "DELETE" or (method == "POST" and view.name in {"delete", "remove"})):
                    continue  # told apart from the refusals below; the stories of each domain show that it works
                answer = ask(people[role], view, addresses, method)
                refused = answer.status_int == 403
                assert refused is not granted, f"{role} {method} {view.context.__name__}/{view.name}: {answer.status}"
                assert answer.status_int < 500
                seen.add((role, granted))
    assert {(Role.VIEWER, False), (Role.VIEWER, True), (Role.OWNER, True)} <= seen


def test_a_stranger_cannot_tell_a_foreign_workspace_from_none(world):
    app, _, stranger, addresses = world
    for view in declared_views(app.app.registry):
        if view.permission not in set(Permission):
            continue
        for method in view.methods:
            foreign = ask(stranger, view, addresses, method)
            absent = ask(
                stranger, view, {name: path.replace("/aurora", "/absent") for name, path in addresses.items()}, method
            )
            assert foreign.status_int == 404, f"{method} {view.context.__name__}/{view.name}: {foreign.status}"
            assert foreign.body == absent.body
            assert without_id(foreign) == without_id(absent)


def without_id(answer):
    return sorted((name, value) for name, value in answer.headerlist if name not in {"X-Request-ID", "Set-Cookie"})


def test_nobody_is_asked_to_sign_in_whether_or_not_the_workspace_exists(world):
    app, _, _, addresses = world
    for view in declared_views(app.app.registry):
        if view.permission == OPEN:
            continue
        for method in view.methods:
            answer = ask(app, view, addresses, method)
            if view.representation == "html":
                # A form without its token is refused before anybody asks who sends it.
                assert answer.status_int in {303, 401, 403}, f"{method} {view.context.__name__}/{view.name}"
            else:
                assert answer.status_int in {401, 403}, f"{method} {view.context.__name__}/{view.name}: {answer.status}"
            assert b"Aurora" not in answer.body
    for path in ("/workspaces/aurora/agents", "/workspaces/absent/agents"):
        assert app.get(path, status=401).json["title"] == "Not signed in"


def test_taking_a_permission_from_a_role_shuts_its_views_and_giving_it_back_opens_them(app, seeded, settings):
    owner, casey = app.as_program("avery.owner@example.com"), app.as_program("casey.editor@example.com")
    actor = identify(seeded, settings, owner.authorization[1])
    casey.post_json("/workspaces/aurora/agents", {"name": "One"}, status=201)
    set_permission(seeded, "workspace-aurora", Role.EDITOR, Permission.AGENTS_EDIT, granted=False, actor=actor)
    casey.post_json("/workspaces/aurora/agents", {"name": "Two"}, status=403)
    roles = {row["permission"]: row["roles"] for row in owner.get("/workspaces/aurora/roles").json["items"]}
    assert roles["agents.edit"] == ["admin", "owner"]
    last = owner.get("/workspaces/aurora/activity?limit=1").json["items"][0]
    assert (last["type"], last["data"]["permission"]) == ("workspace.roles_changed", "agents.edit")
    set_permission(seeded, "workspace-aurora", Role.EDITOR, Permission.AGENTS_EDIT, granted=True, actor=actor)
    casey.post_json("/workspaces/aurora/agents", {"name": "Three"}, status=201)


def test_only_owners_change_the_matrix_and_never_their_own_column(app, seeded, settings):
    casey = identify(seeded, settings, app.as_program("casey.editor@example.com").authorization[1])
    with pytest.raises(NotAllowed):
        set_permission(seeded, "workspace-aurora", Role.VIEWER, Permission.AGENTS_EDIT, granted=True, actor=casey)
    avery = identify(seeded, settings, app.as_program("avery.owner@example.com").authorization[1])
    with pytest.raises(Conflict):
        set_permission(seeded, "workspace-aurora", Role.OWNER, Permission.AGENTS_EDIT, granted=False, actor=avery)


def test_what_concerns_the_server_is_for_operators_and_never_for_their_programs(world):
    app, people, stranger, addresses = world
    token = people[Role.OWNER].post_json(
        "/auth/tokens", {"workspace": "aurora", "name": "ci", "role": "owner"}, status=201
    )
    program = app.with_token(token.json["token"])
    for view in declared_views(app.app.registry):
        if view.permission != OPERATOR:
            continue
        for method in view.methods:
            for caller in (people[Role.ADMIN], stranger, program):
                answer = ask(caller, view, addresses, method)
                assert answer.status_int == 403, f"{method} {view.context.__name__}/{view.name}: {answer.status}"
            if method == "GET":
                answer = ask(people[Role.OWNER], view, addresses, method)
                assert answer.status_int != 403
                assert answer.status_int < 500
