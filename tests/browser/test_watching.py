"""Two people, two browsers: one gives a task, the other watches it, whatever the server does meanwhile."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.xdist_group("browser")

AVERY, CASEY = "avery.owner@example.com", "casey.editor@example.com"


def open_agent(page, server, name):
    page.goto(f"{server.url}/workspaces/aurora/agents")
    page.click(f"text={name}")
    page.wait_for_selector(".tabs")


def give(page, title, text):
    page.fill("#title", title)
    page.fill("#input", text)
    page.click("text=Give the task")
    page.wait_for_url("**/tasks/tsk_*")


def lines(page):
    return page.locator("live-log li span").all_inner_texts()


def test_the_second_browser_sees_the_log_grow_without_a_reload(visit, server):
    avery, casey = visit(AVERY), visit(CASEY)
    open_agent(avery, server, "Task Automator")
    open_agent(casey, server, "Task Automator")
    expect(casey.locator("live-dot")).to_have_attribute("data-state", "live")
    casey.evaluate("window.sameDocument = true")
    items = [f"item {number}" for number in range(8)]
    give(avery, "Watch me", str({"items": items}).replace("'", '"'))
    casey.get_by_role("link", name="Watch me").wait_for()
    assert casey.evaluate("window.sameDocument") is True
    casey.get_by_role("link", name="Watch me").click()
    casey.wait_for_selector("live-log li")
    casey.evaluate("window.sameDocument = true")
    expect(casey.locator("live-log li")).to_have_count(9)
    expect(casey.locator("live-log li span")).to_have_text(
        ["Working through 8 items", *(f"Done: {item}" for item in items)]
    )
    expect(casey.locator(".pill-completed")).to_be_visible()
    expect(casey.locator("pre.code").first).to_contain_text('"done": 8')
    assert casey.evaluate("window.sameDocument") is True


def test_a_server_that_stops_and_starts_again_costs_the_watcher_nothing(visit, server):
    avery, casey = visit(AVERY), visit(CASEY)
    open_agent(avery, server, "Task Automator")
    items = [f"item {number}" for number in range(12)]
    give(avery, "Survive", str({"items": items}).replace("'", '"'))
    casey.goto(avery.url)
    expect(casey.locator("live-log li")).not_to_have_count(0)
    casey.evaluate("window.sameDocument = true")
    server.kill()
    expect(casey.locator("live-dot")).to_have_attribute("data-state", "waiting")
    server.start()
    expect(casey.locator(".pill-completed")).to_be_visible(timeout=45_000)
    assert casey.evaluate("window.sameDocument") is True
    shown = lines(casey)
    casey.reload()
    assert shown == lines(casey)
    assert [f"Done: {item}" for item in items] == [line for line in shown if line.startswith("Done")][-12:]
    assert any("again" in line for line in shown)


def test_the_same_flow_without_scripts_ends_in_the_same_data(visit, server):
    page = visit(AVERY, java_script_enabled=False)
    page.goto(f"{server.url}/workspaces/aurora/agents/new")
    page.fill("#name", "Plain")
    page.click("text=Make the agent")
    page.wait_for_url(re.compile(r"/agents/agt_\w+$"))
    give(page, "Without scripts", "hello")
    for _ in range(50):
        page.reload()
        if page.locator(".pill-completed").count():
            break
    assert page.locator(".pill-completed").count() == 1
    assert "hello" in page.locator("pre.code").first.inner_text()
    assert "Without scripts" in lines(page)[0]


def test_what_somebody_types_survives_the_updates_of_others(visit, server):
    avery, casey = visit(AVERY), visit(CASEY)
    open_agent(avery, server, "Smart Assistant")
    open_agent(casey, server, "Smart Assistant")
    expect(casey.locator("live-dot")).to_have_attribute("data-state", "live")
    casey.fill("#title", "half a sen")
    casey.focus("#title")
    give(avery, "Another", "")
    casey.get_by_role("link", name="Another").wait_for()
    casey.keyboard.type("tence")
    assert casey.input_value("#title") == "half a sentence"


def test_signing_out_elsewhere_ends_the_live_connection(visit, server):
    here = visit(AVERY)
    there = visit(AVERY)
    expect(here.locator("live-dot")).to_have_attribute("data-state", "live")
    there.goto(f"{server.url}/account")
    there.click("text=Sign out everywhere")
    there.locator("dialog .danger").click()
    there.wait_for_url("**/auth/login")
    expect(here.locator("live-dot .dot-text")).to_have_text("signed out")


def test_the_palette_finds_agents_and_pages_by_keyboard(visit, server):
    page = visit(AVERY)
    page.goto(f"{server.url}/workspaces/aurora")
    page.keyboard.press("Control+k")
    page.keyboard.type("collect")
    expect(page.locator("dialog li").first).to_contain_text("Data Collector")
    page.keyboard.press("Enter")
    page.wait_for_url("**/agents/agt_*")
    page.keyboard.press("Control+k")
    page.keyboard.type("activit")
    expect(page.locator("dialog li").first).to_contain_text("Activity")
    page.keyboard.press("Enter")
    page.wait_for_url("**/activity")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_no_page_overflows_or_complains(visit, server, scheme, width):
    page = visit(AVERY, color_scheme=scheme, viewport={"width": width, "height": 844})
    complaints = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{server.url}/workspaces/aurora/agents")
    agent = page.get_attribute(".cards h2 a", "href")
    base = "/workspaces/aurora"
    page.goto(f"{server.url}{base}/workflows")
    workflow = page.get_attribute(".main-cell a", "href")
    for path in (f"{base}/workflows", f"{base}/workflows/new", workflow, f"{workflow}/versions/1", "/account", "/workspaces", "/agents", base, f"{base}/agents", f"{base}/agents/new", agent,
                 f"{agent}/edit", f"{agent}/memory", f"{agent}/about", f"{agent}/delete", f"{base}/members",
                 f"{base}/roles", f"{base}/activity"):  # fmt: skip
        page.goto(server.url + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    assert complaints == []
