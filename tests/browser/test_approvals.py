"""Approvals in a browser: the number in the rail, a form on a phone, a decision by somebody else seen as it happens."""

import time

import pytest
from barriers import RULES
from servers import Program

pytestmark = pytest.mark.xdist_group("browser")

AVERY, CASEY = "avery.owner@example.com", "casey.editor@example.com"
HERE = "/workspaces/aurora/approvals"
PHONE = {"width": 390, "height": 844}
FORM = {
    "type": "object",
    "required": ["snapshot", "colour"],
    "properties": {
        "snapshot": {"type": "string", "title": "Name of the snapshot", "description": "To go back to."},
        "colour": {"type": "string", "title": "Colour", "enum": ["blue", "green"]},
        "share": {"type": "number", "title": "Share", "minimum": 0, "maximum": 1, "default": 0.5},
        "told": {"type": "boolean", "title": "Everybody is told"},
        "day": {"type": "string", "format": "date", "title": "Day"},
        "note": {"type": "string", "maxLength": 2000, "title": "What others should know"},
        "tags": {"type": "array", "title": "Tags"},
    },
}


@pytest.fixture
def avery(server):
    return Program(server, AVERY)


def ask(program, title="Release 2.0?", **config):
    """Starts a run that asks, and gives the id of the approval once it does."""
    about = {"description": "Two fixes.\nOne of them <small>.", "deadline_seconds": 86_400, **config}
    steps = [{"id": "ask", "type": "approval", "config": {"title": title, **about}}]
    definition = {"name": f"Ship {title}", "steps": steps, "output": "{{ steps.ask.output }}"}
    workflow = program.send("/workspaces/aurora/workflows", {"definition": definition})
    there = f"/workspaces/aurora/workflows/{workflow['id']}"
    program.send(f"{there}/versions/1/publish", {})
    run = program.send(f"{there}/run", {})
    until = time.monotonic() + 20
    while not (found := program.send(f"{HERE}?run={run['id']}")["items"]):
        assert time.monotonic() < until, "the run did not ask"
        time.sleep(0.02)
    return found[0]["id"]


def faults_of(page, where):
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, options=RULES).response["violations"]
    return [
        f"{where}: {one['id']}: {node['target']} {node['failureSummary']}" for one in found for node in one["nodes"]
    ]


def test_a_phone_shows_what_is_asked_and_decides_it_with_large_buttons_in_reach(visit, server, avery):
    approval = ask(avery, form=FORM)
    page = visit(CASEY, viewport=PHONE, has_touch=True, is_mobile=True)
    page.goto(f"{server.url}{HERE}")
    page.click("td >> text=Decide")
    page.wait_for_selector("#decide")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for name in ("Approve", "Refuse"):
        box = page.get_by_role("button", name=name).bounding_box()
        assert box["height"] >= 44
        assert box["y"] + box["height"] <= 844, "within reach, before one has scrolled"
    rail = page.locator(".rail").bounding_box()
    bar = page.locator(".decide-bar").bounding_box()
    assert bar["y"] + bar["height"] <= rail["y"] + 1, "not below the rail"
    page.fill("text=Name of the snapshot", "before-2.0")
    page.get_by_label("Colour").select_option(label="green")
    page.check("text=Everybody is told")
    page.get_by_label("Comment").fill("Fine.")
    page.get_by_role("button", name="Approve").tap()
    page.wait_for_selector("text=Casey Editor approved this")
    values = avery.send(f"{HERE}/{approval}")["values"]
    assert values == {"snapshot": "before-2.0", "colour": "green", "share": 0.5, "told": True}


def test_the_browser_asks_for_what_is_required_to_approve_and_for_nothing_to_refuse(visit, server, avery):
    approval = ask(avery, form=FORM)
    page = visit(CASEY)
    page.goto(f"{server.url}{HERE}/{approval}")
    page.get_by_role("button", name="Approve").click()
    assert page.evaluate("document.activeElement.id") == "field-0"
    page.get_by_role("button", name="Refuse").click()
    page.wait_for_selector("text=Casey Editor refused this")


def test_who_looks_sees_the_number_grow_and_the_decision_of_somebody_else(visit, server, avery):
    page = visit(CASEY)
    page.goto(f"{server.url}/workspaces/aurora/agents")
    page.wait_for_selector(".dot[data-state=live]")
    assert page.locator(".rail .badge").count() == 0
    approval = ask(avery)
    page.wait_for_selector(".rail .badge")
    page.click(".rail a:has-text('Approvals')")
    page.click("text=Release 2.0?")
    page.wait_for_selector(".dot[data-state=live]")
    page.get_by_label("Comment").fill("I think")
    other = ask(avery, "Another?")
    page.wait_for_selector(".rail .badge:has-text('2')")
    assert page.get_by_label("Comment").input_value() == "I think"
    avery.send(f"{HERE}/{approval}/refuse", {"comment": "No."})
    page.wait_for_selector("text=Avery Owner refused this")
    assert page.locator("#decide").count() == 0
    page.goto(f"{server.url}{HERE}")
    page.wait_for_selector(f"#for-me #{other}")
    page.wait_for_selector(".dot[data-state=live]")
    avery.send(f"{HERE}/{other}/approve", {})
    page.wait_for_selector(f"#over #{other}")


def test_everything_works_without_scripts(visit, server, avery):
    approval = ask(avery, form=FORM)
    page = visit(CASEY, java_script_enabled=False)
    page.goto(f"{server.url}{HERE}/{approval}")
    page.fill("#field-0", "before")
    page.get_by_label("Colour").select_option(label="blue")
    page.fill("#field-6", "[oops")
    page.get_by_role("button", name="Approve").click()
    page.wait_for_selector("text=Tags must be JSON")
    assert page.input_value("#field-0") == "before"
    page.fill("#field-6", "[1]")
    page.get_by_role("button", name="Approve").click()
    page.wait_for_selector("text=Casey Editor approved this")


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_axe_finds_nothing(visit, server, avery, scheme, width):
    asked, done, others = ask(avery, form=FORM), ask(avery, "Done?", form={}), ask(avery, "Not you", deciders=["owner"])
    avery.send(f"{HERE}/{done}/refuse", {"comment": "No."})
    page = visit(CASEY, color_scheme=scheme, viewport={"width": width, "height": 844}, bypass_csp=True)
    found = []
    for path in (HERE, f"{HERE}?mine=1", f"{HERE}?status=expired", *(f"{HERE}/{one}" for one in (asked, done, others))):
        page.goto(server.url + path)
        found += faults_of(page, path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.goto(f"{server.url}{HERE}/{asked}")
    page.evaluate("document.querySelector('#decide').noValidate = true")
    page.get_by_role("button", name="Approve").click()
    page.wait_for_selector("#faults")
    found += faults_of(page, "refused form")
    assert found == []
