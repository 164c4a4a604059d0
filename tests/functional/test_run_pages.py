"""Runs as browsers see them: the list, a run and its steps, the form that starts one, the overview."""

import re

import pytest
from running import transform

from releaseapp.events.models import EventType
from releaseapp.events.service import append

HOME = "/workspaces/aurora"
OWNER = "avery.owner@example.com"


@pytest.fixture
def avery(app):
    return app.as_program(OWNER)


@pytest.fixture
def browser(app):
    return app.as_browser(OWNER)


@pytest.fixture
def busy(app):
    """Has the server's worker do whatever there is to do, in this thread."""
    worker = app.app.registry.worker.runs

    def do():
        while True:
            worker.tick()
            worker.sweep()
            if not worker.work_off():
                return

    return do


def publish(caller, *steps, **head):
    """A published workflow's path."""
    definition = {"name": "W", "steps": list(steps), **head}
    made = caller.post_json(f"{HOME}/workflows", {"definition": definition}).json
    caller.post_json(f"{HOME}/workflows/{made['id']}/versions/1/publish", {})
    return f"{HOME}/workflows/{made['id']}"


def start(caller, workflow, **body):
    """A run's path."""
    return caller.post_json(f"{workflow}/run", body, status=201).headers["Location"].removeprefix("http://localhost")


def fails(step_id="a", message="No."):
    return {"id": step_id, "type": "fail", "config": {"message": message}}


def listed(page):
    """The ids of the runs that a page of the list shows."""
    return re.findall(r'<tr id="(run_\w+)"', page.text)


# ── the list ─────────────────────────────────────────────────────────────────


def test_an_empty_list_leads_to_the_first_run(app, browser, avery):
    page = browser.get(f"{HOME}/runs")
    assert "Nothing has run yet" in page
    publish(avery, transform("a", 1))
    page = browser.get(f"{HOME}/runs")
    assert "Choose a workflow to run" in page


def test_the_list_shows_what_became_of_runs_and_who_started_them(browser, avery, busy):
    good, bad = publish(avery, transform("a", 1), name="Good"), publish(avery, fails(), name="Bad")
    start(avery, good), start(avery, bad)
    busy()
    page = browser.get(f"{HOME}/runs")
    rows = re.findall(r"<tr id.*?</tr>", page.text, re.DOTALL)
    assert len(rows) == 2
    assert all(text in rows[0] for text in ("Bad", "failed", "No."))
    assert all(text in rows[1] for text in ("Good", "succeeded", "over the API", "Avery"))
    assert re.search(r'status-failed" href="[^"]*status=failed"[^>]*>.*?<span class="number">1</span>', page.text)


# ── a run ────────────────────────────────────────────────────────────────────


def test_a_run_shows_its_steps_what_went_in_what_came_out_and_why_it_failed(browser, avery, busy):
    workflow = publish(avery, transform("first", {"who": "{{ inputs.who }}"}), fails("second", "Out of paper."))
    run = start(avery, workflow, inputs={"who": "Ada"})
    busy()
    page = browser.get(run)
    assert "pill-failed" in page
    assert "Out of paper." in page
    assert re.search(r'href="[^"]*\?step=second">second</a>', page.text)
    assert page.text.index('id="row-first"') < page.text.index('id="row-second"')
    assert "bar-succeeded" in page
    assert "Ada" in page.text[page.text.index('id="run-inputs"') :]
    step = browser.get(f"{run}?step=first")
    output = step.text[step.text.index('id="step-output"') :]
    assert "who" in output
    assert "Ada" in output
    assert browser.get(f"{run}/value?step=first&attempt=1&of=output").json == {"who": "Ada"}


def test_a_run_that_failed_is_retried_from_where_it_failed_and_as_a_whole(browser, avery, busy):
    run = start(avery, publish(avery, transform("a", 1), fails("b")))
    busy()
    page = browser.get(run)
    forms = [form for form in page.forms.values() if form.action.endswith("/retry")]
    assert [("whole" in form.fields) for form in forms] == [False, True]
    again = forms[0].submit(status=303).follow()
    assert "retry 1" in again
    busy()
    again = browser.get(again.request.path)
    assert "taken over" in again
    assert run in again


# ── starting ─────────────────────────────────────────────────────────────────

SCHEMA = {
    "type": "object",
    "required": ["count"],
    "properties": {
        "count": {"type": "integer", "title": "How many", "description": "Boxes, not pallets.", "minimum": 1},
        "size": {"enum": ["small", "large"], "default": "large"},
        "note": {"type": "string", "maxLength": 400, "examples": ["By the back door"]},
        "dry": {"type": "boolean"},
        "extra": {"type": "object"},
    },
}


def test_a_run_is_started_with_a_form_made_of_the_schema(browser, avery, busy):
    workflow = publish(avery, transform("a", "{{ inputs }}"), inputs=SCHEMA)
    page = browser.get(f"{workflow}/run")
    form = page.forms["start"]
    assert "Boxes, not pallets." in page
    assert (form["field-1"].value, form["field-2"].value.strip()) == ("1", "By the back door")
    form["field-0"], form["field-3"], form["field-4"] = "7", True, '{"a": [1]}'
    page = form.submit(status=303).follow()
    busy()
    run = avery.get(page.request.path, headers={"Accept": "application/json"}).json
    assert run["inputs"] == {"count": 7, "size": "large", "note": "By the back door", "dry": True, "extra": {"a": [1]}}
    assert run["trigger"]["type"] == "manual"


def test_what_is_refused_stands_at_its_field_and_keeps_what_was_typed(browser, avery):
    workflow = publish(avery, transform("a", 1), inputs=SCHEMA)
    form = browser.get(f"{workflow}/run").forms["start"]
    form["field-0"], form["field-2"], form["field-4"] = "0", "kept", "{no"
    page = form.submit(status=400)
    assert page.forms["start"]["field-2"].value.strip() == "kept"
    assert 'id="field-4-error"' in page
    form = page.forms["start"]
    form["field-4"] = ""
    page = form.submit(status=400)
    assert re.search(r'id="field-0-error">.*?How many', page.text, re.DOTALL)
    assert listed(browser.get(f"{HOME}/runs")) == []


def test_a_draft_is_tried_with_outputs_that_stand_for_steps(browser, avery, busy):
    steps = [transform("a", "real"), transform("b", "{{ steps.a.output }}!")]
    made = avery.post_json(f"{HOME}/workflows", {"definition": {"name": "D", "steps": steps}}).json
    workflow = f"{HOME}/workflows/{made['id']}"
    page = browser.get(f"{workflow}/run")
    assert "Nothing is published yet" in page
    form = page.click("Try the draft").forms["start"]
    form["pin-0"] = "nope"
    page = form.submit(status=400)
    assert 'id="pin-0-error"' in page
    form = page.forms["start"]
    form["pin-0"] = '"pinned"'
    page = form.submit(status=303).follow()
    busy()
    page = browser.get(f"{page.request.path}?step=b")
    assert "pinned!" in page
    assert ">test</span>" in page


def test_a_workflow_that_is_paused_is_not_started_and_says_why(browser, avery):
    workflow = publish(avery, transform("a", 1))
    form = browser.get(f"{workflow}/run").forms["start"]
    avery.post_json(f"{workflow}/pause", {})
    assert "is paused" in form.submit(status=409)


# ── elsewhere ────────────────────────────────────────────────────────────────


def test_the_overview_counts_runs_and_draws_what_ended_by_the_hour(browser, avery, busy):
    assert "none ended" in browser.get(HOME)
    good, bad = publish(avery, transform("a", 1)), publish(avery, fails())
    for workflow in (good, good, good, bad):
        start(avery, workflow)
    busy()
    start(avery, good)
    page = browser.get(HOME)
    tiles = dict(re.findall(r"<dt>([^<]+)</dt><dd>(?:<a[^>]*>)?([^<]+)<", page.text))
    assert (tiles["Runs at work"], tiles["Succeeded, 24 h"], tiles["Failed, 24 h"]) == ("0", "3", "1")
    assert "1 queued" in page
    assert "of 4 that ended" in page
    rows = re.findall(r'<tr id="hour-\d+">.*?<td>(\d+)</td><td>(\d+)</td>', page.text)
    assert [sum(map(int, column)) for column in zip(*rows, strict=True)] == [3, 1]


def test_a_workflow_leads_to_its_form_and_the_list_of_workflows_to_the_last_run(browser, avery, busy):
    workflow = publish(avery, fails())
    page = browser.get(workflow)
    assert f'href="{workflow}/run"' in page
    start(avery, workflow)
    last = start(avery, workflow)
    busy()
    page = browser.get(f"{HOME}/workflows")
    assert re.search(rf'href="{last}" title="failed"', page.text)


def test_the_feed_and_the_activity_tell_of_runs(browser, avery, busy):
    run = start(avery, publish(avery, fails(message="Out of paper."), name="Bad one"))
    busy()
    for path in (HOME, f"{HOME}/activity"):
        page = browser.get(path)
        assert f'href="{run}"' in page
        assert "Out of paper." in page


def test_a_viewer_gets_no_runs_and_a_stranger_not_even_that(app, avery, busy):
    workflow = publish(avery, transform("a", 1))
    run = start(avery, workflow)
    avery.post_json(f"{HOME}/members", {"email": "devon.viewer@example.com", "role": "viewer"}, status=201)
    viewer, stranger = app.as_browser("devon.viewer@example.com"), app.as_browser("emery.owner@example.com")
    for path in (
        f"{HOME}/runs",
        run,
        f"{run}?fragment=lines",
        f"{run}/value?of=inputs",
        f"{run}/steps/a",
        f"{workflow}/run",
    ):
        viewer.get(path, status=403)
        stranger.get(path, status=404)
    assert f"{HOME}/runs" not in viewer.get(HOME)


def test_an_event_that_the_feed_does_not_know_does_not_break_it(browser, app):
    with app.app.registry.db.transaction() as tx:
        for event_type in EventType:
            append(tx, event_type, "x_1", workspace_id="workspace-aurora", actor=None, data={})
    for path in (HOME, f"{HOME}/activity"):
        browser.get(path)
