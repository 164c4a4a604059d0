"""Two people at one agent: who sees whom, who edits, and how the lock passes without anything typed being lost."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.xdist_group("browser")

AVERY, CASEY = "avery.owner@example.com", "casey.editor@example.com"


@pytest.fixture
def at_the_form(visit, server):
    """Opens the edit page of the same agent for somebody."""

    def open_form(email, **options):
        page = visit(email, **options)
        page.goto(f"{server.url}/workspaces/aurora/agents")
        page.click("text=Smart Assistant")
        page.wait_for_selector(".tabs")
        page.goto(f"{page.url}/edit")
        expect(page.locator("live-dot")).to_have_attribute("data-state", "live")
        return page

    return open_form


def face(page, text):
    return page.locator(".here-people li", has_text=re.compile(text))


def test_two_people_edit_one_after_the_other_and_nothing_typed_is_lost(at_the_form, visit, server):
    casey, avery = at_the_form(CASEY), at_the_form(AVERY)
    expect(face(casey, "Avery.*, looking")).to_have_count(1)
    expect(face(avery, "Casey.*, looking")).to_have_count(1)
    casey.evaluate("addEventListener('lock:changed', (event) => { window.lock = event.detail; })")

    # Casey begins to type: Avery can only read.
    casey.fill("#description", "Casey was here")
    expect(face(avery, "Casey.*, editing")).to_have_count(1)
    expect(avery.locator(".here-line >> visible=true")).to_contain_text("is editing.")
    expect(avery.locator("#description")).not_to_be_editable()
    expect(avery.get_by_role("button", name="Save", exact=True)).to_be_disabled()
    assert casey.evaluate("window.lock") == {"mine": True, "holder": None}

    # Avery asks; Casey says not now, then hands over.
    avery.get_by_role("button", name="Ask to edit").click()
    casey.get_by_role("button", name="Not now").click()
    expect(avery.locator(".here-text").first).to_contain_text("goes on editing")
    avery.get_by_role("button", name="Ask to edit").click()
    casey.get_by_role("button", name="Hand over").click()
    expect(avery.locator("#description")).to_be_editable()
    expect(avery.locator(".here-text").first).to_contain_text("You can edit now.")
    expect(casey.locator("#description")).not_to_be_editable()
    expect(casey.locator("#description")).to_have_value("Casey was here")

    # Avery leaves: Casey, who asked meanwhile, goes on with what was typed.
    casey.get_by_role("button", name="Ask to edit").click()
    expect(avery.get_by_role("button", name="Hand over")).to_be_visible()
    avery.goto(f"{server.url}/workspaces/aurora/agents")
    expect(casey.locator("#description")).to_be_editable()
    casey.keyboard.press("Escape")

    # An owner may take over, and says why; an editor has no such button.
    avery.go_back()
    expect(face(avery, "Casey.*, editing")).to_have_count(1)
    avery.get_by_role("button", name="Take over…").click()
    avery.get_by_label("Reason").fill("It is on fire")
    avery.locator("dialog").get_by_role("button", name="Take over").click()
    expect(casey.locator(".here-text").first).to_contain_text(
        "took over: “It is on fire”. What you typed is still here."
    )
    expect(casey.locator("#description")).to_have_value("Casey was here")
    expect(casey.get_by_role("button", name="Take over…")).to_be_hidden()
    expect(casey.get_by_role("button", name="Ask to edit")).to_be_visible()
    avery.fill("#description", "Avery saves")
    avery.get_by_role("button", name="Save", exact=True).click()
    avery.wait_for_url(re.compile("/agents/agt_[^/]+$"))
    expect(casey.locator("#description")).to_be_editable()
    expect(casey.locator(".here-line", has_text="saved a change")).to_be_visible()
    avery.goto(f"{server.url}/workspaces/aurora/activity")
    expect(avery.locator(".feed-edit-forced")).to_contain_text("took over the editing of Smart Assistant from Casey")
    expect(avery.locator(".feed-edit-forced")).to_contain_text("It is on fire")


def test_the_lock_comes_back_with_the_connection(at_the_form, server):
    casey, avery = at_the_form(CASEY), at_the_form(AVERY)
    casey.fill("#description", "Still mine")
    expect(face(avery, "Casey.*, editing")).to_have_count(1)
    server.kill()
    expect(casey.locator("live-dot")).to_have_attribute("data-state", "waiting")
    expect(casey.locator("#description")).to_be_editable()
    server.start()
    expect(casey.locator("live-dot")).to_have_attribute("data-state", "live", timeout=45_000)
    expect(avery.locator("live-dot")).to_have_attribute("data-state", "live", timeout=45_000)
    expect(face(avery, "Casey.*, editing")).to_have_count(1)
    expect(casey.locator("#description")).to_have_value("Still mine")


def test_a_second_tab_of_the_same_person_can_take_the_lock(at_the_form):
    first = at_the_form(CASEY)
    second = first.context.new_page()
    second.goto(first.url)
    first.fill("#description", "here")
    expect(second.locator(".here-text").first).to_contain_text("in another tab")
    expect(second.locator("#description")).not_to_be_editable()
    second.get_by_role("button", name="Edit here").click()
    expect(second.locator("#description")).to_be_editable()
    expect(first.locator("#description")).not_to_be_editable()
    expect(first.locator("#description")).to_have_value("here")


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_axe_finds_nothing_while_another_edits(at_the_form, scheme, width):
    from axe_playwright_python.sync_playwright import Axe

    casey = at_the_form(CASEY, color_scheme=scheme, viewport={"width": width, "height": 844}, bypass_csp=True)
    avery = at_the_form(AVERY, color_scheme=scheme, viewport={"width": width, "height": 844}, bypass_csp=True)
    casey.fill("#description", "x")
    avery.get_by_role("button", name="Ask to edit").click()
    expect(casey.get_by_role("button", name="Hand over")).to_be_visible()
    for page in (casey, avery):
        faults = Axe().run(page, options={"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag22aa"]}})
        assert [fault["id"] for fault in faults.response["violations"]] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    avery.get_by_role("button", name="Take over…").click()
    expect(avery.get_by_label("Reason")).to_be_focused()
    assert Axe().run(avery).response["violations"] == []


def test_a_part_that_is_fetched_anew_stays_closed_while_another_edits(visit, server):
    casey, avery = visit(CASEY), visit(AVERY)
    casey.goto(f"{server.url}/workspaces/aurora/workflows")
    casey.locator(".main-cell a").first.click()
    casey.click("text=Begin a draft")
    casey.wait_for_url("**/edit")
    avery.goto(casey.url)
    subject = re.search(r"/(wfl_\w+)/versions/(\d+)/", casey.url).expand(r"\1/\2")
    for page in (casey, avery):
        expect(page.locator("live-dot")).to_have_attribute("data-state", "live")
        page.evaluate(
            """(subject) => {
                for (const old of document.querySelectorAll("who-is-here")) old.remove();
                document.querySelector("draft-editor").id = "draft";
                document.querySelector(".head").insertAdjacentHTML("beforeend",
                    `<who-is-here subject="${subject}" name="a draft" me="nobody" for="draft" can-edit></who-is-here>`);
            }""",
            subject,
        )
    expect(avery.locator(".here-people li")).to_have_count(2)
    text = casey.locator("#draft textarea").first
    text.fill(text.input_value() + " ")
    other = avery.locator("#draft textarea").first
    expect(other).not_to_be_editable()
    avery.evaluate("document.dispatchEvent(new CustomEvent('live:reset'))")
    avery.evaluate("document.querySelector('#draft textarea').removeAttribute('readonly')")
    expect(other).not_to_be_editable()
    casey.goto(f"{server.url}/workspaces/aurora")
    expect(other).to_be_editable()
