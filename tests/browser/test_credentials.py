"""The pages of credentials in a real browser: nothing in the way of anybody, nothing wider than a phone."""

import os

import pytest
from barriers import barriers_on

pytestmark = pytest.mark.xdist_group("browser")

AVERY = "avery.owner@example.com"
BASE = "/workspaces/aurora/credentials"


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_the_pages_hold_no_barrier_and_fit_the_screen(visit, server, scheme, width):
    page = visit(AVERY, color_scheme=scheme, viewport={"width": width, "height": 844}, bypass_csp=True)
    found = []

    def look(name):
        found.extend(barriers_on(page, name))
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            found.append(f"{name}: wider than the screen")
        if os.environ.get("SCREENSHOTS"):
            page.screenshot(path=f"{os.environ['SCREENSHOTS']}/{name}-{width}.png", full_page=True)

    page.goto(server.url + BASE)
    look("none")
    page.goto(f"{server.url}{BASE}/new")
    look("types")
    page.goto(f"{server.url}{BASE}/new?type=custom")
    look("custom")
    page.goto(f"{server.url}{BASE}/new?type=smtp")
    page.fill("#name", "Mail server of the whole department")
    page.fill("#field-host", "smtp.example.com")
    page.fill("#field-sender", "nobody")
    page.click("text=Keep it")
    page.wait_for_selector("#field-sender-error")
    look("refused")
    page.fill("#field-sender", "releases@example.com")
    page.click("text=Keep it")
    page.wait_for_selector("#test")
    look("shown")
    path = page.url
    for name in ("edit", "replace", "delete"):
        page.goto(f"{path}/{name}")
        look(name)
    page.goto(server.url + BASE)
    look("list")
    assert found == []


def test_a_list_shows_what_somebody_else_adds_without_a_reload(visit, server):
    page, other = visit(AVERY), visit(AVERY)
    page.goto(server.url + BASE)
    page.wait_for_selector("live-dot:has-text('live')")
    other.goto(f"{server.url}{BASE}/new?type=api-key")
    other.fill("#name", "Shop")
    other.fill("#field-key", "k-12345678")
    other.click("text=Keep it")
    page.wait_for_selector("td:has-text('Shop')")
