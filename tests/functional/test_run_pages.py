"""Runs as browsers see them: the list, a run and its steps, the form that starts one, the overview."""

import re

import pytest
from running import transform

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
