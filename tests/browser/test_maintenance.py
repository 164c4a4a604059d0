"""Maintenance as people see it, and a hand-over of which they see nothing."""

import pytest
from barriers import barriers_on
from playwright.sync_api import expect
from servers import Program

pytestmark = pytest.mark.xdist_group("browser")

AVERY, CASEY = "avery.owner@example.com", "casey.editor@example.com"


def test_the_banner_comes_and_goes_and_what_was_typed_is_sent_again(visit, server):
    operator, casey = Program(server, AVERY), visit(CASEY)
    casey.goto(f"{server.url}/workspaces/aurora/agents/new")
    expect(casey.locator("live-dot")).to_have_attribute("data-state", "live")
    casey.evaluate("window.sameDocument = true")
    casey.fill("#name", "Nova")
    operator.send("/maintenance", {"why": "A new disk", "until": "30m"})
    expect(casey.locator(".maintenance")).to_contain_text("A new disk. Everything can be read")
    assert casey.evaluate("window.sameDocument") is True
    assert casey.input_value("#name") == "Nova"
    casey.locator("main form button[type=submit]").first.click()
    expect(casey.locator("h1")).to_have_text("Nothing was changed")
    operator.send("/maintenance", method="DELETE")
    expect(casey.locator(".maintenance")).to_have_count(0)
    casey.get_by_role("button", name="Send it again").click()
    expect(casey.locator("h1")).to_contain_text("Nova")


def test_a_page_stays_as_it_is_while_the_server_is_replaced_and_hears_what_happens_afterwards(visit, server):
    casey = visit(CASEY)
    casey.goto(f"{server.url}/workspaces/aurora/agents")
    expect(casey.locator("live-dot")).to_have_attribute("data-state", "live")
    casey.evaluate("window.sameDocument = true")
    old = server.process
    server.start()
    assert old.wait(60) == 0
    Program(server, AVERY).send("/workspaces/aurora/agents", {"name": "Came later"})
    expect(casey.get_by_text("Came later").first).to_be_visible()
    expect(casey.locator("live-dot")).to_have_attribute("data-state", "live")
    assert casey.evaluate("window.sameDocument") is True


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_axe_finds_nothing_on_the_pages_of_maintenance(visit, server, scheme, width):
    page = visit(AVERY, color_scheme=scheme, viewport={"width": width, "height": 844}, bypass_csp=True)
    found = []

    def look(name):
        found.extend(barriers_on(page, name))

    page.goto(f"{server.url}/maintenance")
    look("there is none")
    page.fill("#why", "A new disk")
    page.fill("#until", "never")
    page.locator("#begin button").click()
    expect(page.locator("#faults")).to_contain_text("Until must be a time")
    look("refused form")
    page.fill("#until", "30m")
    page.locator("#begin button").click()
    expect(page.locator(".maintenance")).to_be_visible()
    look("it lasts")
    page.goto(f"{server.url}/workspaces/aurora/agents/new")
    page.fill("#name", "Nova")
    page.click("text=Make the agent")
    expect(page.locator("h1")).to_have_text("Nothing was changed")
    look("refused change")
    assert found == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
