"""The list of workflows, the gallery and the settings in a real browser."""

import pytest
from barriers import barriers_on

pytestmark = pytest.mark.xdist_group("browser")

CASEY = "casey.editor@example.com"
AVERY = "avery.owner@example.com"
WORKFLOWS = "/workspaces/aurora/workflows"


def test_somebody_elses_new_workflow_comes_into_the_list_that_one_looks_at(visit, server):
    casey, avery = visit(CASEY), visit(AVERY)
    casey.goto(f"{server.url}{WORKFLOWS}?tag=demo")
    before = casey.locator("tbody tr").count()
    casey.fill("input[type=search][name=q] >> nth=-1", "half typed")
    avery.goto(f"{server.url}{WORKFLOWS}/new")
    avery.fill("#tags", "demo")
    avery.click("text=Save as a draft")
    casey.wait_for_function(f"document.querySelectorAll('tbody tr').length === {before + 1}")
    assert casey.locator("tbody tr .main-cell a").first.inner_text() == "Daily digest"
    assert casey.locator(".count").inner_text().startswith(f"{before + 1} of")
    assert casey.input_value("#filters input[type=search]") == "half typed"


def test_a_template_is_begun_with_by_the_keyboard_alone(visit, server):
    casey = visit(CASEY)
    casey.goto(f"{server.url}{WORKFLOWS}/new")
    casey.focus("#webhook-relay-name")
    casey.keyboard.press("Control+A")
    casey.keyboard.type("From the keyboard")
    casey.keyboard.press("Enter")
    casey.wait_for_url("**/versions/1/edit")
    assert "From the keyboard" in casey.inner_text("main")


def test_owner_and_tags_are_set_without_a_script(visit, server):
    casey = visit(CASEY, java_script_enabled=False)
    casey.goto(server.url + WORKFLOWS)
    casey.click(".main-cell a >> nth=0")
    casey.click("text=Settings >> visible=true")
    casey.select_option("#agent_id", label="Smart Assistant")
    casey.fill("#tags", "demo, daily")
    casey.click("main >> text=Save")
    casey.goto(f"{server.url}{WORKFLOWS}?tag=daily")
    assert casey.locator("tbody tr").count() == 1
    assert "Smart Assistant" in casey.inner_text("tbody")


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_axe_finds_nothing_and_nothing_overflows(visit, server, scheme, width):
    page = visit(AVERY, color_scheme=scheme, viewport={"width": width, "height": 844}, bypass_csp=True)
    page.goto(server.url + WORKFLOWS)
    workflow = page.get_attribute(".main-cell a", "href")
    found = []

    def look(name):
        if page.evaluate("document.documentElement.scrollWidth") > width:
            found.append(f"{name}: wider than the window")
        found.extend(barriers_on(page, name))

    for path in (WORKFLOWS, f"{WORKFLOWS}?q=nobody", f"{WORKFLOWS}?bin=1", f"{WORKFLOWS}?tag=demo&sort=name",
                 f"{WORKFLOWS}/new", f"{WORKFLOWS}/new?q=nothing-like-it", f"{workflow}/settings",
                 "/workspaces/lumen/workflows?status=paused"):  # fmt: skip
        page.goto(server.url + path)
        look(path)
    page.goto(f"{server.url}{workflow}/settings")
    page.fill("#tags", ", ".join(f"tag {number}" for number in range(30)))
    page.click("main >> text=Save")
    page.wait_for_selector("#faults")
    look("refused settings")
    page.goto(f"{server.url}{WORKFLOWS}/new")
    page.fill("#http-sync-name", " ")
    page.click("#template-http-sync button")
    page.wait_for_selector("#faults")
    look("refused template")
    assert found == []
