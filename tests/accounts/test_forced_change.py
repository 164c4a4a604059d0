"""Whoever has to change the password reaches nothing but that, and signing out."""

import pytest
from click.testing import CliRunner
from conftest import App

from releaseapp.cli import main
from releaseapp.events.queries import list_events_after
from releaseapp.seeds import SEED_PASSWORD
from releaseapp.snapshots.models import Reason
from releaseapp.snapshots.service import make_snapshot
from releaseapp.web.view_table import declared_views
from releaseapp.web.views import OPEN

CASEY = "casey.editor@example.com"
GOOD = "tulip canyon ferry"
CHANGE = {"current_password": SEED_PASSWORD, "new_password": GOOD}


@pytest.fixture
def due(app, command):
    """The front door, with an account that has to change its password."""
    assert command("password", CASEY, "--keep-until-sign-in").exit_code == 0
    return app


def test_a_browser_is_led_to_the_form_and_then_on_to_where_it_wanted_to_go(due):
    casey = due.as_browser(CASEY)
    led = casey.get("/workspaces/aurora/agents?q=nova", status=303)
    form = casey.get(led.location, status=200).forms["password"]
    form["current_password"], form["new_password"] = SEED_PASSWORD, GOOD
    on = form.submit(status=303)
    assert on.location.endswith("/workspaces/aurora/agents?q=nova")
    casey.get(on.location, status=200)
    casey.get("/auth/password", status=303)


def test_the_form_shows_nothing_of_what_is_shut_and_says_why_it_is_there(due):
    page = due.as_browser(CASEY).get("/auth/password", status=200)
    assert CASEY in page
    assert "Aurora" not in page
    assert page.html.find("nav") is None
    assert page.html.find("h1").text == "Take a new password"


def test_a_refused_change_keeps_the_form_and_the_way_on(due):
    casey = due.as_browser(CASEY)
    form = casey.get("/auth/password?next=/agents").forms["password"]
    form["current_password"], form["new_password"] = "not this", "Password2026!"
    refused = form.submit(status=400)
    assert "current_password is not right" in refused
    assert "anybody tries" in refused
    assert refused.forms["password"]["next"].value == "/agents"
    assert refused.forms["password"]["current_password"].value == ""
    casey.get("/agents", status=303)


def test_nobody_is_sent_to_another_site_after_the_change(due):
    casey = due.as_browser(CASEY)
    form = casey.get("/auth/password?next=//evil.example/").forms["password"]
    form["current_password"], form["new_password"] = SEED_PASSWORD, GOOD
    assert form.submit(status=303).location == "http://localhost/"


def test_a_program_is_told_the_cure_and_follows_it(due, seeded):
    casey = due.as_program(CASEY)
    refused = casey.get("/auth/me", status=403)
    assert refused.content_type == "application/problem+json"
    assert "/auth/password" in refused.json["detail"]
    renewed = casey.post_json("/auth/password", CHANGE, status=200).json
    assert renewed["user"]["must_change_password"] is False
    casey.get("/auth/me", status=401)
    due.with_token(renewed["token"]).get("/auth/me", status=200)
    types = [event.type for event in list_events_after(seeded, 0, 10_000)][-3:]
    assert types == ["account.updated", "session.ended", "session.started"]


def test_the_change_ends_every_other_session_and_the_new_one_stays(due):
    here, there = due.as_program(CASEY), due.as_program(CASEY)
    token = here.post_json("/auth/password", CHANGE, status=200).json["token"]
    there.get("/auth/me", status=401)
    here.get("/auth/me", status=401)
    now = due.with_token(token)
    assert [one["current"] for one in now.get("/auth/sessions").json["items"]] == [True]


def test_the_same_password_again_is_no_change(due):
    casey = due.as_program(CASEY)
    same = {**CHANGE, "new_password": SEED_PASSWORD}
    casey.post_json("/auth/password", same, status=400)
    casey.get("/auth/me", status=403)


def test_one_may_sign_out_instead(due):
    casey = due.as_browser(CASEY)
    form = next(form for form in casey.get("/auth/password").forms.values() if form.action == "/auth/logout")
    form.submit(status=303)
    program = due.as_program(CASEY)
    program.post_json("/auth/logout", {}, status=204)


def test_every_view_that_is_not_open_to_all_is_shut(due):
    casey = due.as_program(CASEY)
    paths = {"Root": "/", "AccountNode": "/account", "AllAgents": "/agents", "Sessions": "/auth/sessions"}
    paths |= {
        "Tokens": "/auth/tokens",
        "Workspaces": "/workspaces",
        "Auth": "/auth",
        "WorkspaceNode": "/workspaces/aurora",
    }
    asked = 0
    for view in declared_views(due.app.registry):
        path = paths.get(view.context.__name__)
        html = view.representation == "html"
        of_nobody = view.permission == OPEN and not html
        if path is None or of_nobody or view.name in {"login", "logout", "password"}:
            continue
        for method in view.methods:
            answer = casey.request(
                f"{path}/{view.name}" if view.name else path,
                method=method,
                headers={"Accept": "text/html" if html else "application/json"},
                body=b"" if method in {"GET", "HEAD"} else b"{}",
                content_type="application/json",
                status="*",
            )
            told = answer.location if html and answer.status_int == 303 else answer.text
            assert answer.status_int == (303 if html else 403) or "Your role" in answer.text, (
                f"{method} {path} {view.name}"
            )
            assert "/auth/password" in told or method == "HEAD" or "Your role" in answer.text
            asked += 1
    assert asked > 15


def test_tokens_of_programs_go_on(app, command):
    casey = app.as_program(CASEY)
    made = casey.post_json("/auth/tokens", {"name": "ci", "workspace": "aurora"}, status=201).json
    command("password", CASEY, "--keep-until-sign-in")
    app.with_token(made["token"]).get("/workspaces/aurora/agents", status=200)


def test_guessing_at_the_present_password_has_to_wait(due):
    casey = due.as_program(CASEY)
    wrong = {"current_password": "a wrong guess", "new_password": GOOD}
    statuses = [casey.post_json("/auth/password", wrong, status="*").status_int for _ in range(11)]
    assert statuses == [400] * 10 + [429]
    casey.post_json("/auth/password", CHANGE, status=429)


def test_pages_that_fetch_a_part_are_led_to_the_start_not_to_the_part(due):
    led = due.as_browser(CASEY).get("/agents?fragment=list", status=303)
    assert led.location == "http://localhost/auth/password"


def test_signing_in_leads_there_and_static_files_are_served(due):
    browser = App(due.app, extra_environ={"HTTP_ACCEPT": "text/html"})
    form = browser.get("/auth/login").forms["sign-in"]
    form["email"], form["password"] = CASEY, SEED_PASSWORD
    page = form.submit(status=303).follow(status=303).follow(status=200)
    for link in page.html.find_all("link"):
        browser.get(link["href"], status=200)


def test_a_program_that_signs_in_is_told_what_is_due_and_nothing_of_what_is_shut(due):
    told = due.post_json("/auth/login", {"email": CASEY, "password": SEED_PASSWORD}).json
    assert told["user"]["must_change_password"] is True
    assert told["workspaces"] == []


def test_a_restore_of_an_older_snapshot_loosens_nothing(app, command, ini):
    """By the front door: what was tightened since a snapshot is as tight when that is put back."""
    devon, bailey, avery = "devon.viewer@example.com", "bailey.admin@example.com", "avery.owner@example.com"
    registry = app.app.registry
    program = app.as_program(devon)
    then = make_snapshot(registry.snapshots, Reason.ASKED, None).manifest.name
    assert command("password", CASEY, "--keep-until-sign-in").exit_code == 0
    assert command("password", devon, "--password", GOOD, "--no-change-at-next-sign-in").exit_code == 0
    assert command("disable", bailey).exit_code == 0
    assert command("operator", "emery.owner@example.com", "on").exit_code == 0
    assert command("operator", avery, "off").exit_code == 0
    restored = CliRunner().invoke(main, ["snapshot", "restore", str(ini), then, "--yes"])
    assert restored.exit_code == 0, restored.output

    assert app.post_json("/auth/login", {"email": CASEY, "password": SEED_PASSWORD}).json["workspaces"] == []
    app.post_json("/auth/login", {"email": devon, "password": SEED_PASSWORD}, status=401)
    app.post_json("/auth/login", {"email": devon, "password": GOOD})
    app.post_json("/auth/login", {"email": bailey, "password": SEED_PASSWORD}, status=401)
    program.get("/auth/me", status=401)
    app.as_program(avery).get("/release/snapshots", status=403)
