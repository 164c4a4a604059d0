"""The difference of two versions in a browser: read wide and on a phone, light and dark, and without barriers."""

import json
import os
from pathlib import Path

import pytest
from barriers import RULES

pytestmark = pytest.mark.xdist_group("browser")

CASEY = "casey.editor@example.com"
LINES = "".join(f"Line {number} of a letter that is long enough to be folded.\n" for number in range(20))


def step(step_id, value, **more):
    return {"id": step_id, "type": "transform", "config": {"value": value}, **more}


BEFORE = {
    "name": "Daily digest",
    "inputs": {"type": "object", "properties": {"notes": {"type": "array"}, "old": {"type": "string"}}},
    "steps": [
        step("keep", "{{ inputs.notes | map('trim') | select | list }}"),
        step("digest", "{{ steps.keep.output | join('; ') }}", name="Make the digest"),
        step("letter", f"Hello,\n{LINES}Bye"),
        {"id": "wait", "type": "delay", "config": {"seconds": 5}},
        {"id": "tell", "type": "http.request", "config": {"url": "https://example.com/hook"}},
    ],
    "output": "{{ steps.digest.output }}",
}
AFTER = {
    "name": "Daily digest",
    "description": "For the team",
    "inputs": {
        "type": "object",
        "properties": {"notes": {"type": "array"}, "limit": {"type": "integer"}},
        "required": ["notes"],
    },
    "steps": [
        step("keep", "{{ inputs.notes | map('trim') | select | list }}"),
        {"id": "wait", "type": "delay", "config": {"seconds": 5}},
        step("summarise", "{{ steps.keep.output | join(', ') }}", name="Make the digest"),
        step("letter", f"Hello all,\n{LINES}{{{{ steps.summarise.output }}}}\nBye"),
        {
            "id": "tell",
            "type": "http.request",
            "config": {"url": "https://example.org/a/rather/long/address/that/will/not/fit/on/a/phone"},
            "retry": {"max_attempts": 3},
        },
        {"id": "end", "type": "fail", "config": {"message": "Nothing\nmore"}},
    ],
    "output": "{{ steps.summarise.output }}",
}


def compared(page, server):
    """Makes a workflow with two versions; gives the address of their difference."""
    headers = {"content-type": "application/json", "accept": "application/json"}
    page.goto(f"{server.url}/workspaces/aurora/workflows")
    csrf = page.get_attribute("body", "data-csrf")
    at = f"{server.url}/workspaces/aurora/workflows"

    def send(method, path, body):
        answer = page.request.fetch(
            path, method=method, data=json.dumps(body), headers={**headers, "X-CSRF-Token": csrf, "Origin": server.url}
        )
        assert answer.ok, answer.text()
        return answer.json()

    made = send("POST", at, {"definition": BEFORE, "change_summary": "Begun"})
    version = f"{at}/{made['id']}/versions"
    send("POST", f"{version}/1/publish", {})
    send("POST", f"{version}/1/duplicate", {})
    send("PUT", f"{version}/2", {"definition": AFTER})
    return f"{version}/2/difference?against=1"


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 390), ("dark", 390)])
def test_the_difference_can_be_read_by_everybody_everywhere(visit, server, scheme, width):
    from axe_playwright_python.sync_playwright import Axe

    page = visit(CASEY, color_scheme=scheme, viewport={"width": width, "height": 844}, bypass_csp=True)
    address = compared(page, server)
    for view in ("", "&as=text"):
        page.goto(address + view)
        page.wait_for_selector(".changed-line.added")
        faults = Axe().run(page, options=RULES).response["violations"]
        assert [(one["id"], [node["target"] for node in one["nodes"]]) for one in faults] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        folder = os.environ.get("SCREENSHOTS")
        if folder:
            name = f"difference-{scheme}-{width}{'-text' if view else ''}.png"
            page.screenshot(path=Path(folder) / name, full_page=True)


def test_a_draft_that_is_saved_meanwhile_is_compared_anew_at_once(visit, server):
    page = visit(CASEY)
    address = compared(page, server)
    page.goto(address)
    assert "Its id was digest." in page.text_content("#steps-2")
    page.wait_for_selector('live-dot[data-state="live"]')
    other = page.context.new_page()
    other.goto(address.replace("/difference?against=1", "/edit"))
    other.evaluate(
        """async ([path, definition]) => {
            const headers = {"content-type": "application/json", accept: "application/json",
                             "X-CSRF-Token": document.body.dataset.csrf};
            await fetch(path, {method: "PUT", headers, body: JSON.stringify({definition})});
        }""",
        [address.partition("/difference")[0], BEFORE],
    )
    page.wait_for_selector("text=Both mean the same")
