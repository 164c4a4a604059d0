"""axe-core finds nothing to complain of, on any page, light and dark, wide and on a phone."""

import pytest
from barriers import RULES, barriers_on

pytestmark = pytest.mark.xdist_group("browser")

AVERY = "avery.owner@example.com"


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_axe_finds_nothing(visit, server, scheme, width):
    page = visit(AVERY, color_scheme=scheme, viewport={"width": width, "height": 844}, bypass_csp=True)
    page.goto(f"{server.url}/workspaces/aurora/agents")
    agent = page.get_attribute(".cards h2 a", "href")
    page.goto(f"{server.url}/workspaces/aurora/workflows")
    workflow = page.get_attribute(".main-cell a", "href")
    page.goto(server.url + workflow)
    page.click("text=Begin a draft")
    page.goto(server.url + agent)
    page.fill("#title", "Look at me")
    page.click("text=Give the task")
    page.wait_for_selector(".pill-completed, .pill-failed")
    task = page.url.removeprefix(server.url)
    base = "/workspaces/aurora"
    found = []
    for path in ("/account", "/workspaces", "/agents", base, f"{base}/agents", f"{base}/agents?q=nobody",
                 f"{base}/agents/new", agent, task, f"{agent}/edit", f"{agent}/memory", f"{agent}/about",
                 f"{agent}/delete", f"{base}/members", f"{base}/roles", f"{base}/activity", f"{base}/workflows", f"{base}/workflows/new",
        workflow, f"{base}/workflows/import", f"{workflow}/versions/2", f"{workflow}/versions/2/edit", f"{workflow}/settings", f"{workflow}/limit",
        f"{base}/settings", f"{base}/queues", f"{base}/queues/orders", "/nothing"):  # fmt: skip
        page.goto(server.url + path)
        found += barriers_on(page, path)
    page.goto(f"{server.url}{base}/agents/new")
    page.fill("#name", " ")
    page.evaluate("document.querySelector('#agent').noValidate = true")
    page.click("text=Make the agent")
    found += barriers_on(page, "refused form")
    assert found == []


def test_axe_finds_nothing_on_the_sign_in_page(chromium, server):
    from axe_playwright_python.sync_playwright import Axe

    context = chromium.new_context(bypass_csp=True)
    page = context.new_page()
    page.goto(f"{server.url}/auth/login")
    assert [fault["id"] for fault in Axe().run(page, options=RULES).response["violations"]] == []
    context.close()
