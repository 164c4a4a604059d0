"""The picture of a workflow in a browser: walked by arrow keys, never wider than the page, without barriers."""

import pytest
from barriers import RULES
from servers import Program

pytestmark = pytest.mark.xdist_group("browser")

AVERY = "avery.owner@example.com"


def step(step_id, *needs, **more):
    return {"id": step_id, "type": "transform", "config": {"value": 1}, "needs": list(needs), **more}


DIAMOND = [
    step("a", name="First"),
    step("b", "a", when="{{ true }}"),
    step("c", "a", for_each=[1]),
    step("d", "b", "c"),
]
LONG = [step(f"s{number}", *([f"s{number - 1}"] if number else [])) for number in range(60)]
WIDE = [step("a"), *(step(f"b{number}", "a") for number in range(30))]


@pytest.fixture
def workflow(server):
    """Gives the address of a new workflow with these steps."""

    def make(steps):
        made = Program(server, AVERY).send(
            "/workspaces/aurora/workflows", {"definition": {"name": "Drawn", "steps": steps}}
        )
        return f"{server.url}/workspaces/aurora/workflows/{made['id']}"

    return make


def here(page):
    return page.evaluate("document.activeElement.id")


def overflow(page):
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


def test_a_diamond_is_walked_by_arrow_keys(visit, workflow):
    page = visit(AVERY)
    page.goto(workflow(DIAMOND))
    page.wait_for_selector('#node-a[tabindex="0"]')
    assert page.locator('.graph-node[tabindex="0"]').count() == 1
    page.focus(".graph-scroll")
    walk = [
        ("Tab", "node-a"), ("ArrowUp", "node-a"), ("ArrowDown", "node-b"), ("ArrowRight", "node-c"),
        ("ArrowRight", "node-c"), ("ArrowDown", "node-d"), ("ArrowUp", "node-b"), ("End", "node-d"), ("Home", "node-a"),
        ("ArrowDown", "node-b"),
    ]  # fmt: skip
    for key, there in walk:
        page.keyboard.press(key)
        assert here(page) == there, key
    assert page.locator(".graph-edge.near").count() == 2
    page.keyboard.press("Enter")
    page.wait_for_url("**#step-b")
    # The whole picture is one stop: Tab leaves it, and coming back leads to where one was.
    page.focus("#node-b")
    page.keyboard.press("Tab")
    assert not here(page).startswith("node-")
    page.keyboard.press("Shift+Tab")
    assert here(page) == "node-b"


def test_a_part_that_is_fetched_again_keeps_the_one_tab_stop(visit, workflow):
    page = visit(AVERY)
    page.goto(workflow(DIAMOND))
    page.focus("#node-a")
    page.keyboard.press("ArrowDown")
    page.evaluate(
        """async () => {
          const { morph } = await import(document.querySelector('script[type="module"]').src.replace("app.js", "morph.js"));
          const graph = document.querySelector("workflow-graph");
          const fresh = new DOMParser().parseFromString(await (await fetch(location.href, { headers: { Accept: "text/html" } })).text(), "text/html");
          morph(graph, fresh.querySelector("workflow-graph").innerHTML);
        }"""
    )
    page.wait_for_function("""document.querySelectorAll('.graph-node[tabindex="0"]').length === 1""")
    assert here(page) == "node-b"
    assert page.get_attribute("#node-b", "tabindex") == "0"


def test_without_scripts_tab_walks_the_steps_in_their_order(visit, workflow):
    address = workflow(DIAMOND)
    page = visit(AVERY, java_script_enabled=False)
    page.goto(address)
    assert page.locator(".graph-node[tabindex]").count() == 0
    page.locator(".graph-scroll").focus()
    for name in "abcd":
        page.keyboard.press("Tab")
        assert page.locator(":focus").get_attribute("id") == f"node-{name}"


@pytest.mark.parametrize("steps", [DIAMOND, LONG, WIDE], ids=["diamond", "long", "wide"])
def test_on_a_phone_the_picture_scrolls_and_the_page_does_not(visit, workflow, steps):
    page = visit(AVERY, viewport={"width": 390, "height": 844})
    page.goto(workflow(steps))
    page.wait_for_selector('.graph-node[tabindex="0"]')
    assert overflow(page) <= 0
    first = page.locator(".graph-node").first.bounding_box()
    assert first["x"] >= 0
    assert first["x"] + first["width"] <= 390
    page.locator(".graph-node").first.focus()
    page.keyboard.press("End")
    last = page.locator(".graph-node").last.bounding_box()
    assert last["x"] >= 0
    assert last["x"] + last["width"] <= 390
    assert last["y"] >= 0
    assert last["y"] + last["height"] <= 844
    assert overflow(page) <= 0


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_axe_finds_nothing(visit, workflow, scheme, width):
    from axe_playwright_python.sync_playwright import Axe

    page = visit(AVERY, color_scheme=scheme, viewport={"width": width, "height": 844}, bypass_csp=True)
    for steps in (DIAMOND, LONG):
        page.goto(workflow(steps))
        page.wait_for_selector('.graph-node[tabindex="0"]')
        found = Axe().run(page, options=RULES).response["violations"]
        assert [f"{fault['id']}: {node['target']}" for fault in found for node in fault["nodes"]] == []


def test_the_words_fit_into_their_boxes(visit, workflow):
    names = [
        "Keep what is not blank",
        "WWWWWWWWWWWWWWWWWWWWWW",
        "iiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiii",
        "日本語の長い名前を持つステップです",
    ]
    page = visit(AVERY)
    page.goto(workflow([step(f"s{number}", name=name) for number, name in enumerate(names)]))
    widths = page.evaluate("[...document.querySelectorAll('.graph-label')].map(text => text.getComputedTextLength())")
    assert len(widths) == len(names)
    assert all(width <= 142 for width in widths), widths
