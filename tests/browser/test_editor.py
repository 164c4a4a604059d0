"""The editor in a browser: by keyboard alone, saved by itself, by two people, and through a lost connection."""

import re

import pytest
from playwright.sync_api import expect
from servers import Program

pytestmark = pytest.mark.xdist_group("browser")

AVERY, CASEY = "avery.owner@example.com", "casey.editor@example.com"
WORKFLOWS = "/workspaces/aurora/workflows"
DEFINITION = {
    "name": "Orders",
    "inputs": {"type": "object", "properties": {"amount": {"type": "number", "default": 7}}},
    "steps": [
        {"id": "first", "type": "transform", "config": {"value": "{{ inputs.amount }}"}},
        {"id": "second", "type": "fail", "config": {"message": "No"}},
    ],
}


class Drafts(Program):
    """A program that makes drafts and reads them."""

    def draft(self, definition=None):
        made = self.send(WORKFLOWS, {"definition": definition or DEFINITION})
        return f"{WORKFLOWS}/{made['id']}/versions/1"

    def definition(self, draft):
        return self.send(draft)["definition"]


@pytest.fixture
def program(server):
    return Drafts(server, CASEY)


def saved(page):
    expect(page.locator(".editor-state")).to_contain_text("Saved")


def test_a_workflow_of_three_steps_and_a_branch_is_written_by_keyboard_alone(visit, server, program):
    draft = program.draft({**DEFINITION, "steps": [DEFINITION["steps"][0]]})
    page = visit(CASEY)
    page.goto(f"{server.url}{draft}/edit")
    keys = page.keyboard

    def go_to(locator):
        for _ in range(150):
            if locator.evaluate("(element) => element === document.activeElement"):
                return
            keys.press("Tab")
        raise AssertionError(f"{locator} cannot be reached by Tab")

    def add(search, step_id):
        go_to(page.locator("a[accesskey=a]"))
        keys.press("Enter")
        expect(page.locator("[data-filter]")).to_be_focused()
        keys.type(search)
        go_to(page.locator("#types li:visible a").first)
        keys.press("Enter")
        expect(page.locator("#step_id")).to_be_focused()
        keys.press("Control+a")
        keys.type(step_id)

    add("branch", "large")
    go_to(page.locator('[id="config.test"]'))
    keys.press("Control+a")
    keys.type("{{ inp")
    expect(page.locator(".completions li").first).to_contain_text("inputs.amount")
    keys.press("Enter")
    expect(page.locator('[id="config.test"]')).to_have_value("{{ inputs.amount }}")
    keys.type(" > 100")
    go_to(page.locator("#part-form .button.primary"))
    keys.press("Enter")
    expect(page.locator("#row-large")).to_be_visible()
    add("end with", "stop")
    go_to(page.locator('[id="config.message"]'))
    keys.type("Too much: {{ steps.fi")
    expect(page.locator(".completions li").first).to_contain_text("steps.first.output")
    keys.press("Tab")
    go_to(page.locator("#when"))
    keys.type("{{ steps.lar")
    keys.press("Enter")
    go_to(page.locator("#part-form .button.primary"))
    keys.press("Enter")
    expect(page.locator("#row-stop")).to_be_visible()
    go_to(page.locator("#row-stop .step-link"))
    keys.press("Alt+ArrowUp")
    expect(page.locator("#row-stop")).to_have_attribute("data-place", "1")
    expect(page.locator("#row-stop .step-link")).to_be_focused()
    keys.press("Alt+ArrowDown")
    expect(page.locator("#row-stop")).to_have_attribute("data-place", "2")
    assert program.definition(draft)["steps"][1:] == [
        {"id": "large", "type": "condition", "config": {"test": "{{ inputs.amount > 100 }}"}},
        {
            "id": "stop",
            "type": "fail",
            "config": {"message": "Too much: {{ steps.first.output }}"},
            "when": "{{ steps.large.output }}",
        },
    ]


def test_what_is_typed_is_saved_by_itself_and_the_yaml_follows(visit, server, program):
    draft = program.draft()
    page = visit(CASEY)
    page.goto(f"{server.url}{draft}/edit?step=second")
    page.evaluate("window.sameDocument = true")
    page.locator('[id="config.message"]').fill("Not today")
    expect(page.locator("#yaml")).to_have_value(re.compile("message: Not today"))
    assert program.definition(draft)["steps"][1]["config"]["message"] == "Not today"
    page.locator('[id="config.message"]').fill("")
    expect(page.locator('[id="config.message-error"]')).to_be_visible()
    expect(page.locator(".editor-state")).to_contain_text("Not saved")
    assert program.definition(draft)["steps"][1]["config"]["message"] == "Not today"
    page.keyboard.type("Later")
    saved(page)
    expect(page.locator('[id="config.message-error"]')).to_have_count(0)
    assert program.definition(draft)["steps"][1]["config"]["message"] == "Later"
    assert page.evaluate("window.sameDocument") is True


def test_what_is_published_is_what_one_sees(visit, server, program):
    draft = program.draft()
    page = visit(CASEY)
    page.goto(f"{server.url}{draft}/edit?step=second")
    page.locator('[id="config.message"]').fill("")
    page.click("text=Publish")
    expect(page.locator("#faults")).to_be_focused()
    assert program.send(draft)["status"] == "draft"
    page.locator('[id="config.message"]').fill("The last word")
    page.click("text=Publish")
    page.wait_for_url(re.compile(r"/workflows/wfl_\w+$"))
    assert program.send(draft)["status"] == "published"
    assert program.definition(draft)["steps"][1]["config"]["message"] == "The last word"


def test_a_key_of_ones_own_in_the_yaml_survives_the_form(visit, server, program):
    draft = program.draft()
    page = visit(CASEY)
    page.goto(f"{server.url}{draft}/edit?step=second")
    text = page.input_value("#yaml")
    page.fill("#yaml", text.replace("    type: fail\n", "    type: fail\n    x-owner: {team: night, floor: 3}\n"))
    expect(page.locator(".editor-state")).to_contain_text("Saved")
    page.locator("#name").fill("The end")
    expect(page.locator("#row-second")).to_contain_text("The end")
    step = program.definition(draft)["steps"][1]
    assert (step["name"], step["x-owner"]) == ("The end", {"team": "night", "floor": 3})


def test_two_people_on_one_draft_see_each_other_s_work_and_neither_loses_any(visit, server, program):
    draft = program.draft()
    casey, avery = visit(CASEY), visit(AVERY)
    for page, step in ((casey, "second"), (avery, "first")):
        page.goto(f"{server.url}{draft}/edit?step={step}")
        expect(page.locator("live-dot")).to_have_attribute("data-state", "live")
    casey.locator("#name").fill("The end")
    saved(casey)
    expect(avery.locator("#row-second")).to_contain_text("The end")
    expect(avery.locator("#yaml")).to_have_value(re.compile("The end"))
    expect(avery.locator(".here-text").first).to_contain_text("is editing")
    expect(avery.locator("#name")).not_to_be_editable()
    avery.get_by_role("button", name="Ask to edit").click()
    casey.get_by_role("button", name="Hand over").click()
    avery.locator("#name").fill("The beginning")
    saved(avery)
    expect(casey.locator("#row-first")).to_contain_text("The beginning")
    expect(casey.locator("#name")).not_to_be_editable()
    assert casey.input_value("#name") == "The end"
    assert [step["name"] for step in program.definition(draft)["steps"]] == ["The beginning", "The end"]


def test_of_two_who_write_the_same_part_both_sides_are_shown_and_one_decides(visit, server, program):
    draft = program.draft()
    page = visit(AVERY)
    page.goto(f"{server.url}{draft}/edit?step=first")
    expect(page.locator("live-dot")).to_have_attribute("data-state", "live")
    page.route("**/edit-step*", lambda route: route.abort())
    page.locator("#name").fill("Mine")
    expect(page.locator(".editor-state")).to_contain_text("cannot be reached")
    theirs = program.definition(draft)
    theirs["steps"][0]["name"] = "Theirs"
    program.send(draft, {"definition": theirs}, "PUT")
    expect(page.locator("#yaml")).to_have_value(re.compile("Theirs"))
    assert page.input_value("#name") == "Mine"
    page.unroute("**/edit-step*")
    expect(page.locator("#faults")).to_contain_text("Somebody was quicker", timeout=15_000)
    expect(page.locator("pre.code")).to_contain_text("name: Theirs")
    assert page.input_value("#name") == "Mine"
    page.click("text=Save the step")
    saved(page)
    assert program.definition(draft)["steps"][0]["name"] == "Mine"


def test_work_survives_a_lost_connection_and_a_closed_tab(visit, server, program):
    draft = program.draft()
    page = visit(CASEY)
    page.goto(f"{server.url}{draft}/edit?step=second")
    server.kill()
    page.locator('[id="config.message"]').fill("Written while the server was away")
    expect(page.locator(".editor-state")).to_contain_text("kept in this browser")
    again = page.context.new_page()
    page.close()
    server.start()
    again.goto(f"{server.url}{draft}/edit")
    expect(again.locator("#row-second")).to_have_attribute("data-unsaved", "")
    again.click("#row-second a")
    expect(again.locator('[id="config.message"]')).to_have_value("Written while the server was away")
    expect(again.locator("#yaml")).to_have_value(re.compile("while the server was away"))
    assert program.definition(draft)["steps"][1]["config"]["message"] == "Written while the server was away"


def test_the_picture_follows_and_leads_to_the_steps(visit, server, program):
    draft = program.draft()
    page = visit(CASEY)
    page.goto(f"{server.url}{draft}/edit?step=second")
    page.locator("#name").fill("The end")
    expect(page.locator(".graph-node")).to_have_text([re.compile("first"), re.compile("The end")])
    expect(page.locator(".graph-node").nth(1)).to_have_attribute("aria-current", "step")
    page.locator(".graph-node").first.click()
    expect(page.locator("#step_id")).to_have_value("first")


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 390)])
def test_axe_finds_nothing_in_the_editor(visit, server, program, scheme, width):
    from axe_playwright_python.sync_playwright import Axe

    draft = program.draft()
    page = visit(CASEY, color_scheme=scheme, viewport={"width": width, "height": 844}, bypass_csp=True)
    for query in ("", "?step=first", "?add", "?add=http.request"):
        page.goto(f"{server.url}{draft}/edit{query}")
        if query == "?step=first":
            page.locator('[id="config.value"]').fill("{{ in")
            expect(page.locator(".completions")).to_be_visible()
        faults = Axe().run(page).response["violations"]
        assert [(fault["id"], [node["target"] for node in fault["nodes"]]) for fault in faults] == [], query
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_step_is_moved_by_the_pointer(visit, server, program):
    draft = program.draft()
    page = visit(CASEY)
    page.goto(f"{server.url}{draft}/edit")
    page.locator("#row-second").drag_to(page.locator("#row-first"), target_position={"x": 40, "y": 4})
    expect(page.locator("#row-second")).to_have_attribute("data-place", "0")
    assert [step["id"] for step in program.definition(draft)["steps"]] == ["second", "first"]
