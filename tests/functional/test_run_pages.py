"""Runs as browsers see them: the list, a run and its steps, the form that starts one, the overview."""

import re

import pytest
from hostile_texts import HOSTILE
from kept_runs import add_run
from running import offer, transform, work

from releaseapp import clock
from releaseapp.events.models import EventType
from releaseapp.events.service import append
from releaseapp.permissions import Permission, Role
from releaseapp.runs.pages import list_views
from releaseapp.steps.api import StepFailed
from releaseapp.workspaces.service import identify, set_permission

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


def add_lines(db, run_id, number, texts=()):
    """Log lines of the step a: ``line 1`` and so on, or these."""
    with db.transaction() as tx:
        for seq in range(1, number + 1):
            tx.run(
                "INSERT INTO run_log_lines (run_id, seq, step_id, item, attempt, at, text) VALUES (:id, :seq, 'a', -1, 1, :at, :text)",
                id=run_id,
                seq=seq,
                at=clock.now_text(),
                text=texts[seq - 1] if texts else f"line {seq}",
            )
        tx.run("UPDATE runs SET log_lines = :number WHERE id = :id", id=run_id, number=number)


def lines_of(page):
    """The texts of the lines of a log that a page shows."""
    return re.findall(r'<li value="\d+">.*?<span>(.*?)</span></li>', page.text, re.DOTALL)


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


def test_the_list_is_narrowed_by_status_workflow_start_time_and_text(browser, avery, busy):
    good, bad = (
        publish(avery, transform("a", 1), name="Ship it"),
        publish(avery, fails(message="Ünlucky 100 %"), name="Bad"),
    )
    first, second = start(avery, good).rpartition("/")[2], start(avery, bad).rpartition("/")[2]
    busy()
    browser.get(f"{good}/run").forms["start"].submit(status=303)
    runs = f"{HOME}/runs"
    assert len(listed(browser.get(runs))) == 3
    assert listed(browser.get(f"{runs}?status=failed")) == [second]
    assert first in listed(browser.get(f"{runs}?workflow={good.rpartition('/')[2]}"))
    assert second not in listed(browser.get(f"{runs}?workflow={good.rpartition('/')[2]}"))
    assert len(listed(browser.get(f"{runs}?trigger=manual"))) == 1
    assert len(listed(browser.get(f"{runs}?span=hour"))) == 3
    assert listed(browser.get(f"{runs}?since=2001-01-01&until=2001-02-01")) == []
    for text in ("Ünlucky", "NLUCKY", "100 %", second, "bAd"):
        assert listed(browser.get(runs, {"q": text})) == [second], text
    assert listed(browser.get(runs, {"q": "100 _"})) == []
    form = browser.get(f"{runs}?status=failed&q=x").forms["filters"]
    assert (form["status"].value, form["q"].value) == ("failed", "x")


@pytest.mark.parametrize("query", ["status=lost", "trigger=magic", "span=year", "since=yesterday", "until=2030-13-01"])
def test_a_filter_that_makes_no_sense_is_refused(browser, query):
    assert query.split("=")[0] in browser.get(f"{HOME}/runs?{query}", status=400)


def test_older_runs_are_on_the_next_page(app, browser):
    ids = [add_run(app.app.registry.db, "workspace-aurora") for _ in range(120)]
    page = browser.get(f"{HOME}/runs")
    seen = listed(page)
    while "Older" in page:
        page = page.click("Older")
        seen += listed(page)
    assert seen == ids[::-1]
    assert "Newest" in page


def test_a_text_is_looked_for_among_the_newest_and_the_list_says_how_far(app, browser, monkeypatch):
    monkeypatch.setattr(list_views, "MOST_LOOKED_AT", 5)
    db = app.app.registry.db
    wanted = add_run(db, "workspace-aurora", workflow_id="wf_wanted")
    for _ in range(7):
        add_run(db, "workspace-aurora")
    page = browser.get(f"{HOME}/runs?q=wanted")
    assert listed(page) == []
    assert "the 5 newest were looked at" in page
    page = page.click("Look further back")
    assert listed(page) == [wanted]
    assert "were looked at" not in page


def test_finished_runs_are_counted_up_to_a_bound(app, browser, monkeypatch):
    monkeypatch.setattr(list_views, "_MOST_COUNTED", {True: 3, False: 10})
    for _ in range(5):
        add_run(app.app.registry.db, "workspace-aurora")
    assert '<span class="number">3+</span>' in browser.get(f"{HOME}/runs")


def test_what_failed_in_a_time_is_retried_by_one_button_that_says_how_many(browser, avery, busy):
    bad = publish(avery, fails())
    runs = [start(avery, bad) for _ in range(3)]
    busy()
    avery.post_json(f"{runs[0]}/retry", {})
    busy()
    page = browser.get(f"{HOME}/runs?span=day")
    form = page.forms["retry-failed"]
    # The first was retried, and its retry failed as well: that is the one to go on with.
    assert "3 failed runs are retried" in page
    assert form["since"].value
    page = form.submit(status=303).follow()
    assert "3 runs are retried." in page
    assert len(listed(page)) == 3
    page = browser.get(f"{HOME}/runs?span=hour&workflow=wf_other")
    assert "retry-failed" not in page.forms


def test_nobody_retries_what_failed_before_without_the_permission(app, avery, busy):
    start(avery, publish(avery, fails()))
    busy()
    actor = identify(app.app.registry.db, app.app.registry.app_settings, avery.authorization[1])
    for permission in (Permission.RUNS_CONTROL, Permission.WORKFLOWS_RUN):
        set_permission(app.app.registry.db, "workspace-aurora", Role.EDITOR, permission, granted=False, actor=actor)
    casey = app.as_browser("casey.editor@example.com")
    page = casey.get(f"{HOME}/runs")
    assert "retry-failed" not in page.forms
    page = casey.get(f"{HOME}/runs/{listed(page)[0]}")
    assert not [form for form in page.forms.values() if form.action.endswith(("/retry", "/cancel"))]
    token = next(form for form in page.forms.values() if "csrf_token" in form.fields)["csrf_token"].value
    casey.post(f"{HOME}/runs/retry", {"csrf_token": token}, status=403)


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


def test_a_retry_is_offered_with_the_same_and_with_the_current_version(browser, avery, busy):
    workflow = publish(avery, transform("a", "one"), fails("b"))
    run = start(avery, workflow)
    busy()
    definition = {"name": "W", "steps": [transform("a", "two"), transform("b", "{{ steps.a.output }}")]}
    avery.post_json(f"{workflow}/versions/1/duplicate", {})
    avery.put_json(f"{workflow}/versions/2", {"definition": definition}, status="*")
    avery.post_json(f"{workflow}/versions/2/publish", {})
    page = browser.get(run)
    assert f"{workflow}/versions/2/difference?against=1" in page
    form = next(form for form in page.forms.values() if form.action.endswith("/retry"))
    page = form.submit(name="current", value="yes", status=303).follow()
    busy()
    page = browser.get(page.request.path)
    assert "version 2" in page
    assert "what version 2 changes" not in page


def test_attempts_are_tabs_and_segments_of_the_bar(browser, avery, busy, monkeypatch):
    tries = []

    def sometimes(config, context):
        context.log(f"try {len(tries) + 1}")
        tries.append(1)
        if len(tries) < 3:
            raise StepFailed(f"Not at try {len(tries)}.")
        return "well"

    offer(monkeypatch, "test.work", sometimes, outside=False)
    retry = {"max_attempts": 3, "backoff": "none"}
    run = start(avery, publish(avery, work("a", retry=retry), transform("b", 1)))
    busy()
    page = browser.get(f"{run}?step=a")
    row = page.text[page.text.index('id="row-a"') : page.text.index('id="row-b"')]
    assert row.count("bar-failed") == 2
    assert row.count("bar-succeeded") == 1
    assert "×3" in row
    assert re.findall(r"<span>try (\d)</span>", page.text) == ["1", "2", "3"]
    assert "Not at try" not in page
    assert "Not at try 2." in page.click("2", href="attempt=2")


def test_items_are_folded_and_drawn_twenty_at_once(browser, avery, busy):
    each = {"for_each": "{{ range(45) | list }}"}
    run = start(avery, publish(avery, transform("each", "{{ item * 2 }}", **each)))
    busy()
    page = browser.get(run)
    assert 'id="row-each.0"' not in page
    page = page.click("45 items")
    assert len(re.findall(r'id="row-each\.\d+"', page.text)) == 20
    page = page.click("and 25 more")
    assert 'id="row-each.20"' in page
    assert 'id="row-each.19"' not in page
    page = page.click(re.escape("23"), href="each.22")
    assert "item 23" in page
    assert "44" in page.text[page.text.index('id="step-output"') :]
    page = page.click("only those that failed")
    assert "None failed." in page


def test_a_long_log_is_read_page_by_page_without_scripts(app, browser, avery, busy):
    run = start(avery, publish(avery, transform("a", 1)))
    busy()
    add_lines(app.app.registry.db, run.rpartition("/")[2], 2500)
    page = browser.get(run)
    seen = lines_of(page)
    while "The next lines" in page:
        page = page.click("The next lines")
        seen += lines_of(page)
    assert seen == [f"line {number}" for number in range(1, 2501)]
    older = browser.get(f"{run}?fragment=lines&before=2001&limit=500")
    assert lines_of(older) == [f"line {number}" for number in range(1501, 2001)]
    assert lines_of(browser.get(f"{run}?fragment=lines&before=11&step=a")) == [
        f"line {number}" for number in range(1, 11)
    ]


def test_a_run_of_a_thousand_steps_is_shown_two_hundred_at_once_without_a_picture(browser, avery, busy):
    steps = [transform(f"s{number}", number, needs=[]) for number in range(1000)]
    run = start(avery, publish(avery, *steps))
    busy()
    page = browser.get(run)
    assert "graph-picture" not in page
    assert page.text.count('<li id="row-') == 200
    assert "1–200 of 1,000 steps" in page
    page = page.click("Later steps")
    assert "201–400 of 1,000 steps" in page


def test_hostile_texts_stay_text(app, browser, avery, busy):
    hostile = [*HOSTILE, "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7 * 7 }}", "</textarea><b>"]
    nasty = "<script>alert('name')</script>"
    workflow = publish(avery, transform("a", "{{ inputs }}", name=nasty), fails("b", nasty), name=nasty)
    run = start(avery, workflow, inputs={"all": hostile, nasty: nasty})
    busy()
    add_lines(app.app.registry.db, run.rpartition("/")[2], len(hostile), hostile)
    for path in (f"{HOME}/runs", run, f"{run}?step=a", f"{run}?step=b", f"{run}?step={nasty}", f"{workflow}/run", HOME, workflow,
                 f"{HOME}/runs?q={nasty}", f"{run}?items={nasty}&only=failed", f"{HOME}/workflows"):  # fmt: skip
        page = browser.get(path)
        assert "<script>alert" not in page.text, path
        assert "<img src=x" not in page.text, path
        assert " style=" not in page.text, path
        assert "onerror" not in re.sub(r"&lt;.*?&gt;", "", page.text), path
    assert "49" not in lines_of(browser.get(run))


def test_a_run_that_waits_for_a_person_says_so_and_leads_there(browser, avery, busy):
    ask = {"id": "ask", "type": "approval", "config": {"title": "Ship it?"}}
    run = start(avery, publish(avery, ask))
    busy()
    page = browser.get(f"{run}?step=ask")
    assert "bar-waiting" in page
    assert "url(#hatch)" in page
    assert "Ship it?" in page.click("a decision")
    form = next(form for form in browser.get(run).forms.values() if form.action.endswith("/cancel"))
    page = form.submit(status=303).follow()
    assert "pill-cancelled" in page


def test_a_run_of_another_run_and_the_other_lead_to_each_other(browser, avery, busy):
    inner = publish(avery, transform("a", 1), name="Inner")
    outer = publish(avery, {"id": "call", "type": "workflow.run", "config": {"workflow": "Inner"}}, name="Outer")
    run = start(avery, outer)
    busy()
    page = browser.get(run).click("Inner")
    assert inner
    assert "Part of" in page
    assert "Outer" in page.click("another run")


def test_what_is_not_there_is_404(browser, avery, busy):
    run = start(avery, publish(avery, transform("a", 1)))
    for path in (
        f"{HOME}/runs/run_none",
        f"{run}/value?of=nothing",
        f"{run}/value?step=zz&of=input",
        f"{run}/steps/zz",
    ):
        browser.get(path, status=404)
    assert "The whole run" in browser.get(f"{run}?step=zz")
    assert f"{run}?step=a" in browser.get(f"{run}/steps/a", status=303).headers["Location"]


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


def test_one_step_alone_is_tried_with_outputs_that_stand_for_the_others(browser, avery, busy):
    steps = [transform("a", "real"), transform("b", "{{ steps.a.output }}!"), transform("c", "{{ steps.b.output }}?")]
    made = avery.post_json(f"{HOME}/workflows", {"definition": {"name": "D", "steps": steps}}).json
    form = browser.get(f"{HOME}/workflows/{made['id']}/run?version=1").forms["start"]
    assert form["only_step"].value == "every step"
    form["pin-0"] = '"pinned"'
    form["only_step"].force_value("nothing")
    page = form.submit(status=400)
    assert "There is no step" in page
    form = page.forms["start"]
    form["only_step"] = "b"
    page = form.submit(status=303).follow()
    busy()
    run = avery.get(page.request.path).json
    assert run["status"] == "succeeded"
    assert {one["step_id"]: one["status"] for one in avery.get(f"{page.request.path}/steps").json["items"]}[
        "c"
    ] == "skipped"
    assert "pinned!" in browser.get(f"{page.request.path}?step=b")


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
