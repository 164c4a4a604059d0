"""What greets a person at workflows: templates, the list and its filters, and a workflow's settings."""

import msgspec
import pytest

from releaseapp import clock
from releaseapp.workflows.models import Trigger, TriggerKind
from releaseapp.workflows.templates import list_templates

WORKFLOWS = "/workspaces/aurora/workflows"
CASEY, AVERY = "casey.editor@example.com", "avery.owner@example.com"


def definition(name="Digest", kind="transform", **more):
    config = {"url": "https://example.com"} if kind == "http.request" else {"value": 1}
    return {"name": name, "steps": [{"id": "a", "type": kind, "config": config}], **more}


@pytest.fixture
def casey(app):
    return app.as_program(CASEY)


@pytest.fixture
def browser(app):
    return app.as_browser(CASEY)


@pytest.fixture
def agent(casey):
    return casey.get("/workspaces/aurora/agents").json["items"][0]


def make(casey, name="Digest", **more):
    kind = more.pop("kind", "transform")
    return casey.post_json(WORKFLOWS, {"definition": definition(name, kind), **more}, status=201).json


def at(workflow, *rest):
    return "/".join([WORKFLOWS, workflow["id"], *rest])


def names(page):
    """The names of the list's rows, in order."""
    return [cell.find(["a", "strong"]).text for cell in page.html.select("td.main-cell")]


def listed(casey, **asked):
    return [one["name"] for one in casey.get(WORKFLOWS, asked).json["items"]]


# Templates


def test_the_empty_list_offers_templates_and_one_click_opens_a_draft(browser):
    page = browser.get(WORKFLOWS)
    assert "No workflow yet" in page.text
    form = begin(page, "webhook-relay")
    assert form["name"].value == "Webhook relay"
    went = form.submit(status=303)
    assert went.location.endswith("/versions/1/edit")
    assert "Webhook relay" in went.follow(status=200).text


def begin(page, key):
    return next(one for one in page.forms.values() if "template" in one.fields and one["template"].value == key)


@pytest.mark.parametrize("template", list_templates(), ids=lambda one: one.key)
def test_every_template_is_offered_with_its_sentence_and_steps_and_becomes_a_draft(app, browser, template):
    page = browser.get(f"{WORKFLOWS}/new")
    card = page.html.find(id=f"template-{template.key}")
    assert template.summary in card.text
    assert len(card.select("a.tag")) == len(template.step_types)
    form = begin(page, template.key)
    form["name"] = "  Mine  "
    form.submit(status=303).follow(status=200)
    (made,) = app.as_program(CASEY).get(WORKFLOWS).json["items"]
    assert (made["name"], made["status"], made["tags"]) == ("Mine", "draft", [])
    kept = app.as_program(CASEY).get(at(made, "versions/1")).json["definition"]
    assert kept == {**template.definition, "name": "Mine"}


def test_two_may_begin_with_the_same_template_under_the_same_name(browser, casey):
    for _ in range(2):
        begin(browser.get(f"{WORKFLOWS}/new"), "http-sync").submit(status=303)
    assert listed(casey) == ["HTTP sync with retry"] * 2


def test_templates_are_searched_by_what_they_do_without_a_script(browser):
    form = browser.get(f"{WORKFLOWS}/new").forms["filters"]
    form["q"] = "agent.task"
    page = form.submit()
    assert [card["id"] for card in page.html.select(".gallery > li")] == ["template-fan-out-with-agents"]
    assert page.forms["filters"]["q"].value == "agent.task"
    assert "No template has that text" in browser.get(f"{WORKFLOWS}/new", {"q": "<script>"}).text
    assert len(browser.get(f"{WORKFLOWS}/new", {"q": "HTTP"}).html.select(".gallery > li")) >= 3


@pytest.mark.parametrize("name", ["", "   ", "x" * 121])
def test_a_name_that_cannot_be_is_refused_at_its_card_and_kept(browser, casey, name):
    form = begin(browser.get(f"{WORKFLOWS}/new"), "daily-digest")
    form["name"] = name
    page = form.submit(status=400)
    fault = page.html.find(id="daily-digest-name-error")
    assert "name" in fault.text
    assert page.html.find(id="faults").find("a")["href"] == "#daily-digest-name"
    assert begin(page, "daily-digest")["name"].value == name
    assert begin(page, "http-sync")["name"].value == "HTTP sync with retry"
    assert listed(casey) == []


def test_an_unknown_template_is_refused(browser, casey):
    form = begin(browser.get(f"{WORKFLOWS}/new"), "blank")
    form["template"].force_value("../demo")
    assert "no template of that key" in form.submit(status=400).html.find(id="faults").text
    assert casey.post_json(WORKFLOWS, {"template": "nope"}, status=400).json["errors"][0]["pointer"] == "/template"
    assert listed(casey) == []


def test_templates_are_listed_over_json_and_begun_with_by_key(casey):
    items = casey.get(f"{WORKFLOWS}/templates").json["items"]
    assert [one["key"] for one in items] == [one.key for one in list_templates()]
    assert set(items[1]) == {"key", "title", "summary", "icon", "step_types", "sample_inputs", "definition"}
    for item in items:
        made = casey.post_json(WORKFLOWS, {"template": item["key"], "tags": ["new"]}, status=201)
        assert made.json["name"] == item["title"]
        assert made.headers["ETag"]
        assert casey.get(at(made.json, "versions/1")).json["definition"] == item["definition"]
    named = casey.post_json(WORKFLOWS, {"template": "blank", "name": "My own"}, status=201).json
    assert named["name"] == "My own"
    assert casey.get(at(named, "history")).json["items"][0]["summary"] == "First draft"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"template": "blank", "definition": definition()}, "/template"),
        ({"template": "blank", "yaml": "a: 1"}, "/template"),
        ({"template": 1}, "/template"),
        ({"template": ""}, "/template"),
        ({"template": "blank", "name": " "}, "/name"),
        ({"template": "blank", "name": 7}, "/name"),
        ({"definition": definition(), "name": "Other"}, "/name"),
        ({"template": "blank", "agent_id": "agt_nobody"}, "/agent_id"),
        ({"template": "blank", "tags": "daily"}, "/tags"),
        ({"template": "blank", "tags": [f"t{n}" for n in range(21)]}, "/tags"),
        ({"template": "blank", "tags": ["a,b"]}, "/tags"),
    ],
)
def test_a_bad_beginning_is_refused_by_name_and_nothing_is_made(casey, body, pointer):
    refused = casey.post_json(WORKFLOWS, body, status=400).json
    assert pointer in [fault["pointer"] for fault in refused["errors"]]
    assert listed(casey) == []


def test_pasted_yaml_with_bad_tags_keeps_both_and_names_the_tag(browser, casey):
    form = browser.get(f"{WORKFLOWS}/new").forms["workflow"]
    form["tags"] = f"fine, {'x' * 41}"
    page = form.submit(status=400)
    assert "longer than 40" in page.html.find(id="tags-error").text
    assert page.forms["workflow"]["tags"].value.startswith("fine, xxx")
    assert page.forms["workflow"]["yaml"].value.strip().startswith("name: Daily digest")
    assert listed(casey) == []


def test_a_viewer_and_a_stranger_get_neither_templates_nor_settings(app, casey):
    workflow = make(casey)
    viewer, stranger = app.as_browser("devon.viewer@example.com"), app.as_browser("emery.owner@example.com")
    for path in ("", "/new", "/templates"):
        viewer.get(f"/workspaces/cobalt/workflows{path}", status=403)
        stranger.get(f"{WORKFLOWS}{path}", status=404)
    token = viewer.get("/account").forms["rename"]["csrf_token"].value
    viewer.post("/workspaces/cobalt/workflows", {"template": "blank", "name": "x", "csrf_token": token}, status=403)
    stranger.get(at(workflow, "settings"), status=404)
    program = app.as_program("devon.viewer@example.com")
    program.post_json("/workspaces/cobalt/workflows", {"template": "blank"}, status=403)
    program.get("/workspaces/cobalt/workflows/templates", status=403)
    app.as_program("emery.owner@example.com").patch_json(at(workflow), {"tags": ["x"]}, status=404)
    app.get(f"{WORKFLOWS}/templates", status=401)


def test_a_browser_that_asks_for_the_templates_gets_their_page(browser):
    assert browser.get(f"{WORKFLOWS}/templates", status=303).location.endswith("/workflows/new")


# The list


def test_a_row_says_what_the_workflow_is_who_owns_it_and_who_changed_it(app, browser, casey, agent):
    made = make(casey, "Digest", tags=["daily", "news"], agent_id=agent["id"])
    row = browser.get(WORKFLOWS).html.find(id=made["id"])
    assert [pill.text for pill in row.select(".pill")] == ["draft"]
    assert "by hand" in row.text
    assert row.find("a", string=agent["name"])["href"] == f"/workspaces/aurora/agents/{agent['id']}"
    assert row.find("a", string="news")["href"] == f"{WORKFLOWS}?tag=news"
    assert row.find(class_="who").text == "Casey Editor"
    casey.post_json(at(made, "versions/1/publish"), {})
    app.as_program(AVERY).post_json(at(made, "versions/1/duplicate"), {})
    row = browser.get(WORKFLOWS).html.find(id=made["id"])
    assert [pill.text for pill in row.select(".pill")] == ["published v1", "unpublished changes"]
    assert row.find(class_="who").text == "Avery Owner"
    casey.post_json(at(made, "pause"), {})
    assert browser.get(WORKFLOWS).html.find(id=made["id"]).find(class_="pill").text == "paused v1"


def test_writing_an_export_is_no_change(app, browser, casey):
    made = make(casey)
    avery = app.as_browser(AVERY)
    export = next(form for form in avery.get(WORKFLOWS).forms.values() if form.action.endswith("/export"))
    export.submit()
    assert browser.get(WORKFLOWS).html.find(id=made["id"]).find(class_="who").text == "Casey Editor"


def test_triggers_are_marked_by_their_kinds(app, browser, casey):
    made = make(casey)
    triggers = [Trigger(f"trg_{n}", kind, {}, active=True) for n, kind in enumerate(["cron", "cron", "webhook"])]
    triggers = [msgspec.structs.replace(one, kind=TriggerKind(one.kind)) for one in triggers]
    change_file(app, lambda workflows: [msgspec.structs.replace(one, triggers=triggers) for one in workflows])
    cell = browser.get(WORKFLOWS).html.find(id=made["id"]).find(class_="starts")
    assert [mark.text for mark in cell.select(".tag")] == ["cron", "webhook"]
    assert "by hand" not in cell.text


def change_file(app, change):
    """Writes the file as another process would."""
    app.app.registry.workflow_file.change(
        lambda document: (msgspec.structs.replace(document, workflows=change(document.workflows)), None)
    )


def test_the_list_is_narrowed_by_text_tag_status_and_owner_and_counts_both(browser, casey, agent):
    first = make(casey, "Morning digest", tags=["daily"], agent_id=agent["id"])
    make(casey, "Fetch", tags=["daily", "net"], kind="http.request")
    make(casey, "Evening report")
    casey.post_json(at(first, "versions/1/publish"), {})
    assert browser.get(WORKFLOWS).html.find(class_="count").text == "3 workflows"
    for asked, expected in {
        ("q", "digest"): ["Morning digest"],
        ("q", "DAILY"): ["Fetch", "Morning digest"],
        ("q", "http.request"): ["Fetch"],
        ("q", "  "): ["Evening report", "Fetch", "Morning digest"],
        ("tag", "net"): ["Fetch"],
        ("tag", "dai"): [],
        ("status", "active"): ["Morning digest"],
        ("status", "draft"): ["Evening report", "Fetch"],
        ("status", "unpublished"): [],
        ("agent", agent["id"]): ["Morning digest"],
        ("agent", "agt_nobody"): [],
    }.items():
        assert sorted(listed(casey, **dict([asked]))) == expected, asked
        page = browser.get(WORKFLOWS, dict([asked]))
        assert sorted(names(page)) == expected, asked
        if expected and asked[1].strip():
            assert page.html.find(class_="count").text == f"{len(expected)} of 3"
    casey.post_json(at(first, "versions/1/duplicate"), {})
    assert listed(casey, status="unpublished") == ["Morning digest"]
    assert listed(casey, status="active", tag="daily", q="morning", agent=agent["id"]) == ["Morning digest"]


def test_the_filter_form_keeps_what_was_asked_and_offers_what_there_is(browser, casey, agent):
    make(casey, "One", tags=["zeta", "Alpha"], agent_id=agent["id"])
    form = browser.get(WORKFLOWS).forms["filters"]
    assert [text for _, _, text in form["tag"].options] == ["Any tag", "Alpha", "zeta"]
    assert [text for _, _, text in form["agent"].options] == ["Any owner", agent["name"]]
    form["tag"], form["agent"], form["status"], form["sort"] = "zeta", agent["id"], "draft", "name"
    page = form.submit()
    assert names(page) == ["One"]
    form = page.forms["filters"]
    assert [form[name].value for name in ("tag", "agent", "status", "sort")] == ["zeta", agent["id"], "draft", "name"]
    assert names(page.click("Clear")) == ["One"]


def test_a_filter_that_nothing_fits_says_so_and_shows_all_again(browser, casey):
    make(casey, "One")
    page = browser.get(WORKFLOWS, {"tag": "gone", "agent": "agt_gone"})
    assert "None of 1 workflows is like that." in page.text
    assert page.forms["filters"]["tag"].value == "gone"
    assert names(page.click("Show all")) == ["One"]


@pytest.mark.parametrize("asked", ["status=nope", "sort=size", "limit=0", "cursor=!", "cursor=YWJj"])
def test_a_question_that_makes_no_sense_is_refused_with_its_name(browser, casey, asked):
    refused = casey.get(f"{WORKFLOWS}?{asked}", status=400).json
    assert refused["errors"][0]["pointer"] == f"/{asked.partition('=')[0]}"
    browser.get(f"{WORKFLOWS}?{asked}", status=400)


def test_the_list_goes_by_the_last_change_or_by_name(casey):
    for name in ("beta", "Alpha", "gamma"):
        make(casey, name)
    assert listed(casey) == ["gamma", "Alpha", "beta"]
    assert listed(casey, sort="name") == ["Alpha", "beta", "gamma"]


def test_the_bin_is_a_list_of_its_own(browser, casey):
    kept, gone = make(casey, "Kept", tags=["a"]), make(casey, "Gone", tags=["b"])
    casey.delete(at(gone))
    page = browser.get(WORKFLOWS, {"bin": "1"})
    assert names(page) == ["Gone"]
    assert [text for _, _, text in page.forms["filters"]["tag"].options] == ["Any tag", "b"]
    form = page.forms["filters"]
    form["q"] = "gone"
    assert names(form.submit()) == ["Gone"]
    restore = next(form for form in page.forms.values() if form.action.endswith("/restore"))
    restore.submit(status=303)
    assert sorted(names(browser.get(WORKFLOWS))) == ["Gone", kept["name"]]


def many(app, casey, number):
    """So many workflows in the file, made from one."""
    make(casey, "Flow")

    def copies(workflows):
        made = []
        for index in range(number):
            version = msgspec.structs.replace(workflows[0].versions[0], name=f"Flow {index:04}")
            at_time = clock.later_text(-index)
            made.append(
                msgspec.structs.replace(
                    workflows[0], id=f"wfl_{index:04}", versions=[version], updated_at=at_time, tags=[f"t{index % 4}"]
                )
            )
        return made

    change_file(app, copies)


@pytest.mark.parametrize("order", ["changed", "name"])
def test_a_thousand_workflows_are_paged_without_a_gap(app, browser, casey, order):
    many(app, casey, 1000)
    page = browser.get(WORKFLOWS, {"sort": order})
    assert page.html.find(class_="count").text == "1,000 workflows"
    seen = names(page)
    assert len(seen) == 50
    while "Next page" in page.html.find(class_="pager").text:
        page = page.click("Next page")
        seen += names(page)
    assert seen == [f"Flow {index:04}" for index in range(1000)]
    assert names(page.click("First page")) == seen[:50]
    filtered = browser.get(WORKFLOWS, {"sort": order, "tag": "t1"})
    assert filtered.html.find(class_="count").text == "250 of 1,000"
    assert names(filtered.click("Next page"))[0] == "Flow 0201"


def test_a_page_behind_which_everything_moved_leads_back_to_the_first(app, browser, casey):
    many(app, casey, 60)
    page = browser.get(WORKFLOWS).click("Next page")
    address = page.request.path_qs
    change_file(app, lambda workflows: workflows[:3])
    page = browser.get(address)
    assert "Nothing more" in page.text
    assert len(names(page.click("First page"))) == 3


def test_the_rows_can_be_fetched_again_as_they_were_asked_for(browser, casey):
    make(casey, "One", tags=["a"])
    make(casey, "Two")
    page = browser.get(WORKFLOWS, {"tag": "a"})
    again = browser.get(page.html.select_one('main live-fragment[src*="/workflows"]')["src"])
    assert names(again) == ["One"]
    assert "<html" not in again.text


MARKUP = ("<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "\"><b id=x>", "' onclick='x", "{{ 7 * 7 }}",
          "&lt;i&gt;", "a&b=c#d?e/f%00", "\u202edlrow", "日本語 😀", "../../etc/passwd", "a\nb")  # fmt: skip


@pytest.mark.parametrize("name", MARKUP)
def test_names_and_tags_that_look_like_markup_stay_text(browser, casey, name):
    tag = name.replace("\n", " ")[:40]
    made = make(casey, name, tags=[tag])
    row = browser.get(WORKFLOWS).html.find(id=made["id"])
    assert row.find(class_="main-cell").find("a").text == name
    assert names(browser.get(row.select_one("a.tag")["href"])) == [name]
    for path in ("", "settings"):
        page = browser.get(at(made, path).rstrip("/"))
        assert name in page.html.find("h1").text
        assert not page.html.select("main script, main img, main b, main i, main [onclick]")
    form = browser.get(at(made, "settings")).forms["settings"]
    assert form["tags"].value == tag


# Settings


def test_an_editor_sets_owner_and_tags_and_the_history_tells(browser, casey, agent):
    made = make(casey, tags=["old"])
    form = browser.get(at(made)).click("Settings").forms["settings"]
    assert form["tags"].value == "old"
    form["agent_id"], form["tags"] = agent["id"], " daily,, news , daily "
    page = form.submit(status=303).follow()
    assert page.html.find("a", string=agent["name"])
    now = casey.get(at(made)).json
    assert (now["agent_id"], now["tags"]) == (agent["id"], ["daily", "news"])
    entry = casey.get(at(made, "history")).json["items"][0]
    assert (entry["action"], entry["version"]) == ("updated", None)
    assert entry["summary"] == f"Owner agent: {agent['name']}. Tags: daily, news."
    event = casey.get("/workspaces/aurora/activity").json["items"][0]
    assert (event["type"], event["subject"]) == ("workflow.updated", made["id"])
    form = browser.get(at(made, "settings")).forms["settings"]
    form["agent_id"], form["tags"] = "", ""
    form.submit(status=303)
    assert casey.get(at(made, "history")).json["items"][0]["summary"] == "No owner agent. No tags."


def test_settings_that_are_the_same_leave_no_trace(browser, casey, agent):
    made = make(casey, tags=["a"], agent_id=agent["id"])
    before = casey.get(at(made)).headers["ETag"]
    browser.get(at(made, "settings")).forms["settings"].submit(status=303)
    casey.patch_json(at(made), {"tags": ["a"], "agent_id": agent["id"]})
    casey.patch_json(at(made), {})
    assert casey.get(at(made)).headers["ETag"] == before
    assert len(casey.get(at(made, "history")).json["items"]) == 1


def test_saving_a_draft_after_the_settings_is_an_entry_of_its_own(casey):
    made = make(casey)
    casey.patch_json(at(made), {"tags": ["a"]})
    casey.put_json(at(made, "versions/1"), {"definition": definition("Other")})
    entries = casey.get(at(made, "history")).json["items"]
    assert [(one["action"], one["summary"], one["version"]) for one in entries] == [
        ("updated", "", 1),
        ("updated", "Tags: a.", None),
        ("created", "First draft", 1),
    ]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"tags": "daily"}, "/tags"),
        ({"tags": [1]}, "/tags/0"),
        ({"tags": [""]}, "/tags/0"),
        ({"tags": [" "]}, "/tags/0"),
        ({"tags": None}, "/tags"),
        ({"tags": ["x" * 41]}, "/tags/0"),
        ({"tags": [f"t{n}" for n in range(21)]}, "/tags"),
        ({"tags": ["a,b"]}, "/tags"),
        ({"tags": ["a\nb"]}, "/tags"),
        ({"agent_id": 7}, "/agent_id"),
        ({"agent_id": ""}, "/agent_id"),
        ({"agent_id": "agt_nobody"}, "/agent_id"),
        ({"agent": "Nova"}, "/agent"),
        ({"name": "Other"}, "/name"),
    ],
)
def test_settings_that_cannot_be_are_refused_by_name_and_nothing_changes(casey, body, pointer):
    made = make(casey, tags=["kept"])
    refused = casey.patch_json(at(made), body, status=400).json
    assert pointer in [fault["pointer"] for fault in refused["errors"]]
    assert casey.get(at(made)).json == made


def test_an_agent_of_another_workspace_cannot_own_a_workflow(app, casey):
    made = make(casey)
    bailey = app.as_program("bailey.admin@example.com")
    foreign = bailey.get("/workspaces/cobalt/agents").json["items"][0]["id"]
    assert "no such agent in this workspace" in casey.patch_json(at(made), {"agent_id": foreign}, status=400).text


def test_bad_tags_in_the_form_are_told_at_their_field_and_kept(browser, casey):
    made = make(casey, tags=["kept"])
    form = browser.get(at(made, "settings")).forms["settings"]
    form["tags"] = ", ".join(f"t{n}" for n in range(25))
    page = form.submit(status=400)
    assert "There are 25 tags; a workflow has at most 20." in page.html.find(id="tags-error").text
    assert page.forms["settings"]["tags"].value == form["tags"].value
    page.forms["settings"]["agent_id"].force_value("agt_nobody")
    page.forms["settings"]["tags"] = "fine"
    assert "no such agent" in page.forms["settings"].submit(status=400).html.find(id="agent_id-error").text
    assert casey.get(at(made)).json["tags"] == ["kept"]


def test_a_deleted_owner_is_shown_as_such_and_the_tags_can_still_be_changed(app, browser, casey):
    agent = casey.post_json("/workspaces/aurora/agents", {"name": "Shortlived"}, status=201).json
    made = make(casey, agent_id=agent["id"])
    app.as_program(AVERY).delete(f"/workspaces/aurora/agents/{agent['id']}")
    assert "deleted agent" in browser.get(WORKFLOWS).html.find(id=made["id"]).text
    assert "deleted agent" in browser.get(at(made)).text
    form = browser.get(at(made, "settings")).forms["settings"]
    assert form["agent_id"].value == agent["id"]
    form["tags"] = "new"
    form.submit(status=303)
    assert casey.get(at(made)).json["tags"] == ["new"]
    form = browser.get(at(made, "settings")).forms["settings"]
    form["agent_id"] = ""
    form.submit(status=303)
    assert casey.get(at(made)).json["agent_id"] is None


def test_if_match_guards_the_settings_and_nothing_else(casey, agent):
    made = make(casey)
    etag = casey.get(at(made)).headers["ETag"]
    casey.get(at(made), headers={"If-None-Match": etag}, status=304)
    casey.put_json(at(made, "versions/1"), {"definition": definition("Renamed")})
    assert casey.get(at(made), headers={"If-None-Match": etag}).json["name"] == "Renamed"
    changed = casey.patch_json(at(made), {"tags": ["mine"]}, headers={"If-Match": etag})
    assert changed.headers["ETag"] not in {etag, ""}
    refused = casey.patch_json(at(made), {"agent_id": agent["id"]}, headers={"If-Match": etag}, status=412)
    assert "changed since you read it" in refused.text
    casey.patch_json(at(made), {"agent_id": agent["id"]}, headers={"If-Match": changed.headers["ETag"]})


def test_two_who_set_at_once_both_see_what_the_other_chose(app, browser, casey):
    made = make(casey)
    mine = browser.get(at(made, "settings")).forms["settings"]
    theirs = app.as_browser(AVERY).get(at(made, "settings")).forms["settings"]
    theirs["tags"] = "theirs"
    theirs.submit(status=303)
    mine["tags"] = "mine"
    page = mine.submit(status=409)
    assert "Somebody else changed these settings" in page.html.find(id="faults").text
    assert "theirs" in page.html.find(class_="facts").text
    assert page.forms["settings"]["tags"].value == "mine"
    page.forms["settings"].submit(status=303)
    assert casey.get(at(made)).json["tags"] == ["mine"]


def test_a_workflow_in_the_bin_keeps_its_settings(browser, casey):
    made = make(casey, tags=["a"])
    form = browser.get(at(made, "settings")).forms["settings"]
    casey.delete(at(made))
    form["tags"] = "b"
    assert "in the bin" in form.submit(status=303).follow().text
    casey.patch_json(at(made), {"tags": ["b"]}, status=409)
    assert casey.get(at(made)).json["tags"] == ["a"]


def test_what_an_import_brought_against_the_rules_can_be_seen_and_put_right(app, browser, casey):
    made = make(casey)
    tags = [f"a,{n}" for n in range(60)]
    change_file(app, lambda workflows: [msgspec.structs.replace(one, tags=tags) for one in workflows])
    assert "+57" in browser.get(WORKFLOWS).html.find(id=made["id"]).text
    browser.get(at(made, "settings")).forms["settings"].submit(status=303)
    assert casey.get(at(made)).json["tags"] == tags
    form = browser.get(at(made, "settings")).forms["settings"]
    form["tags"] = "right"
    form.submit(status=303)
    assert casey.get(at(made)).json["tags"] == ["right"]
