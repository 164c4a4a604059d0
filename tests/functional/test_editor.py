"""The editor without scripts: each part of a draft is a form, and the whole is YAML beside it."""

import json

import pytest

from releaseapp.workflows import yaml_text

WORKFLOWS = "/workspaces/aurora/workflows"
DEFINITION = {
    "name": "Orders",
    "x-owner": "research",
    "inputs": {
        "type": "object",
        "required": ["amount"],
        "properties": {"amount": {"type": "number", "minimum": 0}, "note": {"type": "string", "default": "none"}},
    },
    "steps": [
        {"id": "large", "type": "condition", "config": {"test": "{{ inputs.amount > 100 }}"}},
        {
            "id": "ask",
            "name": "Ask the boss",
            "type": "approval",
            "x-why": ["policy", {"since": 2020}],
            "config": {"title": "Is {{ inputs.amount }} right?", "deciders": ["owner"], "form": {"type": "object"}},
            "when": "{{ steps.large.output }}",
            "needs": ["large"],
        },
        {
            "id": "send",
            "type": "http.request",
            "config": {
                "url": "https://example.com",
                "headers": {"X-Amount": "{{ inputs.amount }}"},
                "body": {"a": [1]},
            },
            "needs": ["ask", "large"],
            "retry": {"max_attempts": 3},
            "timeout_seconds": 10,
        },
    ],
    "output": {"sent": "{{ steps.send.output.status }}"},
}


@pytest.fixture
def casey(app):
    return app.as_browser("casey.editor@example.com")


@pytest.fixture
def program(app):
    return app.as_program("casey.editor@example.com")


@pytest.fixture
def draft(program):
    made = program.post_json(WORKFLOWS, {"definition": DEFINITION}, status=201).json
    return f"{WORKFLOWS}/{made['id']}/versions/1"


def definition(program, draft):
    return program.get(draft).json["definition"]


def part(casey, draft, query=""):
    return casey.get(f"{draft}/edit{query}").forms["part-form"]


@pytest.mark.parametrize("query", ["", "?step=large", "?step=ask", "?step=send"])
def test_a_form_that_is_saved_as_it_was_changes_nothing(casey, program, draft, query):
    part(casey, draft, query).submit(status=303)
    assert json.dumps(definition(program, draft)) == json.dumps(DEFINITION)


def test_a_step_is_changed_by_its_form_and_keeps_what_the_form_does_not_know(casey, program, draft):
    form = part(casey, draft, "?step=ask")
    form["name"] = "Ask"
    form["config.title"] = "Right?"
    form["config.deciders"] = "owner\nadmin"
    form["config.deadline_seconds"] = "3600"
    form["config.not_the_requester"] = "true"
    page = form.submit(status=303).follow()
    assert "Ask" in page.html.find(id="row-ask").text
    step = definition(program, draft)["steps"][1]
    assert step == {
        **DEFINITION["steps"][1],
        "name": "Ask",
        "config": {
            "title": "Right?",
            "deciders": ["owner", "admin"],
            "form": {"type": "object"},
            "deadline_seconds": 3600,
            "not_the_requester": True,
        },
    }
    assert "x-why:" in page.forms["yaml-form"]["yaml"].value


def test_rows_are_added_changed_and_taken_away(casey, program, draft):
    form = part(casey, draft, "?step=send")
    form.get("config.headers.key", 1).value = "Accept"
    form.get("config.headers.value", 1).value = "application/json"
    form.submit(status=303)
    assert definition(program, draft)["steps"][2]["config"]["headers"] == {
        "X-Amount": "{{ inputs.amount }}",
        "Accept": "application/json",
    }
    form = part(casey, draft, "?step=send")
    form.get("config.headers.key", 0).value = ""
    form.get("config.headers.value", 0).value = ""
    form["config.method"] = "POST"
    form["retry.max_attempts"] = "5"
    form["timeout_seconds"] = ""
    form.submit(status=303)
    step = definition(program, draft)["steps"][2]
    assert step["config"]["headers"] == {"Accept": "application/json"}
    assert (step["config"]["method"], step["retry"]) == ("POST", {"max_attempts": 5})
    assert "timeout_seconds" not in step


def test_every_fault_stands_at_its_field_and_what_was_typed_is_kept(casey, program, draft):
    form = part(casey, draft, "?step=send")
    form["step_id"] = "not an id"
    form["config.url"] = ""
    form["retry.max_attempts"] = "many"
    form["timeout_seconds"] = "-1"
    form["when"] = "{{ steps.nobody.output }}"
    page = form.submit(status=400)
    kept = page.forms["part-form"]
    assert (kept["step_id"].value, kept["retry.max_attempts"].value, kept["timeout_seconds"].value) == (
        "not an id",
        "many",
        "-1",
    )
    for field in ("step_id", "config.url", "retry.max_attempts", "timeout_seconds", "when"):
        assert page.html.find(id=f"{field}-error"), field
        assert page.html.find(id=field).get("aria-invalid") == "true", field
    assert definition(program, draft) == DEFINITION
    rows = part(casey, draft, "?step=send")
    rows.get("config.headers.value", 1).value = "no name"
    page = rows.submit(status=400)
    assert "no name" in page.html.find(id="config.headers-error").text
    assert page.forms["part-form"].get("config.headers.value", 1).value == "no name"


def test_a_new_id_is_followed_by_whoever_reads_or_needs_the_step(casey, program, draft):
    form = part(casey, draft, "?step=large")
    form["step_id"] = "is_large"
    assert form.submit(status=303).location.endswith("?step=is_large")
    after = definition(program, draft)
    assert [step.get("needs") for step in after["steps"]] == [None, ["is_large"], ["ask", "is_large"]]
    assert after["steps"][1]["when"] == "{{ steps.is_large.output }}"


def test_a_step_is_found_in_the_palette_and_added_where_one_wants_it(casey, program, draft):
    palette = casey.get(f"{draft}/edit?step=large").click("Add a step after this")
    assert len(palette.html.select("#types li")) == 11
    search = next(form for form in palette.forms.values() if "q" in form.fields and "add" in form.fields)
    search["q"] = "fetch"
    found = search.submit()
    assert [one.text for one in found.html.select("#types strong")] == ["HTTP request"]
    form = found.click("Fetch JSON").forms["part-form"]
    assert (form["step_id"].value, form["config.url"].value) == ("request", "https://")
    form["config.url"] = "https://example.com/rates"
    page = form.submit(status=303).follow()
    assert page.html.find(attrs={"aria-current": "step", "class": "step-link"}).text.strip().startswith("request")
    assert [step["id"] for step in definition(program, draft)["steps"]] == ["large", "request", "ask", "send"]


def test_a_new_step_with_faults_is_not_added_and_not_lost(casey, program, draft):
    form = casey.get(f"{draft}/edit?add=fail&after=send").forms["part-form"]
    form["step_id"] = "send"
    form["config.message"] = "Too much"
    page = form.submit(status=400)
    assert "two steps with the id" in page.html.find(id="faults").text
    assert page.forms["part-form"]["config.message"].value == "Too much"
    assert definition(program, draft) == DEFINITION


def test_steps_are_moved_and_removed_and_who_needed_them_needs_what_they_needed(casey, program, draft):
    page = casey.get(f"{draft}/edit?step=ask")
    down = page.html.find(id="row-ask").find("form")
    casey.post(down["action"], {"step": "ask", "to": "2", "csrf_token": down.find("input")["value"]}, status=303)
    assert [step["id"] for step in definition(program, draft)["steps"]] == ["large", "send", "ask"]
    page = casey.get(f"{draft}/edit?step=ask")
    remove = next(form for form in page.forms.values() if "/remove-step?" in form.action)
    remove.submit(status=303)
    after = definition(program, draft)
    assert [(step["id"], step.get("needs")) for step in after["steps"]] == [("large", None), ("send", ["large"])]


def test_a_step_that_others_read_is_not_removed_and_they_are_named(casey, program, draft):
    page = casey.get(f"{draft}/edit?step=large")
    refused = next(form for form in page.forms.values() if "/remove-step?" in form.action).submit(status=400)
    assert "Step ask: There is no step 'large' to read from." in refused.html.find(id="faults").text
    assert definition(program, draft) == DEFINITION


def test_inputs_are_rows_and_keep_what_rows_do_not_show(casey, program, draft):
    form = part(casey, draft)
    form.get("inputs.name", 1).value = "remark"
    form.get("inputs.name", 2).value = "urgent"
    form.get("inputs.type", 2).value = "boolean"
    form.get("inputs.default", 2).value = "true"
    form.get("inputs.required", 2).value = "yes"
    form.submit(status=303)
    assert definition(program, draft)["inputs"] == {
        "type": "object",
        "required": ["amount", "urgent"],
        "properties": {
            "amount": {"type": "number", "minimum": 0},
            "remark": {"type": "string", "default": "none"},
            "urgent": {"type": "boolean", "default": True},
        },
    }
    twice = part(casey, draft)
    twice.get("inputs.name", 1).value = "amount"
    assert "two inputs" in twice.submit(status=400).html.find(id="inputs-error").text


def test_a_schema_that_rows_cannot_show_is_json(casey, program, draft):
    deep = {**DEFINITION, "inputs": {"type": "object", "properties": {"x": {"anyOf": [{"type": "string"}]}}}}
    deep["steps"] = [{"id": "a", "type": "transform", "config": {"value": 1}}]
    deep["output"] = 1
    program.put_json(draft, {"definition": deep})
    form = part(casey, draft)
    form.submit(status=303)
    assert definition(program, draft) == deep
    form = part(casey, draft)
    form["inputs"] = '{"type": "what"}'
    assert "JSON Schema" in form.submit(status=400).html.find(id="inputs-error").text


def test_two_people_on_different_steps_never_meet_and_on_the_same_both_are_shown(app, casey, program, draft):
    avery = app.as_browser("avery.owner@example.com")
    mine, theirs = part(casey, draft, "?step=ask"), part(avery, draft, "?step=send")
    again = part(avery, draft, "?step=ask")
    mine["config.title"], theirs["config.url"] = "Mine?", "https://example.org"
    theirs.submit(status=303)
    mine.submit(status=303)
    steps = definition(program, draft)["steps"]
    assert (steps[1]["config"]["title"], steps[2]["config"]["url"]) == ("Mine?", "https://example.org")
    again["config.title"] = "Theirs?"
    page = again.submit(status=409)
    assert "title: Mine?" in page.text
    assert page.forms["part-form"]["config.title"].value == "Theirs?"
    page.forms["part-form"].submit(status=303)
    assert definition(program, draft)["steps"][1]["config"]["title"] == "Theirs?"


def test_what_expressions_can_read_is_listed_with_samples(casey, draft):
    page = casey.get(f"{draft}/edit?step=send")
    listed = {item.dt.text: item.dd.text for item in page.html.select("#paths > div")}
    assert listed["inputs.note"] == "none"
    assert listed["steps.large.output"] == "false"
    assert listed["steps.ask.output.decision"] == "approved"
    assert "steps.send.output" not in listed
    page = casey.get(f"{draft}/edit?step=ask")
    assert "Is 1.5 right?" in page.html.find(id="config.title-preview").text
    assert "steps.send.output" not in page.html.find(id="paths").text


def test_a_step_that_reads_what_may_not_be_done_yet_is_told(casey, program, draft):
    form = part(casey, draft, "?step=send")
    form.set("needs_mode", "chosen")
    for box in form.fields["needs"]:
        box.checked = False
    form["when"] = "{{ steps.ask.output.decision == 'approved' }}"
    page = form.submit(status=303).follow()
    assert definition(program, draft)["steps"][2]["needs"] == []
    assert "need not be done before it" in page.text


def test_saving_on_and_on_is_one_entry_of_the_history_and_one_line_of_the_activity(casey, program, draft):
    for title in ("One?", "Two?", "Three?"):
        form = part(casey, draft, "?step=ask")
        form["config.title"] = title
        form.submit(status=303)
    history = program.get(f"{draft.rpartition('/versions')[0]}/history").json["items"]
    assert [entry["action"] for entry in history] == ["updated", "created"]
    activity = casey.get("/workspaces/aurora/activity").text
    assert activity.count("Orders") == 2


@pytest.mark.parametrize(
    ("view", "body"),
    [("edit-step?step=ask", {"step_id": "ask", "config.title": "a\x00b"}), ("edit-head", {"name": " "}),
     ("move-step", {"step": "nobody", "to": "1"}), ("move-step", {"step": "ask", "to": "far"}), ("remove-step", {}),
     ("edit-step?add=fail", {}), ("edit", {"yaml": "name: ["}), ("edit", {}), ("edit-head", {"inputs.name": "x"})],
)  # fmt: skip
def test_a_bad_form_is_refused_and_nothing_changes(casey, program, draft, view, body):
    token = part(casey, draft)["csrf_token"].value
    casey.post(f"{draft}/{view}", {**body, "csrf_token": token}, status=[400, 404])
    assert definition(program, draft) == DEFINITION


def test_a_published_version_says_that_it_cannot_be_changed(casey, program, draft):
    form = part(casey, draft, "?step=ask")
    program.post_json(f"{draft}/publish", {})
    form["config.title"] = "Late"
    assert "cannot be changed" in form.submit(status=409).text
    assert "duplicate it" in casey.get(f"{draft}/edit").text


def test_the_fragment_for_scripts_is_the_editor_alone(casey, program, draft):
    form = part(casey, draft, "?step=ask")
    form["config.title"] = "By script?"
    form.action += "&fragment=editor"
    answer = form.submit(status=200)
    assert answer.text.lstrip().startswith('<div class="editor"')
    assert answer.html.find(class_="editor")["data-here"] == "?step=ask"
    assert yaml_text.load(answer.forms["yaml-form"]["yaml"].value)[0]["steps"][1]["config"]["title"] == "By script?"


def test_comments_in_the_yaml_stay_when_a_form_changes_a_step(casey, program, draft):
    form = casey.get(f"{draft}/edit").forms["yaml-form"]
    text = form["yaml"].value.replace("  - id: ask", "  # Nobody likes this one.\n  - id: ask")
    form["yaml"] = text
    page = form.submit(status=303).follow()
    assert page.forms["yaml-form"]["yaml"].value == text
    form = part(casey, draft, "?step=send")
    form["config.url"] = "https://example.org"
    page = form.submit(status=303).follow()
    assert page.forms["yaml-form"]["yaml"].value == text.replace("https://example.com", "https://example.org")
    assert program.get(f"{draft}?format=yaml").text == page.forms["yaml-form"]["yaml"].value
    program.post_json(f"{draft}/publish", {})
    copy = program.post_json(f"{draft}/duplicate", {}, status=201).json["number"]
    assert "# Nobody likes this one." in program.get(f"{draft[:-1]}{copy}?format=yaml").text


def test_the_editor_offers_the_names_of_credentials_to_steps_that_take_one(app):
    avery = app.as_program("avery.owner@example.com")
    given = {"name": "Shop key", "type": "api-key", "fields": {"key": "k-12345678"}}
    avery.post_json("/workspaces/aurora/credentials", given, status=201)
    steps = [{"id": "call", "type": "http.request", "config": {"url": "https://example.com"}}]
    made = avery.post_json("/workspaces/aurora/workflows", {"definition": {"name": "W", "steps": steps}}).json
    browser = app.as_browser("avery.owner@example.com")
    page = browser.get(f"/workspaces/aurora/workflows/{made['id']}/versions/1/edit?step=call").html
    offered = page.select('datalist[id="config.credential-known"] option')
    assert [option["value"] for option in offered] == ["Shop key"]
