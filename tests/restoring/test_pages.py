"""The page that shows what would be lost, and does it; the same for programs that only look."""

import pytest
from running import until_over

from releaseapp.operations.service import list_operations
from releaseapp.snapshots.models import Reason
from releaseapp.snapshots.service import Snapshots, make_snapshot

OPERATOR = "avery.owner@example.com"


@pytest.fixture
def name(app):
    registry = app.app.registry
    s = Snapshots(registry.db, registry.workflow_file, registry.app_settings, registry.vault)
    return make_snapshot(s, Reason.ASKED, None).manifest.name


def ended(db):
    """The newest operation, once it is over."""
    until_over(list_operations(db, 1)[0].id)
    return list_operations(db, 1)[0]


def test_an_operator_sees_the_loss_and_puts_it_back_and_stays_signed_in(app, name):
    db = app.app.registry.db
    operator = app.as_browser(OPERATOR)
    then = db.first("SELECT COUNT(*) AS n FROM agents")["n"]
    operator_program = app.as_program(OPERATOR)
    operator_program.post_json("/workspaces/aurora/agents", {"name": "Added Since"}, status=201)
    page = operator.get(f"/release/snapshots/{name}/restore")
    page.mustcontain("Added Since", "Then and now", "Put it back")
    forms = [form for form in page.forms.values() if form.action.endswith("/restore")]
    assert forms[0].submit().status_int == 303
    done = ended(db)
    assert (done.status, done.kind) == ("done", "restore"), done.sentence
    assert db.first("SELECT COUNT(*) AS n FROM agents")["n"] == then
    assert operator.get("/release/operations").status_int == 200


def test_it_can_be_tried_aside(app, name):
    operator = app.as_browser(OPERATOR)
    page = operator.get(f"/release/snapshots/{name}/restore")
    forms = [form for form in page.forms.values() if form.action.endswith("/drill")]
    assert forms[0].submit().status_int == 303
    done = ended(app.app.registry.db)
    assert (done.status, done.kind) == ("done", "drill"), done.sentence


def test_what_there_is_not_is_not_found_and_others_may_not(app, name):
    operator = app.as_browser(OPERATOR)
    operator.get("/release/snapshots/none/restore", status=404)
    editor = app.as_browser("casey.editor@example.com")
    editor.get(f"/release/snapshots/{name}/restore", status="4*")
