"""Settings of a workspace and limits of workflows, through the front door."""

import pytest

from releaseapp import make_app

SETTINGS = "/workspaces/aurora/settings"
DEFAULTS = {"keep_days": 30, "keep_runs": 10_000, "keep_megabytes": 1000, "runs_at_once": 50}
NOTHING = dict.fromkeys(DEFAULTS)


@pytest.fixture
def avery(app):
    return app.as_program("avery.owner@example.com")


@pytest.fixture
def browser(app):
    return app.as_browser("avery.owner@example.com")


@pytest.fixture
def limit(avery):
    definition = {"name": "Invoices", "steps": [{"id": "a", "type": "transform", "config": {"value": 1}}]}
    made = avery.post_json("/workspaces/aurora/workflows", {"definition": definition}).json
    return f"/workspaces/aurora/workflows/{made['id']}/limit"


def test_a_workspace_says_nothing_at_first_and_what_it_says_is_kept(avery):
    assert avery.get(SETTINGS).json == {**NOTHING, "defaults": DEFAULTS}
    changed = avery.patch_json(SETTINGS, {"keep_days": 7, "runs_at_once": 0}).json
    assert changed == {**NOTHING, "keep_days": 7, "runs_at_once": 0, "defaults": DEFAULTS}
    avery.patch_json(SETTINGS, {"keep_megabytes": 5})
    avery.patch_json(SETTINGS, {"keep_days": None})
    assert avery.get(SETTINGS).json == {**NOTHING, "keep_megabytes": 5, "runs_at_once": 0, "defaults": DEFAULTS}
    assert avery.get("/workspaces/lumen/settings").json == {**NOTHING, "defaults": DEFAULTS}


def test_a_change_is_in_the_log_with_before_and_after_and_no_change_is_not(avery, browser):
    avery.patch_json(SETTINGS, {"keep_days": 7})
    avery.patch_json(SETTINGS, {"keep_days": 7})
    news = avery.get("/workspaces/aurora/activity?limit=2").json["items"]
    assert [one["type"] for one in news].count("workspace.updated") == 1
    assert (news[0]["data"]["before"]["keep_days"], news[0]["data"]["after"]["keep_days"]) == (None, 7)
    assert "changed the workspace" in browser.get("/workspaces/aurora/activity").text


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"keep_days": -1}, "/keep_days"),
        ({"keep_days": 3651}, "/keep_days"),
        ({"keep_runs": "10"}, "/keep_runs"),
        ({"keep_runs": 1.5}, "/keep_runs"),
        ({"keep_megabytes": 10**12}, "/keep_megabytes"),
        ({"runs_at_once": True}, "/runs_at_once"),
        ({"keep_weeks": 1}, "/keep_weeks"),
        ([], ""),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused_by_its_name_and_changes_nothing(avery, body, pointer):
    refused = avery.patch_json(SETTINGS, body, status=400).json
    assert [fault["pointer"] for fault in refused["errors"]] == [pointer]
    assert avery.get(SETTINGS).json == {**NOTHING, "defaults": DEFAULTS}


def test_the_page_shows_the_defaults_and_saves_what_is_typed(avery, browser):
    page = browser.get("/workspaces/aurora").click("Settings", href=SETTINGS)
    form = page.forms["settings"]
    assert {name: form[name].value for name in DEFAULTS} == dict.fromkeys(DEFAULTS, "")
    assert "default, 10,000." in page.text
    form["keep_days"], form["keep_runs"], form["runs_at_once"] = "90", " 500 ", "0"
    after = form.submit(status=303).follow()
    assert "Saved." in after.text
    assert {name: after.forms["settings"][name].value for name in DEFAULTS} == {
        "keep_days": "90",
        "keep_runs": "500",
        "keep_megabytes": "",
        "runs_at_once": "0",
    }
    after.forms["settings"]["keep_days"] = ""
    after.forms["settings"].submit(status=303)
    assert avery.get(SETTINGS).json["keep_days"] is None


@pytest.mark.parametrize("typed", ["-1", "x", "1.5", "1e3", "99999", "²", "1\x00"])
def test_what_is_typed_and_cannot_be_is_kept_with_its_fault_beside_it(avery, browser, typed):
    form = browser.get(SETTINGS).forms["settings"]
    form["keep_days"], form["keep_runs"] = typed, "500"
    refused = form.submit(status=400)
    assert refused.forms["settings"]["keep_runs"].value == "500"
    assert refused.html.select_one("#keep_days-error") is not None
    assert avery.get(SETTINGS).json == {**NOTHING, "defaults": DEFAULTS}


def test_settings_are_for_those_who_manage_them(app):
    editor = "casey.editor@example.com"
    app.as_program(editor).get(SETTINGS, status=403)
    app.as_program(editor).patch_json(SETTINGS, {"keep_days": 1}, status=403)
    assert f'href="{SETTINGS}"' not in app.as_browser(editor).get("/workspaces/aurora").text
    app.as_program("emery.owner@example.com").get(SETTINGS, status=404)
    app.get(SETTINGS, status=401)


def test_a_workflow_has_a_limit_of_its_own(avery, browser, limit):
    assert avery.get(limit).json == {"runs_at_once": None, "defaults": {"runs_at_once": 0}}
    assert avery.patch_json(limit, {"runs_at_once": 2}).json["runs_at_once"] == 2
    for body in ({}, {"runs_at_once": -1}, {"runs_at_once": 10_001}, {"runs_at_once": "2"}):
        avery.patch_json(limit, body, status=400)
    page = browser.get(limit.replace("/limit", "/settings")).click("Limit of runs at once")
    assert page.forms["limit"]["runs_at_once"].value == "2"
    page.forms["limit"]["runs_at_once"] = "nine"
    assert "whole number from 0 to 10,000" in page.forms["limit"].submit(status=400).text
    page.forms["limit"]["runs_at_once"] = ""
    assert "Saved." in page.forms["limit"].submit(status=303).follow().text
    assert avery.get(limit).json["runs_at_once"] is None
    assert browser.get("/workspaces/aurora/activity").text.count("changed the workflow") == 2


def test_the_file_of_workflows_is_known_after_a_limit_was_set(avery, limit, settings, seeded):
    avery.patch_json(limit, {"runs_at_once": 2})
    make_app(settings).registry.db.close()
    found = seeded.first("SELECT COUNT(*) AS number FROM events WHERE type = 'workflow.found'")
    assert found == {"number": 0}
